import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../../scripts/lib/ports.mjs";

export interface Child {
  readonly pid: number;
  /** The last lines that it wrote. */
  tail(): string;
  readonly exited: boolean;
  /** SIGTERM, and SIGKILL when it has not ended within 15 s. */
  stop(): Promise<void>;
}

const TAIL = 4000;
const PATIENCE_MS = 15_000;

export function startChild(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd?: string,
): Child {
  const child: ChildProcess = spawn(command, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit");
  let text = "";
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-TAIL);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  child.on("error", (error) => keep(Buffer.from(error.message)));
  const exited = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid ?? 0,
    tail: () => text,
    get exited() {
      return exited();
    },
    async stop() {
      if (exited()) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Waits until `url` answers 200. @throws Error when the child ends first, or after `seconds` */
export async function untilReady(child: Child, url: URL, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const status = await fetch(url).then(
      async (answer) => (await answer.arrayBuffer(), answer.status),
      () => 0,
    );
    if (status === 200) return;
    if (child.exited || Date.now() > deadline) {
      throw new Error(`${url.href} is not ready (status ${status}):\n${child.tail()}`);
    }
    await sleep(100);
  }
}

/** A TCP port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}
