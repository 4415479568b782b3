/** Builds the web client when its sources are others than those of the last build. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { readOrEmpty, root, runOnNode } from "./node.mjs";

const folder = join(root, "web-client");
const dist = join(folder, "dist");
const stamp = join(dist, ".sources");
const INPUTS = [
  "src",
  "public",
  "languages",
  "index.html",
  "vite.config.ts",
  "beginning.ts",
  "precompress.ts",
  "service-worker.ts",
  "package.json",
  "tsconfig.json",
];

/** Throws when the build fails. */
export async function ensureWebClient() {
  const wanted = hashOfSources();
  if (existsSync(join(dist, "index.html")) && readOrEmpty(stamp) === wanted) return;
  console.log("Building the web client…");
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  // Tests run what people run, whatever their own environment is called.
  const env = { NODE_ENV: "production" };
  const code = await runOnNode([vite, "build", "--logLevel", "warn"], { cwd: folder, env });
  if (code !== 0) throw new Error(`the web client's build ended with ${code}; see above`);
  writeFileSync(stamp, wanted);
}

function hashOfSources() {
  const hash = createHash("sha256");
  const inputs = [
    ...INPUTS.map((name) => join(folder, name)),
    join(root, "spec", "generated", "types.ts"),
  ];
  for (const path of [...inputs.flatMap(filesUnder), join(root, "package-lock.json")]) {
    hash.update(relative(root, path)).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function filesUnder(path) {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path)
      .sort()
      .flatMap((name) => filesUnder(join(path, name)));
  } catch (error) {
    if (error.code === "ENOTDIR") return [path];
    throw error;
  }
}
