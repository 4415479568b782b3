import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "conformance",
    root: import.meta.dirname,
    include: ["tests/**/*.test.ts"],
    globalSetup: ["harness/global-setup.ts"],
    pool: "threads",
    maxWorkers: 2,
    // A test that hangs is to end; how long one takes depends on what else the machine does.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 60_000,
  },
});
