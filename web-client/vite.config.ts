import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";
import { precompress } from "./precompress.ts";

/** The homeserver that `vite` and `vite preview` pass `/_matrix` to while the client is worked on. */
const homeserver = process.env["WEFT_DEV_HOMESERVER"] ?? "http://127.0.0.1:8008";
const proxy = Object.fromEntries(
  ["/_matrix", "/_weft", "/.well-known"].map((prefix) => [
    prefix,
    { target: homeserver, ws: true },
  ]),
);

/** The built files beside their compressed forms. */
const compressed: Plugin = {
  name: "precompress",
  apply: "build",
  closeBundle: () => void precompress(join(import.meta.dirname, "dist")),
};

export default defineConfig({
  base: "./",
  plugins: [compressed],
  worker: { format: "es" },
  build: { target: "es2024", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy, host: "127.0.0.1" },
  preview: { proxy, host: "127.0.0.1" },
});
