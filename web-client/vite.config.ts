import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";
import { beginning } from "./beginning.ts";
import { precompress } from "./precompress.ts";
import { buildServiceWorker } from "./service-worker.ts";

/** The homeserver that `vite` and `vite preview` pass `/_matrix` to while the client is worked on. */
const homeserver = process.env["WEFT_DEV_HOMESERVER"] ?? "http://127.0.0.1:8008";
const proxy = Object.fromEntries(
  ["/_matrix", "/_weft", "/_synapse", "/.well-known"].map((prefix) => [
    prefix,
    { target: homeserver, ws: true },
  ]),
);

/** The service worker, which knows the built files; then all of them beside their compressed forms. */
const finished: Plugin = {
  name: "finish",
  apply: "build",
  async closeBundle() {
    const folder = join(import.meta.dirname, "dist");
    await buildServiceWorker(folder);
    precompress(folder);
  },
};

/** What the pages for signing in and registering have of their own: they are not to wait for the rooms' parts. */
const ENTRY = /\/src\/(?:elements\/password-field|text\/device)\.ts$/;

/** The administration, which few people see: nobody else is to wait for it. */
const ADMIN = /\/src\/(?:api\/)?admin\//;

/**
 * What runs before anything is seen is one file, and what opens an account is another. What many parts share is a third, what a few
 * parts around the rooms share a fourth, and what those of the administration share a fifth: a browser asks for six files at a
 * time, and dozens of small ones would wait for one another.
 */
export const chunks = {
  groups: [
    { name: "first", tags: ["$initial" as const], priority: 4 },
    { name: "client", test: /\/src\/store\/opened\.ts$/, priority: 3 },
    { name: "shared", minShareCount: 12, test: (id: string) => !ADMIN.test(id), priority: 2 },
    {
      name: "rooms",
      minShareCount: 3,
      test: (id: string) => !ENTRY.test(id) && !ADMIN.test(id),
      priority: 1,
    },
    { name: "admin", minShareCount: 3, test: ADMIN },
  ],
};

export default defineConfig({
  base: "./",
  plugins: [beginning(), finished],
  worker: { format: "es" },
  build: {
    target: "es2024",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { output: { codeSplitting: chunks } },
  },
  server: { proxy, host: "127.0.0.1" },
  preview: { proxy, host: "127.0.0.1" },
});
