/** Messages for devices, and changes of devices, between two servers that are killed meanwhile. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deviceOf } from "../encryption/keys-of-others.ts";
import { register, type TestUser, userOf } from "../support/user.ts";
import { someMoment } from "../support/pace.ts";
import { eventually } from "../support/wait.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { untilAnswered } from "./support/talk.ts";

const KILLS = 6;
const DEVICES = 4;

let network: Network;
let here: WeftProcess;
let there: WeftProcess;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  network = await createNetwork();
  [here, there] = await Promise.all([
    startWeft(network, { name: "here" }),
    startWeft(network, { name: "there" }),
  ]);
  [alice, bob] = await Promise.all([register(here, "alice"), register(there, "bob")]);
  const { room_id: roomId } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}?via=${here.serverName}`, {});
}, 120_000);

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await network?.close();
}, 180_000);

/** Sends numbered messages to bob's device until told to stop; resolves to how many. */
async function sendOn(stop: AbortSignal): Promise<number> {
  for (let n = 0; ; n += 1) {
    if (stop.aborted) return n;
    const messages = { [bob.userId]: { [bob.deviceId]: { n } } };
    await untilAnswered(alice, "PUT", `/sendToDevice/m.test/t${n}`, { messages });
  }
}

/** Devices of alice's come, get keys, and go; in the end two stay. */
async function changeDevices(stop: AbortSignal): Promise<void> {
  for (let n = 0; !stop.aborted; n += 1) {
    const device = await signIn(`D${n % DEVICES}`, `${n}`);
    await someMoment(0, 100);
    await signOut(device);
  }
  await signIn("PHONE", "a phone");
  await signIn("LAPTOP", "a laptop");
}

async function signIn(deviceId: string, name: string): Promise<TestUser> {
  const session = await untilAnswered(alice, "POST", "/login", {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: "alice" },
    password: "alice-Secret-1",
    device_id: deviceId,
    initial_device_display_name: name,
  });
  const device = userOf(here, session);
  const keys = { device_keys: deviceOf(alice.userId, deviceId).object };
  await untilAnswered(device, "POST", "/keys/upload", keys);
  return device;
}

/** A token that does not hold any more was ended by a request whose answer was lost. */
async function signOut(device: TestUser): Promise<void> {
  await eventually(
    "a device signed out",
    async () => {
      const { status } = await device.ask("POST", "/logout", {}).catch(() => ({ status: 0 }));
      return status === 200 || status === 401;
    },
    { within: 120_000, every: 100 },
  );
}

/** The messages that bob's device is given, until told to stop. */
async function receiveOn(got: number[], stop: AbortSignal): Promise<void> {
  let since = "";
  while (!stop.aborted) {
    const path = since === "" ? "/sync?timeout=0" : `/sync?timeout=500&since=${since}`;
    const body = await untilAnswered(bob, "GET", path);
    since = body.next_batch;
    for (const { content } of body.to_device?.events ?? []) got.push(content.n);
  }
}

/** Alice's devices and their keys as somebody's server knows them. */
const devicesFor = async (user: TestUser) =>
  (await untilAnswered(user, "POST", "/keys/query", { device_keys: { [alice.userId]: [] } }))
    .device_keys[alice.userId];

test(
  `two servers killed ${KILLS} times lose and double no message for a device, and agree on whose devices there are`,
  { timeout: 600_000 },
  async () => {
    const [enough, over] = [new AbortController(), new AbortController()];
    const got: number[] = [];
    const working = Promise.all([sendOn(enough.signal), changeDevices(enough.signal)]);
    const receiving = receiveOn(got, over.signal);
    for (let kill = 0; kill < KILLS; kill += 1) {
      await someMoment(200, 1500);
      await devicesFor(bob); // from then on its server keeps a copy
      const killed = kill % 2 === 0 ? here : there;
      await killed.kill();
      await killed.start();
    }
    enough.abort();
    const [sent] = await working;
    expect(sent).toBeGreaterThan(10 * KILLS);
    await eventually("all messages", () => got.length >= sent, { within: 60_000, every: 200 });
    expect(got).toEqual(Array.from({ length: sent }, (_, n) => n));
    await eventually(
      "the same devices on both sides",
      async () => {
        const [own, other] = [await devicesFor(alice), await devicesFor(bob)];
        expect(Object.keys(own).toSorted()).toEqual(["LAPTOP", "PHONE"]);
        return isDeepStrictEqual(own, other);
      },
      { within: 60_000, every: 500 },
    );
    over.abort();
    await receiving;
  },
);
