/** Finds the Node that Weft needs (24 or newer), and runs programs on it. Plain JS: runs on Node 18. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const bin = join(root, "node_modules", ".bin");

const NEEDED = 24;

/**
 * The path of a Node 24 or newer: the one of node_modules, otherwise the running one.
 * Throws an error that says what to do when there is none.
 */
export function findNode() {
  const pinned = join(bin, "node");
  if (existsSync(pinned)) return realpathSync(pinned);
  if (Number(process.versions.node.split(".")[0]) >= NEEDED) return process.execPath;
  throw new Error(
    `Weft needs Node ${NEEDED} or newer, and this is ${process.versions.node}. For ${process.platform}-${process.arch} ` +
      `no Node comes from the registry: install one from https://nodejs.org and run the command again.`,
  );
}

/** The environment of programs of the repository: its own commands come first. */
export function environment(extra = {}) {
  return {
    // Node keeps what it made of the TypeScript files: a warm start is a second faster.
    NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "weft"),
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
    ...extra,
  };
}

/** Runs a script on that Node as if it were this process: same terminal, signals passed on. */
export function runOnNode(args, options = {}) {
  return run(findNode(), args, options);
}

/** Runs a program and waits. @returns its exit code; 128 + n when signal n ended it */
export function run(command, args, { env, cwd, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: environment(env),
      stdio: quiet ? ["ignore", "ignore", "inherit"] : "inherit",
    });
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    const pass = (signal) => child.kill(signal);
    for (const signal of signals) process.on(signal, pass);
    const unwatch = onceOrphaned(() => child.kill("SIGTERM"));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      unwatch();
      for (const each of signals) process.off(each, pass);
      resolve(signal ? 128 + (constants.signals[signal] ?? 0) : code);
    });
  });
}

/**
 * npm and npx do not wait for what they started: when they, or the shell between, are ended by a
 * signal, their children live on. So these look after themselves. Without npm a parent may go: that is nohup's use.
 */
export function onceOrphaned(stop) {
  if (process.env.npm_command === undefined) return () => undefined;
  const before = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(timer);
    stop();
  }, 500);
  timer.unref();
  return () => clearInterval(timer);
}

/** Our parent, and its parent where the system tells. */
function ancestors() {
  const { ppid } = process;
  const status = readOrEmpty(`/proc/${ppid}/status`);
  return `${ppid} ${/^PPid:\s*(\d+)/m.exec(status)?.[1] ?? ""}`;
}

/** A file's text, or "" when there is none. */
export function readOrEmpty(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
