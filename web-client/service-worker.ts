import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";

/** What is kept once it was wanted: fonts of other scripts, the engine of encryption, the names of emoji. */
const WHEN_WANTED =
  /\.(wasm|json|map|br|gz)$|(^|\/)(inter-(?!latin-wght-normal)|sw\.js|index\.html$|\.)/;

/** What the service worker is told of a build. */
function describeBuild(folder: string) {
  const page = readFileSync(join(folder, "index.html"), "utf8");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => !WHEN_WANTED.test(name))
    .toSorted();
  const hash = createHash("sha256").update(page);
  for (const name of files) hash.update(name).update(readFileSync(join(folder, name)));
  const entries = [...page.matchAll(/"\.\/(assets\/[^"]+)"/g)].map(([, name]) => name!);
  return { files, entries, hash: hash.digest("hex").slice(0, 16) };
}

/** Builds `sw.js` into the folder of a finished build: one plain script, as all browsers take it. */
export async function buildServiceWorker(folder: string): Promise<void> {
  await build({
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    define: { WEFT_BUILD: JSON.stringify(describeBuild(folder)) },
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: "es2024",
      lib: {
        entry: join(import.meta.dirname, "src", "offline", "worker.ts"),
        formats: ["iife"],
        name: "weft",
        fileName: () => "sw.js",
      },
    },
  });
}
