import { existsSync } from "node:fs";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

const chromium = process.env["WEFT_CHROMIUM"] ?? "/usr/bin/chromium";
const hasChromium = existsSync(chromium);

const browser = {
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({
    launchOptions: {
      executablePath: chromium,
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
    },
  }),
  instances: [{ browser: "chromium" as const, viewport: { width: 1000, height: 700 } }],
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
        },
      },
      ...(hasChromium
        ? [
            {
              optimizeDeps: {
                include: ["lit/directives/unsafe-svg.js", "lit/directives/repeat.js", "axe-core"],
              },
              test: {
                name: "client-browser",
                root: import.meta.dirname,
                include: ["test/browser/**/*.test.ts"],
                testTimeout: 20_000,
                browser,
              },
            },
          ]
        : []),
    ],
  },
});
