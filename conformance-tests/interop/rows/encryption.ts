import { unique } from "../../harness/client.ts";
import type { JsonObject } from "../../harness/json.ts";
import { eventually, must, mustEqual, mustMatch } from "../../harness/must.ts";
import { createSigningKey, signJson, verifyJson } from "../../harness/signing.ts";
import { syncOnce, syncToken, syncUntil } from "../../harness/sync.ts";
import { logIn, registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";
import { ask } from "../ask.ts";
import { memberBecomes } from "../compare.ts";
import { openCryptoDevice } from "../crypto-device.ts";
import { addDevice, claim, claimable, newsOf, queryKeys, told } from "../keys.ts";
import type { DeviceMessage } from "../keys.ts";
import { bothWays } from "../lane.ts";
import type { Lane } from "../lane.ts";
import type { Row } from "../row.ts";

/** Keys, and what goes from device to device. */
export const encryption: readonly Row[] = [
  { name: "encrypted room", run: encryptedRoom },
  {
    name: "device added, renamed, removed",
    run: (lane) => bothWays(lane, deviceComesAndGoes),
  },
  { name: "device lists come into view and leave it", run: intoView },
  { name: "cross-signing keys and signatures", run: (lane) => bothWays(lane, crossSigning) },
  { name: "verification between devices", run: (lane) => bothWays(lane, verification) },
  {
    name: "one-time keys, then the fallback key",
    run: (lane) => bothWays(lane, oneTimeThenFallback),
  },
];

/** What a room is created with to be encrypted. */
export const ENCRYPTED = [
  { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
];

const TURNS = 3;

/** Three devices on two servers read all that each of them says. */
async function encryptedRoom({ alice, bob, near, version }: Lane): Promise<void> {
  const roomId = await alice.createRoom({
    preset: "public_chat",
    room_version: version,
    initial_state: ENCRYPTED,
  });
  await bob.join(roomId, [near.subject.serverName]);
  await memberBecomes(alice, roomId, bob, "join");
  const devices = await Promise.all(
    [await logIn(alice), await logIn(alice), await logIn(bob)].map((user) =>
      openCryptoDevice(user),
    ),
  );
  for (let turn = 0; turn < TURNS; turn++)
    for (const writer of devices) {
      const text = `${writer.user.userId} says ${turn}`;
      const eventId = await writer.say(roomId, [alice.userId, bob.userId], text);
      for (const reader of devices)
        mustEqual(await reader.read(roomId, eventId), text, "what is decrypted");
    }
}

async function deviceComesAndGoes(from: User, to: User): Promise<void> {
  const before = await syncToken(to);
  const { user, keys } = await addDevice(from);
  const added = await told(to, "changed", from, before);
  await eventually("the new device", async () => {
    const found = (await queryKeys(to, from.userId)).devices[user.deviceId];
    if (found !== undefined) mustMatch(found, keys, "the device's keys");
    return found !== undefined;
  });
  const { next_batch: known } = await syncOnce(to, { since: added });
  // Neither side tells others the names of devices, so there may be nothing to tell.
  await user.call("updateDevice", {
    path: { deviceId: user.deviceId },
    body: { display_name: "Renamed" },
  });
  const renamed = (await queryKeys(to, from.userId)).devices[user.deviceId];
  mustMatch(renamed, keys, "the keys of the renamed device");
  await ask(user, "POST", ["v3", "logout"]);
  await told(to, "changed", from, known);
  await eventually("the removed device is gone", async () => {
    const { devices } = await queryKeys(to, from.userId);
    return !(user.deviceId in devices);
  });
}

/** Two who share no other room: each is told of the other when one joins and when one leaves. */
async function intoView({ near, far, version }: Lane): Promise<void> {
  for (const [here, there] of [
    [near, far],
    [far, near],
  ] as const) {
    const host = await registerUser(here.subject, "host");
    const guest = await registerUser(there.subject, "guest");
    const [hosts, guests] = [await addDevice(host), await addDevice(guest)];
    const roomId = await host.createRoom({ preset: "public_chat", room_version: version });
    const [hostSince, guestSince] = [await syncToken(host), await syncToken(guest)];
    await guest.join(roomId, [here.subject.serverName]);
    const [hostJoined, guestJoined] = [
      await told(host, "changed", guest, hostSince),
      await told(guest, "changed", host, guestSince),
    ];
    for (const [user, { user: device, keys }] of [
      [host, guests],
      [guest, hosts],
    ] as const) {
      const { devices } = await queryKeys(user, device.userId);
      mustMatch(devices[device.deviceId], keys, "keys that came into view");
    }
    await guest.leave(roomId);
    await told(host, "left", guest, hostJoined);
    // Synapse has forgotten who was in a room that the last of its users has left.
    if (there.name === "weft") await told(guest, "left", host, guestJoined);
    // What changes while they share nothing is known when they meet again.
    const later = await addDevice(guest);
    const apart = await syncToken(host);
    await guest.join(roomId, [here.subject.serverName]);
    await told(host, "changed", guest, apart);
    await eventually("the device that came meanwhile", async () => {
      const { devices } = await queryKeys(host, guest.userId);
      return later.user.deviceId in devices;
    });
  }
}

async function crossSigning(from: User, to: User): Promise<void> {
  const since = await syncToken(to);
  const device = await addDevice(from);
  const names = ["master", "self_signing", "user_signing"] as const;
  const pairs = names.map(() => createSigningKey());
  const pairOf = (name: (typeof names)[number]) => {
    const pair = pairs[names.indexOf(name)]!;
    return { ...pair, keyId: `ed25519:${pair.publicKey}` };
  };
  const keyOf = (name: (typeof names)[number]): JsonObject => {
    const { keyId, publicKey } = pairOf(name);
    const key = { user_id: from.userId, usage: [name], keys: { [keyId]: publicKey } };
    return name === "master" ? key : signJson(key, from.userId, pairOf("master"));
  };
  await ask(from, "POST", ["v3", "keys", "device_signing", "upload"], {
    body: Object.fromEntries(names.map((name) => [`${name}_key`, keyOf(name)])),
  });
  const signing = pairOf("self_signing");
  const signed = signJson(device.keys, from.userId, signing);
  const answer = await ask(from, "POST", ["v3", "keys", "signatures", "upload"], {
    body: { [from.userId]: { [device.user.deviceId]: signed } },
  });
  mustEqual(answer["failures"] ?? {}, {}, "signatures that were refused");
  await told(to, "changed", from, since);
  await eventually("keys and signature", async () => {
    const found = await queryKeys(to, from.userId);
    mustMatch(found.master, keyOf("master"), "the master key");
    mustMatch(found.selfSigning, keyOf("self_signing"), "the self-signing key");
    mustEqual(found.userSigning, undefined, "the user-signing key, which is its owner's alone");
    const there = found.devices[device.user.deviceId];
    return there !== undefined && verifyJson(there, from.userId, signing.keyId, signing.publicKey);
  });
}

const STEPS = ["request", "ready", "start", "accept", "key", "mac", "done"];

/** The steps of a verification, in order, and a message to all devices. */
async function verification(from: User, to: User): Promise<void> {
  const [one, two] = [await addDevice(from), await addDevice(to)];
  const transaction = unique("verification");
  const send = (user: User, type: string, deviceId: string, content: JsonObject) =>
    ask(user, "PUT", ["v3", "sendToDevice", type, unique("txn")], {
      body: { messages: { [to.userId]: { [deviceId]: content } } },
    });
  const [since, others] = [await syncToken(two.user), await syncToken(to)];
  for (const [step, name] of STEPS.entries())
    await send(one.user, `m.key.verification.${name}`, two.user.deviceId, {
      from_device: one.user.deviceId,
      transaction_id: transaction,
      step,
    });
  await send(one.user, "org.example.all", "*", { transaction_id: transaction });
  const events = await messagesFor(two.user, since, STEPS.length + 1);
  mustEqual(
    events.map(({ type }) => type),
    [...STEPS.map((name) => `m.key.verification.${name}`), "org.example.all"],
    "messages for the device, in order",
  );
  for (const [step, { sender, content }] of events.entries()) {
    mustEqual(sender, from.userId, "who sent it");
    mustMatch(content, { transaction_id: transaction }, "what it says");
    if (step < STEPS.length) mustEqual(content["step"], step, "its step");
  }
  const [other] = await messagesFor(to, others, 1);
  mustEqual(other?.type, "org.example.all", "what comes to another device");
}

/** Syncs until so many messages have come; each once. */
async function messagesFor(user: User, since: string, count: number): Promise<DeviceMessage[]> {
  const found: DeviceMessage[] = [];
  let from = since;
  const hasSome = (body: object) => (newsOf(body).to_device?.events ?? []).length > 0;
  while (found.length < count) {
    const body = await syncUntil(user, "messages for the device", hasSome, { since: from });
    found.push(...newsOf(body).to_device!.events!);
    from = body.next_batch;
  }
  return found;
}

async function oneTimeThenFallback(from: User, to: User): Promise<void> {
  const device = await addDevice(from);
  const { user, signingKey } = device;
  const oneTime = [claimable(device), claimable(device)];
  const fallback = claimable(device, { fallback: true });
  for (const keys of oneTime)
    await ask(user, "POST", ["v3", "keys", "upload"], { body: { one_time_keys: keys } });
  await ask(user, "POST", ["v3", "keys", "upload"], { body: { fallback_keys: fallback } });
  const first = await syncOnce(user);
  const before = newsOf(first);
  mustEqual(before.device_one_time_keys_count?.["signed_curve25519"], oneTime.length, "the count");
  mustEqual(before.device_unused_fallback_key_types, ["signed_curve25519"], "unused fallback keys");
  const claimed: [string, JsonObject][] = [];
  for (let turn = 0; turn < oneTime.length + 2; turn++) claimed.push(await claim(to, device));
  mustEqual(
    claimed.map(([id]) => id),
    [...oneTime, fallback, fallback].flatMap((keys) => Object.keys(keys)),
    "keys in the order of their upload, then the fallback key",
  );
  for (const [, key] of claimed) {
    const isGood = verifyJson(key, from.userId, signingKey.keyId, signingKey.publicKey);
    must(isGood, "a claimed key lost its signature");
  }
  // From a token on: Synapse repeats its answer to a first sync.
  const after = newsOf(await syncOnce(user, { since: first.next_batch }));
  mustEqual(
    after.device_one_time_keys_count?.["signed_curve25519"] ?? 0,
    0,
    `the count of ${user.userId} afterwards`,
  );
  mustEqual(after.device_unused_fallback_key_types ?? [], [], "unused fallback keys afterwards");
}
