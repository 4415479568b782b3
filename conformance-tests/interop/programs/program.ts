/** A program of others that runs, with what it says. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { must } from "../../harness/must.ts";

export interface Program {
  /** What it has written, on either output. */
  output(): string;
  /** Waits until what it has written fits; fails when it ends before, or takes long. */
  until(fits: RegExp): Promise<void>;
  /** Waits until it has ended by itself; fails unless with 0. */
  done(): Promise<void>;
  stop(): Promise<void>;
}

const KEPT = 20_000;
const PATIENCE_MS = 60_000;

export function startProgram(command: string, args: readonly string[], cwd: string): Program {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const exit = once(child, "close").catch(() => undefined);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-KEPT)));
  }
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const until = async (what: string, isSo: () => boolean) => {
    const deadline = Date.now() + PATIENCE_MS;
    while (!isSo()) {
      must(Date.now() < deadline, `${what}: not in ${PATIENCE_MS / 1000} s\n${said}`);
      must(!hasEnded(), `${what}: the program has ended\n${said}`);
      await sleep(100);
    }
  };
  return {
    output: () => said,
    until: (fits) => until(String(fits), () => fits.test(said)),
    async done() {
      await until("its end", hasEnded);
      await exit;
      must(child.exitCode === 0, `it ended with ${child.exitCode ?? child.signalCode}\n${said}`);
    },
    async stop() {
      child.kill();
      await exit;
    },
  };
}
