import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { build } from "vite";

export interface HydrogenSite {
  readonly url: string;
  close(): Promise<void>;
}

const LIBRARY = createRequire(import.meta.url).resolve("hydrogen-view-sdk");
const SDK = join(dirname(LIBRARY), "..");
const OLM = dirname(createRequire(LIBRARY).resolve("@matrix-org/olm"));
const APP = join(import.meta.dirname, "hydrogen-app.js");
const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Hydrogen</title>
<link rel="stylesheet" href="/theme-element-light.css">
<body class="hydrogen"><script type="module" src="/app.js"></script></body></html>`;

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript",
  css: "text/css",
  wasm: "application/wasm",
  svg: "image/svg+xml",
};

/** Serves the app on loopback: the SDK with what its guide says of the page around it. */
export async function serveHydrogen(): Promise<HydrogenSite> {
  const files = new Map([
    ["index.html", PAGE],
    ["app.js", await bundle()],
  ]);
  const folders = [join(SDK, "asset-build", "assets"), join(SDK, "lib-build"), OLM];
  const find = async (name: string): Promise<string | Buffer | undefined> => {
    if (files.has(name)) return files.get(name);
    for (const folder of folders) {
      const found = await readFile(join(folder, name)).catch(() => undefined);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? "/", "http://x").pathname.slice(1);
    void find(name === "" ? "index.html" : name).then((content) => {
      response.statusCode = content === undefined ? 404 : 200;
      response.setHeader("content-type", TYPES[name.split(".").at(-1) ?? ""] ?? "text/html");
      response.end(content);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function bundle(): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: "silent",
    define: { "process.env.NODE_ENV": '"production"' },
    build: { write: false, minify: false, lib: { entry: APP, formats: ["es"], fileName: "app" } },
  });
  const [built] = Array.isArray(output) ? output : [output];
  if (built === undefined || !("output" in built)) throw new Error("nothing was built");
  return built.output[0].code;
}
