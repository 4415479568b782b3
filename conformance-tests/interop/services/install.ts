/** Bridges from their registries, installed once below `.cache/`. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const HEISENBRIDGE = "1.15.4";
export const APPSERVICE_BRIDGE = "11.2.0";

const CACHE = join(import.meta.dirname, "..", "..", "..", ".cache");
const INSTALL_MS = 10 * 60_000;

/** The Python that has heisenbridge (and with it mautrix-python); undefined where PyPI has it not. */
export function installHeisenbridge(tell: (line: string) => void): string | undefined {
  const folder = join(CACHE, `heisenbridge-${HEISENBRIDGE}`);
  const python = join(folder, "bin", "python");
  const pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "-q", "install"];
  const isThere = install(folder, tell, "heisenbridge from PyPI", [
    ["python3", ["-m", "venv", folder]],
    [python, [...pip, "--retries", "1", `heisenbridge==${HEISENBRIDGE}`]],
  ]);
  return isThere ? python : undefined;
}

/**
 * A folder with matrix-appservice-bridge; undefined where npm has it not. Its encryption is a native
 * library that its installation downloads from elsewhere: an empty package stands in its place.
 */
export function installAppserviceBridge(tell: (line: string) => void): string | undefined {
  const folder = join(CACHE, `matrix-appservice-bridge-${APPSERVICE_BRIDGE}`);
  const what = "matrix-appservice-bridge from npm";
  const npm = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder];
  const isThere = install(folder, tell, what, [["npm", npm]], () => {
    const native = "@matrix-org/matrix-sdk-crypto-nodejs";
    const stub = join(folder, "stub");
    mkdirSync(stub, { recursive: true });
    writeFileSync(join(stub, "package.json"), JSON.stringify({ name: native, version: "0.4.0" }));
    writeFileSync(join(stub, "index.js"), STUB);
    const dependencies = { "matrix-appservice-bridge": APPSERVICE_BRIDGE };
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
  tell: (line: string) => void,
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
