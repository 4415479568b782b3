/** Installs the dependencies when they are missing or not those of the lockfile. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readOrEmpty, root, run } from "./node.mjs";

const stamp = join(root, "node_modules", ".weft-lock");

/** Runs `npm ci` if need be. Throws when it fails. */
export async function ensureInstalled() {
  const wanted = hashOfLock();
  if (readOrEmpty(stamp) === wanted) return;
  // Installed by hand: npm keeps a copy of the lockfile, newer than ours.
  if (!existsSync(stamp) && isInstalled()) {
    writeFileSync(stamp, wanted);
    return;
  }
  console.log("Installing dependencies (npm ci)…");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const code = await run(npm, ["ci", "--no-fund", "--no-audit", "--loglevel=error"], { cwd: root });
  if (code !== 0) throw new Error(`npm ci ended with ${code}; see above`);
  mkdirSync(join(root, "node_modules"), { recursive: true });
  writeFileSync(stamp, wanted);
}

function hashOfLock() {
  const lock = readOrEmpty(join(root, "package-lock.json"));
  return createHash("sha256").update(lock).digest("hex");
}

/** Compares what npm noted down at its last install with the lockfile. */
function isInstalled() {
  const done = readOrEmpty(join(root, "node_modules", ".package-lock.json"));
  if (done === "") return false;
  const wanted = JSON.parse(readOrEmpty(join(root, "package-lock.json"))).packages;
  const installed = JSON.parse(done).packages;
  return (
    Object.entries(installed).every(([path, { version }]) => wanted[path]?.version === version) &&
    Object.entries(wanted).every(
      ([path, { optional, link }]) =>
        path === "" || !path.includes("node_modules") || optional || link || path in installed,
    )
  );
}
