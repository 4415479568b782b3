import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { claimOf, SIGNED_CURVE25519, uploadDevice } from "../../harness/device-keys.ts";
import { must, mustEqual, mustFail } from "../../harness/must.ts";
import type { SyncBody } from "../../harness/shapes.ts";
import { syncOnce, syncToken, syncUntil } from "../../harness/sync.ts";
import { roomOfTwo, twoUsers } from "../../harness/two-users.ts";
import { logIn, registerUser, type User } from "../../harness/users.ts";

const SYNC = clientApi("e2e-extensions-to-sync");
const CHANGES = clientApi("get_matrixclientv3keyschanges");

const saysChanged =
  ({ userId }: User) =>
  (body: SyncBody) =>
    body.device_lists?.changed?.includes(userId) === true;
const saysLeft =
  ({ userId }: User) =>
  (body: SyncBody) =>
    body.device_lists?.left?.includes(userId) === true;
const countIn = (body: SyncBody) => body.device_one_time_keys_count?.[SIGNED_CURVE25519] ?? 0;

clause(SYNC, "a sync from the beginning has no device lists", async () => {
  const { alice, bob } = await roomOfTwo();
  await uploadDevice(bob);
  must((await syncOnce(alice)).device_lists === undefined, "device_lists are there");
});

clause(SYNC, "new keys are told to those who share a room, and to nobody else", async () => {
  const { alice, bob } = await roomOfTwo();
  const carol = await registerUser(theSubject(), "carol");
  const [since, outside] = [await syncToken(alice), await syncToken(carol)];
  await uploadDevice(bob);
  await syncUntil(alice, "bob's new device", saysChanged(bob), { since });
  const body = await syncOnce(carol, { since: outside });
  must(!saysChanged(bob)(body), "a stranger is told of bob");
});

clause(SYNC, "one is told of one's own new device", async () => {
  const [alice] = await twoUsers();
  const since = await syncToken(alice);
  await uploadDevice(await logIn(alice));
  await syncUntil(alice, "the other device", saysChanged(alice), { since });
});

clause(SYNC, "the end of a device is told", async () => {
  const { alice, bob } = await roomOfTwo();
  const { user: phone } = await uploadDevice(await logIn(bob));
  const since = await syncToken(alice);
  await phone.call("logout");
  await syncUntil(alice, "the end of bob's phone", saysChanged(bob), { since });
});

clause(SYNC, "whoever shares the first room is told, and who shares none any more", async () => {
  const [alice, bob] = await twoUsers();
  await uploadDevice(bob);
  const roomId = await alice.createRoom({ preset: "public_chat" });
  const first = await syncToken(alice);
  const own = await syncToken(bob);
  await bob.join(roomId);
  const { next_batch: since } = await syncUntil(alice, "bob", saysChanged(bob), { since: first });
  await syncUntil(bob, "alice", saysChanged(alice), { since: own });
  await bob.call("leaveRoom", { path: { roomId }, body: {} });
  await syncUntil(alice, "that bob is gone", saysLeft(bob), { since });
});

clause(SYNC, "each sync has how many keys the device has left", async () => {
  const [alice, bob] = await twoUsers();
  const device = await uploadDevice(alice);
  mustEqual(countIn(await syncOnce(alice)), 0, "the count before any");
  const keys = {
    one_time_keys: device.oneTimeKeys(["A", "B"]),
    fallback_keys: device.oneTimeKeys(["F"], { fallback: true }),
  };
  await alice.call("uploadKeys", { body: keys });
  const body = await syncUntil(alice, "two keys", (one) => countIn(one) === 2);
  mustEqual(body.device_unused_fallback_key_types, [SIGNED_CURVE25519], "unused fallback keys");
  await claimOf(bob, device);
  const { next_batch: since } = body;
  await syncUntil(alice, "one key", (one) => countIn(one) === 1, { since });
  await claimOf(bob, device);
  await claimOf(bob, device);
  const isUsed = (one: SyncBody) => one.device_unused_fallback_key_types?.length === 0;
  mustEqual(countIn(await syncUntil(alice, "a used fallback key", isUsed)), 0, "the count at last");
});

clause(SYNC, "a filter of rooms leaves device lists and counts of keys alone", async () => {
  const { alice, bob } = await roomOfTwo();
  const device = await uploadDevice(alice);
  await alice.call("uploadKeys", { body: { one_time_keys: device.oneTimeKeys(["A"]) } });
  const since = await syncToken(alice);
  await uploadDevice(bob);
  const filter = JSON.stringify({ room: { rooms: [] }, presence: { types: [] } });
  const body = await syncUntil(alice, "bob", saysChanged(bob), { since, query: { filter } });
  mustEqual(countIn(body), 1, "the count");
});

clause(CHANGES, "what changed between two syncs can be asked for later", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const before = await syncToken(alice);
  await uploadDevice(bob);
  const body = await syncUntil(alice, "bob", saysChanged(bob), { since: before });
  await bob.call("leaveRoom", { path: { roomId }, body: {} });
  const after = await syncUntil(alice, "his leave", saysLeft(bob), { since: body.next_batch });
  const between = (from: string, to: string) =>
    alice.call("getKeysChanges", { query: { from, to } });
  const first = await between(before, body.next_batch);
  must(first.changed?.includes(bob.userId) === true, "the change is missing");
  const second = await between(body.next_batch, after.next_batch);
  must(second.left?.includes(bob.userId) === true, "the leave is missing");
  must(second.changed?.includes(bob.userId) !== true, "who left is said to have changed");
});

clause(CHANGES, "tokens that are none are refused", async () => {
  const [alice] = await twoUsers();
  const to = await syncToken(alice);
  await mustFail(alice.request("getKeysChanges", { query: { from: "nonsense", to } }), 400);
});
