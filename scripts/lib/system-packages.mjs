/** Debian packages that some suites need: installed where that is permitted, reported where it is not. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** What the suites look for, and the package that has it. */
const WANTED = [
  {
    name: "chromium",
    tests: "the web client in a browser",
    present: () => existsSync("/usr/bin/chromium"),
  },
  {
    name: "firefox-esr",
    tests: "the web client in Firefox",
    present: () => existsSync("/usr/bin/firefox-esr"),
  },
  {
    name: "redis-server",
    tests: "several replicas, over Redis",
    present: () => existsSync("/usr/bin/redis-server"),
  },
  {
    name: "python3-matrix-nio",
    tests: "matrix-nio as a client",
    present: () => succeeds("/usr/bin/python3", ["-c", "import nio"]),
  },
];

/** @returns {{name: string, tests: string}[]} what is still missing, and which tests need it */
export function ensureSystemPackages() {
  const missing = WANTED.filter(({ present }) => !present());
  if (missing.length === 0) return [];
  const apt = aptGet();
  if (apt !== undefined) {
    const names = missing.map(({ name }) => name);
    console.log(`Installing from Debian: ${names.join(", ")}`);
    if (!install(apt, names)) {
      succeeds(apt[0], [...apt.slice(1), "update", "-q"]);
      // One that cannot be had must not keep the others out.
      if (!install(apt, names)) for (const name of names) install(apt, [name]);
    }
  }
  return missing.filter(({ present }) => !present());
}

function install(apt, names) {
  const args = [...apt.slice(1), "install", "-y", "-q", "--no-install-recommends", ...names];
  return succeeds(apt[0], args);
}

/** How to call apt-get with the right to install; undefined where there is none. */
function aptGet() {
  if (!existsSync("/usr/bin/apt-get")) return undefined;
  if (process.getuid?.() === 0) return ["/usr/bin/apt-get"];
  return succeeds("sudo", ["-n", "true"]) ? ["sudo", "-n", "/usr/bin/apt-get"] : undefined;
}

function succeeds(command, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync(command, args, { stdio: "ignore", env, timeout: 300_000 }).status === 0;
}
