import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "spec",
    root: import.meta.dirname,
    include: ["test/**/*.test.ts"],
    // Compiling every schema takes seconds, and many times that on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
