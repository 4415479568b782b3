import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "homeserver",
    root: import.meta.dirname,
    include: ["test/**/*.test.ts"],
    // Figures, not tests: WEFT_TEST_THROUGHPUT=1 runs them.
    exclude: process.env["WEFT_TEST_THROUGHPUT"] ? [] : ["test/**/*throughput.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    // A test that hangs is to end; how long one takes depends on what else the machine does.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
