/** Messages for devices while the server is killed: each comes once, in order. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { someMoment } from "../support/pace.ts";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { untilAnswered } from "./support/talk.ts";

const KILLS = 8;
/** Requests of one sender that are under way at once. */
const AT_ONCE = 4;

let network: Network;
let here: WeftProcess;
let there: WeftProcess;
let alice: TestUser;
/** Devices that get what is sent: beside the sender, and on another server. */
let receivers: TestUser[];

beforeAll(async () => {
  network = await createNetwork();
  [here, there] = await Promise.all([
    startWeft(network, { name: "here" }),
    startWeft(network, { name: "there" }),
  ]);
  alice = await register(here, "alice");
  receivers = [await register(here, "bob"), await register(there, "carol")];
}, 120_000);

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await network?.close();
}, 180_000);

/** Sends numbers as several senders, each with one request after another, until told to stop. */
async function send(stop: AbortSignal): Promise<number[]> {
  const sender = async (which: number): Promise<number> => {
    let n = 0;
    for (; !stop.aborted; n += 1) {
      const messages = Object.fromEntries(
        receivers.map(({ userId, deviceId }) => [userId, { [deviceId]: { which, n } }]),
      );
      const path = `/sendToDevice/org.example.number/${which}-${n}`;
      await untilAnswered(alice, "PUT", path, { messages });
    }
    return n;
  };
  return Promise.all(Array.from({ length: AT_ONCE }, (_, which) => sender(which)));
}

/** Syncs on and on, and keeps what comes, by its sender. */
function receive(user: TestUser): { got: number[][]; stop(): Promise<void> } {
  const got: number[][] = Array.from({ length: AT_ONCE }, () => []);
  const stopping = new AbortController();
  async function run(): Promise<void> {
    for (let since = ""; !stopping.signal.aborted;) {
      const from = since === "" ? "" : `&since=${since}`;
      const body = await untilAnswered(user, "GET", `/sync?timeout=500${from}`);
      since = body.next_batch;
      for (const { content } of body.to_device?.events ?? []) got[content.which]!.push(content.n);
    }
  }
  const running = run();
  return {
    got,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

test(
  `servers killed ${KILLS} times lose and double no message for a device`,
  { timeout: 600_000 },
  async () => {
    const enough = new AbortController();
    const listening = receivers.map(receive);
    const sending = send(enough.signal);
    for (let kill = 0; kill < KILLS; kill += 1) {
      await someMoment(100, 1_000);
      const server = kill % 2 === 0 ? here : there;
      await server.kill();
      await server.start();
    }
    enough.abort();
    const sent = await sending;
    expect(Math.min(...sent)).toBeGreaterThan(KILLS);
    const all = sent.map((count) => Array.from({ length: count }, (_, n) => n));
    for (const { got, stop } of listening) {
      const counts = () => JSON.stringify([got.map((numbers) => numbers.length), sent]);
      await eventually(
        () => `all messages of a device: ${counts()}`,
        () => got.every((numbers, which) => numbers.length >= sent[which]!),
        { within: 120_000 },
      );
      await stop();
      expect(got).toEqual(all);
    }
  },
);
