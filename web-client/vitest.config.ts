import { existsSync } from "node:fs";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { CHROMIUM } from "./e2e/chromium.ts";

const hasChromium = existsSync(CHROMIUM.executablePath);

/** A test that hangs is to end; how long one takes depends on what else the machine does. */
const PATIENCE = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 30_000 } },
};

const browser = {
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({ launchOptions: CHROMIUM }),
  instances: [{ browser: "chromium" as const, viewport: { width: 1000, height: 700 } }],
};

const inChromium = {
  optimizeDeps: {
    include: [
      ...["axe-core", "lit/directives/repeat.js"],
      // Loaded when they are wanted: found amid a test they would load the page anew.
      ...["markdown-it", "katex", "highlight.js/lib/common", "blurhash"],
    ],
    // It finds its WebAssembly beside itself.
    exclude: ["@matrix-org/matrix-sdk-crypto-wasm"],
  },
  test: {
    name: "client-browser",
    root: import.meta.dirname,
    include: ["test/browser/**/*.test.ts"],
    ...PATIENCE,
    browser,
  },
};

/** Says by a skipped test that the others are missing. */
const withoutChromium = {
  test: {
    name: "client-browser",
    root: import.meta.dirname,
    include: ["test/no-chromium.test.ts"],
  },
};

/** Two projects: what needs no page runs in Node; what does runs in the Chromium of the machine, where there is one. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "client-unit",
          root: import.meta.dirname,
          include: ["test/unit/**/*.test.ts"],
          ...PATIENCE,
        },
      },
      hasChromium ? inChromium : withoutChromium,
    ],
  },
});
