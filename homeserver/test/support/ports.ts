import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that the system gives to outgoing connections: one of those would take what was free a moment ago.
 * `WEFT_TEST_FIRST_PORT` moves them, for two runs on one machine.
 */
const FIRST = Number(process.env["WEFT_TEST_FIRST_PORT"] ?? 20_000);
/** Each worker of a test run has its own. */
const PER_WORKER = 500;
const WORKERS = 24;

const start = FIRST + PER_WORKER * (Number(process.env["VITEST_POOL_ID"] ?? 0) % WORKERS);
let taken = 0;

/** Ports that nobody listens on right now; no two calls of a worker get the same, as long as there are others. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried += 1) {
    if (tried >= PER_WORKER) throw new Error(`no ${count} ports from ${start} on are free`);
    const port = start + (taken++ % PER_WORKER);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, "127.0.0.1");
  try {
    await once(probe, "listening");
  } catch {
    return false;
  }
  await once(probe.close(), "close");
  return true;
}
