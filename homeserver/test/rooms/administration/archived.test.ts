import { expect, test } from "vitest";
import type { RoomAlias, RoomId } from "../../../src/protocol/identifiers.ts";
import type { TestServer } from "../support/world.ts";
import { a, alice, b, bob, read, say, sharedRoom, world } from "../purge/purging.ts";

const refused = {
  status: 403,
  errcode: "M_FORBIDDEN",
  message: expect.stringContaining("archived"),
};
const archive = (roomId: RoomId, on: TestServer = a) =>
  on.rooms.administration.statuses.set(alice.userId, roomId, { status: "archived", reason: "old" });
const open = (roomId: RoomId) =>
  a.rooms.administration.statuses.set(alice.userId, roomId, { status: "open" });

test("nobody sends to an archived room, changes it or comes in, on any replica, until it is opened", async () => {
  const other = await world.replica(a);
  const ann = a.user("ann");
  const roomId = await sharedRoom();
  // Both have the room's head in memory.
  const eventId = await say(a, alice, roomId, "before");
  await say(other, alice, roomId, "before, too");
  await archive(roomId, other);
  const rooms = await a.rooms.history.joinedRooms(alice.userId);
  for (const on of [a, other]) {
    await expect(say(on, alice, roomId, "now")).rejects.toMatchObject(refused);
    const topic = { by: alice, roomId, type: "m.room.topic", stateKey: "", content: {} };
    await expect(on.rooms.send.state(topic)).rejects.toMatchObject(refused);
    await expect(on.rooms.send.redact({ by: alice, roomId, eventId })).rejects.toMatchObject(
      refused,
    );
    await expect(on.rooms.members.join({ by: ann, room: roomId })).rejects.toMatchObject(refused);
    const target = { by: alice, roomId, userId: ann.userId };
    await expect(on.rooms.members.invite(target)).rejects.toMatchObject(refused);
    await expect(on.rooms.members.ban(target)).rejects.toMatchObject(refused);
    await expect(on.rooms.create.upgrade(alice, roomId, "12")).rejects.toMatchObject(refused);
    expect((await read(on, alice, roomId)).bodies).toEqual(["before", "before, too"]);
  }
  // No upgrade has left a room behind.
  expect(await a.rooms.history.joinedRooms(alice.userId)).toEqual(rooms);
  expect(await a.rooms.administration.statuses.of(roomId)).toMatchObject({
    ...{ status: "archived", by: alice.userId, reason: "old" },
  });
  await open(roomId);
  for (const on of [a, other]) await say(on, alice, roomId, "after");
  expect((await read(a, alice, roomId)).bodies).toHaveLength(4);
  expect(await a.rooms.administration.statuses.of(roomId)).toEqual({ status: "open" });
});

test("what other servers send meanwhile is not taken in, and is fetched once the room is open", async () => {
  const roomId = await sharedRoom();
  await say(a, alice, roomId, "one");
  await world.flush();
  await archive(roomId);
  await say(b, bob, roomId, "two");
  const carol = b.user("carol");
  await b.rooms.members.join({ by: carol, room: roomId });
  await world.flush();
  expect((await read(a, alice, roomId)).bodies).toEqual(["one"]);
  const room = (await a.rooms.view.room(roomId))!;
  expect(await a.rooms.view.joinedMembers(room.nid)).not.toContain(carol.userId);
  // Who comes through this server is told.
  const dan = a.user("dan").userId;
  await expect(
    a.rooms.federation.makeJoin(b.name, roomId, b.user("x").userId, ["12"]),
  ).rejects.toMatchObject({ errcode: "M_FORBIDDEN" });
  expect(dan).toBeDefined();
  await open(roomId);
  await say(b, bob, roomId, "three");
  await world.flush();
  expect((await read(a, alice, roomId)).bodies).toEqual(["one", "two", "three"]);
  expect(await a.rooms.view.joinedMembers(room.nid)).toContain(carol.userId);
});

test("an archived room gets no alias and is not published, but names are given up", async () => {
  const { directory } = a.rooms;
  const roomId = await sharedRoom();
  const [old, other] = ["#attic:a.test", "#loft:a.test"] as unknown as RoomAlias[];
  await directory.setAlias(alice, old!, roomId);
  const canonical = { type: "m.room.canonical_alias", stateKey: "", content: { alias: old! } };
  await a.rooms.send.state({ by: alice, roomId, ...canonical });
  await archive(roomId);
  await expect(directory.setAlias(alice, other!, roomId)).rejects.toMatchObject(refused);
  await expect(directory.setPublished(alice, roomId, true)).rejects.toMatchObject(refused);
  await directory.deleteAlias(alice, old!);
  expect(await directory.resolveLocal(old!)).toBeUndefined();
  const room = (await a.rooms.view.room(roomId))!;
  const named = await a.rooms.view.currentStateEvent(room.nid, "m.room.canonical_alias", "");
  expect(named?.event.content).toEqual({ alias: old });
});

test("local users leave an archived room, and it may be deleted", async () => {
  const roomId = await sharedRoom();
  await archive(roomId);
  await a.rooms.members.leave({ by: alice, roomId });
  expect(
    await a.rooms.view.membership((await a.rooms.view.room(roomId))!.nid, alice.userId),
  ).toMatchObject({ membership: "leave" });
  // Nobody comes back through another server either.
  const join = { by: alice, room: roomId, via: [b.name] };
  await expect(a.rooms.members.join(join)).rejects.toMatchObject(refused);
  const options = { block: false, purge: true, force: false };
  const id = await a.rooms.purges.room(alice.userId, roomId, options);
  const purge = await a.rooms.purges.whenOver(id, new AbortController().signal);
  expect(purge.state).toBe("complete");
  expect(await a.rooms.administration.statuses.of(roomId)).toEqual({ status: "open" });
});
