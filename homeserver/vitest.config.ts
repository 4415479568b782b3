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
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
