/** Updates of local users' devices: to whom they go, and how they are linked. */
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { until } from "../support/wait.ts";
import { deviceStore, listFollower } from "./support.ts";
import { a, b, c, join, network, publicRoom, running, say, start, world } from "./three-servers.ts";

const store = deviceStore(a);
const { keys } = store;
const ALICE = "@alice:a";

const updates = (net: ReturnType<typeof network>, server: string) =>
  net
    .edus(server, "m.device_list_update")
    .map(({ device_id, stream_id, prev_id }) => [device_id, stream_id, prev_id]);

test("a change goes to each server that shares a room once, and names the one before it", async () => {
  const net = network();
  await publicRoom(b);
  await publicRoom(b);
  const { follower } = start(a, net, { keys });
  await follower.caughtUp();
  const first = await store.set(ALICE, "ONE", "a phone");
  const second = await store.set(ALICE, "TWO", "a laptop");
  await store.setMasterKey(ALICE, "master");
  await until(() => updates(net, "b").length >= 2);
  const third = await store.remove(ALICE, "ONE");
  await until(() => updates(net, "b").length >= 3);
  expect(updates(net, "b")).toEqual([
    ["ONE", first, []],
    ["TWO", second, [first]],
    ["ONE", third, [second]],
  ]);
  const [one, two, gone] = net.edus("b", "m.device_list_update");
  expect(one).toMatchObject({ user_id: ALICE, device_display_name: "a phone" });
  expect(two).toMatchObject({ keys: { device_id: "TWO" } });
  expect(two).not.toHaveProperty("deleted");
  expect(gone).toMatchObject({ device_id: "ONE", deleted: true });
  expect(gone).not.toHaveProperty("keys");
  expect(net.edus("b", "m.signing_key_update")).toEqual([
    { user_id: ALICE, master_key: { keys: { key: "master" } } },
  ]);
  expect(net.sent.filter(({ to }) => to === "c")).toEqual([]);
});

test("what other servers' users change is not sent on", async () => {
  const net = network();
  const roomId = await publicRoom(b, c);
  const { follower } = start(a, net, { keys });
  await follower.caughtUp();
  net.sent.length = 0;
  const record = { kind: "device_list", userId: "@bob:b", deviceId: "", isRemoved: false } as const;
  await a.log.append({ records: [record] });
  await say(roomId, "after it");
  await until(() => net.texts(c).length > 0);
  expect(net.sent.flatMap(({ edus }) => edus)).toEqual([]);
});

test("of what a server missed it gets the newest of each device, linked to what it had", async () => {
  const net = network();
  await publicRoom(b);
  const first = start(a, net, { keys });
  await first.follower.caughtUp();
  const had = await store.set(ALICE, "KEPT", "kept");
  await until(() => updates(net, "b").length === 1);
  net.away.add("b");
  for (let i = 0; i < 30; i += 1) await store.set(ALICE, `D${i % 3}`, `${i}`);
  await store.setMasterKey(ALICE, "newer");
  const last = await store.remove(ALICE, "D0");
  await first.follower.caughtUp();
  await first.stop();
  running.length = 0;
  net.sent.length = 0;
  const { follower } = start(a, net, { keys });
  await follower.caughtUp();
  net.back("b");
  await until(() => updates(net, "b").length >= 3);
  expect(updates(net, "b")).toEqual([
    ["D1", last - 3, [had]],
    ["D2", last - 2, [last - 3]],
    ["D0", last, [last - 2]],
  ]);
  expect(net.edus("b", "m.signing_key_update")).toHaveLength(1);
  expect(net.sent).toHaveLength(1);
});

test("a server that was away for long gets the newest of each device, too", async () => {
  const net = network();
  await publicRoom(b);
  const { follower } = start(a, net, { keys, longAbsence: 50 });
  await follower.caughtUp();
  const had = await store.set(ALICE, "KEPT", "again");
  await until(() => updates(net, "b").length === 1);
  net.away.add("b");
  const positions = [];
  for (let i = 0; i < 200; i += 1) positions.push(await store.set(ALICE, `L${i % 2}`, `${i}`));
  await follower.caughtUp();
  net.back("b");
  await until(() => updates(net, "b").length >= 3);
  expect(updates(net, "b").slice(1)).toEqual([
    ["L0", positions.at(-2), [had]],
    ["L1", positions.at(-1), [positions.at(-2)]],
  ]);
});

test("a user's join tells the servers that shared no room with the user before, and no other", async () => {
  const net = network();
  const carol = a.user("carol");
  const [shared, other] = [await publicRoom(b), await publicRoom(b, c)];
  const { follower } = start(a, net, { keys });
  await store.setMasterKey(carol.userId, "carol's");
  const before = await store.set(carol.userId, "OLD", "old");
  const position = await store.set(carol.userId, "NEW", "new");
  await follower.caughtUp();
  await a.rooms.members.join({ by: carol, room: shared, via: [a.name] });
  await until(() => updates(net, "b").length > 0);
  await a.rooms.members.join({ by: carol, room: other, via: [a.name] });
  await until(() => updates(net, "c").length > 0);
  await a.rooms.members.profileChanged(carol.userId);
  await say(other, "the end");
  await until(() => net.texts(c).length > 0 && net.texts(b).length > 0);
  await follower.caughtUp();
  expect(updates(net, "b")).toEqual([["NEW", position, [before]]]);
  expect(updates(net, "c")).toEqual([["NEW", position, [before]]]);
  expect(net.edus("c", "m.signing_key_update")).toHaveLength(1);
});

test("a server's first user in a room brings it the local users there", async () => {
  const net = network();
  const dave = a.user("dave");
  const position = await store.set(dave.userId, "DAVES", "dave's");
  const rooms = [await publicRoom(b), await publicRoom(b)];
  const { follower } = start(a, net, { keys });
  await follower.caughtUp();
  for (const room of rooms) {
    await a.rooms.members.join({ by: dave, room, via: [a.name] });
  }
  await until(() => updates(net, "b").length > 0);
  expect(updates(net, "b")).toEqual([["DAVES", position, []]]);
  // Alice shares rooms with c already: of her it hears nothing.
  await join(c, rooms[0]!);
  await world.flush();
  await until(() => updates(net, "c").length > 0);
  await join(c, rooms[1]!);
  await follower.caughtUp();
  expect(updates(net, "c").filter(([device]) => device === "DAVES")).toEqual([
    ["DAVES", position, []],
  ]);
});

test("a server that was away when it came to share a room is told when it is back, once", async () => {
  const net = network();
  const erin = a.user("erin");
  const position = await store.set(erin.userId, "ERINS", "erin's");
  await store.setMasterKey(erin.userId, "erin's");
  const rooms = [await publicRoom(b), await publicRoom(b), await publicRoom()];
  const first = start(a, net, { keys });
  await first.follower.caughtUp();
  net.away.add("b");
  for (const room of rooms) await a.rooms.members.join({ by: erin, room, via: [a.name] });
  await a.rooms.members.profileChanged(erin.userId);
  await first.follower.caughtUp();
  await first.stop();
  running.length = 0;
  net.sent.length = 0;
  const { follower } = start(a, net, { keys });
  await follower.caughtUp();
  net.back("b");
  await until(() => updates(net, "b").length > 0);
  await say(rooms[0]!, "the end");
  await until(() => net.texts(b).includes("the end"));
  expect(updates(net, "b")).toEqual([["ERINS", position, []]]);
  expect(net.edus("b", "m.signing_key_update")).toHaveLength(1);
});

test("a copy that is kept as Synapse keeps it needs to look up nothing while updates come one after another", async () => {
  const net = network();
  await publicRoom(b);
  const { follower } = start(a, net, { keys });
  await follower.caughtUp();
  const copy = listFollower(store);
  copy.lookUp(ALICE);
  let taken = 0;
  const takeAll = () => {
    for (const { to, edus } of net.sent.slice(taken)) {
      if (to === "b") for (const edu of edus) copy.take(edu);
    }
    taken = net.sent.length;
  };
  for (let i = 0; i < 60; i += 1) {
    if (i % 10 === 5) await store.setMasterKey(ALICE, `key ${i}`);
    if (i % 15 === 7) await store.remove(ALICE, `S${i % 4}`);
    if (i === 20) net.away.add("b");
    if (i === 40) net.back("b");
    await store.set(ALICE, `S${i % 4}`, `${i}`);
    takeAll();
  }
  await follower.caughtUp();
  const same = () => {
    takeAll();
    return isDeepStrictEqual(copy.devices(ALICE), store.devices(ALICE));
  };
  await until(same);
  await until(() => (takeAll(), copy.masterKey(ALICE) === store.masterKey(ALICE)));
  expect(copy.resyncs()).toBe(1);
});
