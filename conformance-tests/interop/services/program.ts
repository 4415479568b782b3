/** A program that runs a bridge, with what it says. */
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Program {
  /** What it has written, on either output. */
  output(): string;
  stop(): Promise<void>;
}

const KEPT = 4_000;

export function startProgram(command: string, args: readonly string[], cwd: string): Program {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const exit = once(child, "exit").catch(() => undefined);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-KEPT)));
  }
  return {
    output: () => said,
    async stop() {
      child.kill();
      await exit;
    },
  };
}
