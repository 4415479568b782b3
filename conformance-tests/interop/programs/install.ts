/** Programs of others from their registries, installed once below `.cache/`. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const CACHE = join(import.meta.dirname, "..", "..", "..", ".cache");
const INSTALL_MS = 10 * 60_000;

/** Says which is skipped, and why. */
export type Tell = (line: string) => void;

/** The commands of a virtual environment with these from PyPI; undefined where PyPI has them not. */
export function installFromPyPI(
  tell: Tell,
  name: string,
  version: string,
  more: readonly string[] = [],
): string | undefined {
  const folder = join(CACHE, `${name}-${version}`);
  const pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "-q", "install"];
  const isThere = install(folder, tell, `${name} from PyPI`, [
    ["python3", ["-m", "venv", folder]],
    [join(folder, "bin", "python"), [...pip, "--retries", "1", `${name}==${version}`, ...more]],
  ]);
  return isThere ? join(folder, "bin") : undefined;
}

/**
 * A folder with a library from npm; undefined where npm has it not. These libraries want encryption by a native
 * library that its installation downloads from elsewhere: an empty package stands in its place.
 */
export function installFromNpm(tell: Tell, name: string, version: string): string | undefined {
  const folder = join(CACHE, `${name}-${version}`);
  const npm = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder];
  const isThere = install(folder, tell, `${name} from npm`, [["npm", npm]], () => {
    const native = "@matrix-org/matrix-sdk-crypto-nodejs";
    const stub = join(folder, "stub");
    mkdirSync(stub, { recursive: true });
    writeFileSync(join(stub, "package.json"), JSON.stringify({ name: native, version: "0.4.0" }));
    writeFileSync(join(stub, "index.js"), STUB);
    const dependencies = { [name]: version };
    const overrides = { [native]: "file:./stub" };
    const manifest = { private: true, dependencies, overrides };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  });
  return isThere ? folder : undefined;
}

/** Whatever is asked of it is a class that does nothing. */
const STUB = `module.exports = new Proxy({}, { get: (_target, key) => (key === "then" ? undefined : class {}) });\n`;

function install(
  folder: string,
  tell: Tell,
  what: string,
  steps: readonly (readonly [command: string, args: readonly string[]])[],
  prepare: () => void = () => undefined,
): boolean {
  // Written last, so that an installation that was broken off is begun again.
  const whole = join(folder, "installed");
  if (existsSync(whole)) return true;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  prepare();
  for (const [command, args] of steps) {
    const done = spawnSync(command, args, { stdio: "ignore", timeout: INSTALL_MS });
    if (done.status !== 0) {
      tell(`${what} cannot be installed: its story is skipped.`);
      return false;
    }
  }
  writeFileSync(whole, "");
  return true;
}
