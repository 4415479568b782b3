import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "conformance",
    root: import.meta.dirname,
    include: ["tests/**/*.test.ts"],
    globalSetup: ["harness/global-setup.ts"],
    pool: "threads",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
  },
});
