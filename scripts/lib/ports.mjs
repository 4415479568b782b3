/** Ports for servers that have to know them before they start: of the demo, the bench and the conformance suite. */
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that the system gives to outgoing connections: one of those would take what was free a moment ago.
 * `WEFT_TEST_FIRST_PORT` moves them, for two runs on one machine. The first half is the server's own tests'.
 */
const FIRST = Number(process.env.WEFT_TEST_FIRST_PORT ?? 20_000) + 6_000;
/** Each worker of a test run, and each process, has its own. */
const PER_WORKER = 500;
const WORKERS = 12;

const worker = Number(process.env.VITEST_POOL_ID ?? process.pid) % WORKERS;
const start = FIRST + PER_WORKER * worker;
let taken = 0;

/** Ports that nobody listens on right now; no two calls get the same, as long as there are others. */
export async function freePorts(count) {
  const ports = [];
  for (let tried = 0; ports.length < count; tried += 1) {
    if (tried >= PER_WORKER) throw new Error(`no ${count} ports from ${start} on are free`);
    const port = start + (taken++ % PER_WORKER);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** Whether nobody listens there. */
export async function isFree(port) {
  const probe = createServer().listen(port, "127.0.0.1");
  try {
    await once(probe, "listening");
  } catch {
    return false;
  }
  await once(probe.close(), "close");
  return true;
}
