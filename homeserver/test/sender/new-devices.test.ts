/** A device that has no keys yet is kept back for a moment, so that it is told once, with its keys. */
import { beforeEach, expect, test } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import type { PublicKeys } from "../../src/sender/index.ts";
import { until } from "../support/wait.ts";
import { deviceStore } from "./support.ts";
import { a, b, network, publicRoom, running, say, start } from "./three-servers.ts";

const ALICE = "@alice:a";
const store = deviceStore(a);
const withoutKeys = new Set<string>();
const keys: PublicKeys = {
  ...store.keys,
  async devices(wanted) {
    const found = await store.keys.devices(wanted);
    return found.map((one) => (withoutKeys.has(one.deviceId) ? { ...one, keys: undefined } : one));
  },
};

beforeEach(() => withoutKeys.clear());

const updates = (net: ReturnType<typeof network>) =>
  net
    .edus("b", "m.device_list_update")
    .map((edu) => [edu.device_id, edu.stream_id, edu.prev_id, edu.keys !== undefined]);

/** A sender whose clock stands still; b has the update of one device. */
async function begin() {
  const net = network();
  const roomId = await publicRoom(b);
  const clock = createManualClock();
  const one = start(a, net, { keys, clock });
  await one.follower.caughtUp();
  net.sent.length = 0;
  const had = await store.set(ALICE, "OLD", "old");
  await until(() => updates(net).length === 1);
  net.sent.length = 0;
  return { net, roomId, clock, had, ...one };
}

async function signIn({ follower }: { follower: { caughtUp(): Promise<void> } }, deviceId: string) {
  withoutKeys.add(deviceId);
  const position = await store.set(ALICE, deviceId, "new");
  await follower.caughtUp();
  return position;
}

function uploadKeys(deviceId: string): Promise<number> {
  withoutKeys.delete(deviceId);
  return store.set(ALICE, deviceId, "new");
}

test("a device and its keys are told by one EDU, which names what came before both", async () => {
  const on = await begin();
  await signIn(on, "NEW");
  expect(updates(on.net)).toEqual([]);
  const uploaded = await uploadKeys("NEW");
  await until(() => updates(on.net).length > 0);
  on.clock.advance(10_000);
  const next = await store.set(ALICE, "OLD", "older");
  await until(() => updates(on.net).length > 1);
  expect(updates(on.net)).toEqual([
    ["NEW", uploaded, [on.had], true],
    ["OLD", next, [uploaded], true],
  ]);
  expect(on.net.sent).toHaveLength(2);
});

test("a device whose keys do not come is told a second later, and its keys by themselves", async () => {
  const on = await begin();
  const signedIn = await signIn(on, "LATE");
  await until(() => on.clock.sleepers > 0);
  on.clock.advance(999);
  expect(updates(on.net)).toEqual([]);
  on.clock.advance(1);
  await until(() => updates(on.net).length > 0);
  const uploaded = await uploadKeys("LATE");
  await until(() => updates(on.net).length > 1);
  expect(updates(on.net)).toEqual([
    ["LATE", signedIn, [on.had], false],
    ["LATE", uploaded, [signedIn], true],
  ]);
});

test("a process that ends while it keeps a device back leaves it to the next one", async () => {
  const on = await begin();
  const signedIn = await signIn(on, "LEFT");
  await on.stop();
  running.length = 0;
  expect(updates(on.net)).toEqual([]);
  start(a, on.net, { keys, clock: createManualClock() });
  await until(() => updates(on.net).length > 0);
  expect(updates(on.net)).toEqual([["LEFT", signedIn, [on.had], false]]);
});

test("what a server gets meanwhile takes the device along, and a device that goes at once is told as gone", async () => {
  const on = await begin();
  const signedIn = await signIn(on, "ALONG");
  await say(on.roomId, "meanwhile");
  await until(() => on.net.texts(b).length > 0);
  expect(updates(on.net)).toEqual([["ALONG", signedIn, [on.had], false]]);
  await signIn(on, "GONE");
  const gone = await store.remove(ALICE, "GONE");
  await until(() => updates(on.net).length > 1);
  expect(updates(on.net).slice(1)).toEqual([["GONE", gone, [signedIn], false]]);
});
