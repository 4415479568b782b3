import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "bench",
    root: import.meta.dirname,
    include: ["test/**/*.test.ts"],
    // A test that hangs is to end; how long one takes depends on what else the machine does.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
