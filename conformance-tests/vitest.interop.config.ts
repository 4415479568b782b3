import { defineConfig } from "vitest/config";

/** The helpers of `npm run interop`, without servers. */
export default defineConfig({
  test: { name: "interop helpers", root: import.meta.dirname, include: ["interop/**/*.test.ts"] },
});
