import { defineConfig } from "vite";

/** The homeserver that `vite` and `vite preview` pass `/_matrix` to while the client is worked on. */
const homeserver = process.env["WEFT_DEV_HOMESERVER"] ?? "http://127.0.0.1:8008";
const proxy = Object.fromEntries(
  ["/_matrix", "/_weft", "/.well-known"].map((prefix) => [prefix, { target: homeserver }]),
);

export default defineConfig({
  base: "./",
  build: { target: "es2024", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy, host: "127.0.0.1" },
  preview: { proxy, host: "127.0.0.1" },
});
