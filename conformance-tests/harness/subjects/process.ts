import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LoopbackTls } from "../certificates.ts";
import { freePorts } from "../../../scripts/lib/ports.mjs";
import { makeTemporaryFolder } from "../../../scripts/lib/temporary.mjs";

/** A folder of its own for the server under test, with the run's certificates in it. */
export async function makeFolder(tls: LoopbackTls): Promise<string> {
  const folder = makeTemporaryFolder("weft-conformance-");
  await writeFile(join(folder, "ca.pem"), tls.ca);
  await writeFile(join(folder, "cert.pem"), tls.cert);
  await writeFile(join(folder, "key.pem"), tls.key);
  return folder;
}

export { freePorts };

/** Where a server listens for others, when that matters. */
export interface Placed {
  readonly federationPort?: number;
  /** The port in the server's name, when others reach it by another way than directly. */
  readonly namedPort?: number;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Answers 200 as soon as the server can be used. */
  readonly healthUrl: string;
}

/** A server as a process that can be ended and begun again on its data. */
export interface Launched {
  /** Ends the process; its folder stays. */
  end(): Promise<void>;
  /** Starts it after an end, and waits until it is healthy. */
  begin(): Promise<void>;
  /** Ends it and clears its folder. */
  stop(): Promise<void>;
}

/** Starts a server and waits until it is healthy. */
export async function launch(start: Launch): Promise<Launched> {
  let running = await startProcess(start);
  const stop = async () => {
    await running.end();
    if (process.env["WEFT_CONFORMANCE_KEEP"] !== undefined) return;
    await rm(start.folder, { recursive: true, force: true, maxRetries: 10 });
  };
  const untilHealthy = async () => {
    const deadline = Date.now() + 90_000;
    while (!(await isHealthy(start.healthUrl))) {
      if (running.ended() === undefined && Date.now() < deadline) {
        await sleep(100);
        continue;
      }
      const reason = running.ended() ?? "timeout";
      const text = await readFile(logOf(start.folder), "utf8");
      await stop();
      throw new Error(`the server under test did not start: ${reason}\n${text.slice(-4000)}`);
    }
  };
  await untilHealthy();
  return {
    stop,
    end: () => running.end(),
    async begin() {
      running = await startProcess(start);
      await untilHealthy();
    },
  };
}

/** What a server of that folder writes on its standard output and error. */
export function logOf(folder: string): string {
  return join(folder, "log");
}

interface RunningProcess {
  /** How it ended; undefined while it runs. */
  ended(): string | undefined;
  /** SIGTERM, and SIGKILL when it has not ended within 15 s. */
  end(): Promise<void>;
}

async function startProcess(start: Launch): Promise<RunningProcess> {
  const log = await open(logOf(start.folder), "a");
  const child = spawn(start.command, start.args, {
    cwd: start.folder,
    env: { ...process.env, ...start.environment },
    stdio: ["ignore", log.fd, log.fd],
  });
  await log.close();
  let ended: string | undefined;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended ??= `it exited with ${code ?? signal}`));
  return {
    ended: () => ended,
    async end() {
      if (ended !== undefined) return;
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      const late = setTimeout(() => {
        process.stderr.write("the server under test did not end within 15 s of SIGTERM\n");
        child.kill("SIGKILL");
      }, 15_000);
      await exit;
      clearTimeout(late);
    },
  };
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url);
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}
