import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Launcher } from "./launch.ts";

export interface ServerCommand {
  launcher: Launcher;
  /** Set for PostgreSQL alone: its libraries must not reach the programs in front of it. */
  environment: Record<string, string>;
}

export interface ServerOptions extends ServerCommand {
  program: string;
  cluster: string;
  settings: Record<string, string>;
  log: (line: string) => void;
  /** Stops one that does not take connections yet. */
  signal?: AbortSignal | undefined;
}

/** A postmaster that is started again when it dies. */
export interface Server {
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/**
 * How long to wait for a clean stop before backends have to quit at once (the write-ahead log is
 * replayed at the next start).
 */
const GIVE_UP_AFTER_MS = 6_000;
const MAX_PAUSE_MS = 5_000;

/** The command line that runs a program of PostgreSQL's under its launcher. */
export function commandFor(
  { launcher, environment }: ServerCommand,
  program: string,
  args: readonly string[],
): [string, string[]] {
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const [file, ...rest] = [...launcher.prefix, "env", ...settings, program, ...args];
  return [file as string, rest];
}

/**
 * Starts a postmaster and waits until it takes connections; throws with its last lines when it does
 * not.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  let child: ChildProcess | undefined;
  let stopping = false;
  let restarting: Promise<void> = Promise.resolve();

  async function start(): Promise<void> {
    const running = await launch(options);
    child = running;
    running.once("exit", (code, signal) => {
      child = undefined;
      if (stopping) return;
      options.log(`PostgreSQL ended unexpectedly (${signal ?? code}); starting it again`);
      restarting = restart();
    });
    if (stopping) await stopChild(running);
  }

  async function restart(): Promise<void> {
    for (let pause = 100; !stopping; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      // Its orphaned backends need a moment to notice that the postmaster is gone.
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (stopping) return;
      try {
        return await start();
      } catch (error) {
        options.log(`PostgreSQL did not start: ${(error as Error).message}`);
      }
    }
  }

  await start();
  if (options.signal?.aborted) {
    stopping = true;
    if (child !== undefined) await stopChild(child);
    throw options.signal.reason;
  }
  return {
    get pid() {
      return child?.pid;
    },
    async stop() {
      stopping = true;
      if (child !== undefined) await stopChild(child);
      await restarting;
    },
  };
}

async function launch(options: ServerOptions): Promise<ChildProcess> {
  // An earlier abort fires no event any more.
  options.signal?.throwIfAborted();
  const settings = Object.entries(options.settings).flatMap(([key, value]) => [
    "-c",
    `${key}=${value}`,
  ]);
  const [file, args] = commandFor(options, options.program, ["-D", options.cluster, ...settings]);
  // A group of its own: Ctrl-C on the terminal must reach us first.
  const child = spawn(file, args, {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
    cwd: "/",
  });
  const recent: string[] = [];
  const { signal } = options;
  const giveUp = () => void stopChild(child);
  signal?.addEventListener("abort", giveUp, { once: true });
  return new Promise<ChildProcess>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => {
      const reason = new Error(recent.join("\n") || "PostgreSQL ended at once");
      reject(signal?.aborted ? (signal.reason as Error) : reason);
    });
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (line) => {
      options.log(line);
      recent.push(line);
      if (recent.length > 10) recent.shift();
      if (line.includes("ready to accept connections")) resolve(child);
    });
  }).finally(() => signal?.removeEventListener("abort", giveUp));
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGINT");
  const hurry = setTimeout(() => child.kill("SIGQUIT"), GIVE_UP_AFTER_MS);
  await gone;
  clearTimeout(hurry);
}
