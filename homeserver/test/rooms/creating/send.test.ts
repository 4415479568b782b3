import { describe, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { ROOM_VERSION_IDS } from "../../../src/protocol/room-versions.ts";
import { startServers } from "../support/servers.ts";

const [, hq] = await startServers("hq.test");

async function publicRoom(version?: string): Promise<RoomId> {
  const options = { preset: "public_chat" as const };
  return hq.rooms.create.room(
    hq.user("alice"),
    version === undefined ? options : { ...options, room_version: version },
  );
}

/** A message of alice's, to be sent. */
const messageTo = (roomId: RoomId, body: string, txnId?: string) => ({
  ...{ by: hq.user("alice"), roomId, type: "m.room.message", content: { body } },
  ...(txnId === undefined ? {} : { txnId }),
});

describe("sending", () => {
  test.each(ROOM_VERSION_IDS)("works in a room of version %s", async (version) => {
    const alice = hq.user("alice");
    const roomId = await publicRoom(version);
    await hq.rooms.members.join({ by: hq.user("bob"), room: roomId });
    const eventId = await hq.rooms.send.message({
      by: hq.user("bob"),
      roomId,
      type: "m.room.message",
      content: { msgtype: "m.text", body: "hello" },
    });
    await hq.rooms.send.redact({ by: alice, roomId, eventId, reason: "no" });
    const page = await hq.rooms.history.messages(alice, roomId, { dir: "b", limit: 50 });
    const events = page.chunk.map((text) => JSON.parse(text));
    expect(events.map((event) => event.type)).toEqual([
      "m.room.redaction",
      "m.room.message",
      "m.room.member",
      "m.room.history_visibility",
      "m.room.join_rules",
      "m.room.power_levels",
      "m.room.member",
      "m.room.create",
    ]);
    expect(page.end).toBeDefined();
    expect(events[1].content).toEqual({});
    expect(events[1].unsigned.redacted_because).toMatchObject({
      sender: alice.userId,
      content: { reason: "no" },
      redacts: eventId,
    });
  });

  test("answers a repeated transaction id with the first event, also at the same moment", async () => {
    const roomId = await publicRoom();
    const message = messageTo(roomId, "once", "t1");
    const ids = await Promise.all([1, 2, 3].map(() => hq.rooms.send.message(message)));
    expect(new Set(ids).size).toBe(1);
    expect(await hq.rooms.send.message(message)).toBe(ids[0]);
    const other = { ...message, by: { userId: message.by.userId, deviceId: "OTHER" } };
    expect(await hq.rooms.send.message(other)).not.toBe(ids[0]);
  });

  test("remembers transaction ids in the database", async () => {
    const roomId = await publicRoom();
    const message = messageTo(roomId, "once", "t2");
    const first = await hq.rooms.send.message(message);
    const { createIdempotency, clientTransactionKey } =
      await import("../../../src/rooms/records/idempotency.ts");
    const once = createIdempotency(hq.db.sql);
    const key = clientTransactionKey(message.by, `send ${roomId} m.room.message`, "t2");
    const { errors } = await import("../../../src/protocol/errors.ts");
    const again = await once.run(key, async () => {
      throw errors.forbidden("left meanwhile");
    });
    expect(again).toBe(first);
  });

  test("keeps one line of history under concurrent senders", async () => {
    const roomId = await publicRoom();
    const ids = await Promise.all(
      Array.from({ length: 200 }, (_, i) => hq.rooms.send.message(messageTo(roomId, `${i}`))),
    );
    const stored = await hq.rooms.view.eventsById(ids);
    const parents = [...stored.values()].flatMap(({ event }) => event.prevEventIds);
    expect(new Set(parents).size).toBe(200);
    const depths = ids.map((id) => stored.get(id)?.event.depth ?? 0);
    expect(depths).toEqual(depths.toSorted((a, b) => a - b));
  });

  test("refuses who is not in the room, and who lacks the power", async () => {
    const roomId = await publicRoom();
    const eve = hq.user("eve");
    const content = { body: "hi" };
    const message = { by: eve, roomId, type: "m.room.message", content };
    await expect(hq.rooms.send.message(message)).rejects.toMatchObject({
      errcode: "M_FORBIDDEN",
      status: 403,
    });
    await hq.rooms.members.join({ by: eve, room: roomId });
    await hq.rooms.send.message(message);
    await expect(
      hq.rooms.send.state({
        ...message,
        type: "m.room.name",
        stateKey: "",
        content: { name: "x" },
      }),
    ).rejects.toMatchObject({ errcode: "M_FORBIDDEN" });
    const nowhere = "!nowhere:hq.test" as RoomId;
    await expect(hq.rooms.send.message({ ...message, roomId: nowhere })).rejects.toMatchObject({
      status: 403,
    });
  });

  test("answers equal state with the event that is there", async () => {
    const roomId = await publicRoom();
    const state = {
      by: hq.user("alice"),
      roomId,
      type: "m.room.name",
      stateKey: "",
      content: { name: "Attic" },
    };
    const first = await hq.rooms.send.state(state);
    expect(await hq.rooms.send.state(state)).toBe(first);
    expect(await hq.rooms.send.state({ ...state, content: { name: "Cellar" } })).not.toBe(first);
  });

  test("refuses a redaction of another user's event, and one of no event", async () => {
    const roomId = await publicRoom();
    const bob = hq.user("bob");
    await hq.rooms.members.join({ by: bob, room: roomId });
    const eventId = await hq.rooms.send.message(messageTo(roomId, "mine"));
    await expect(hq.rooms.send.redact({ by: bob, roomId, eventId })).rejects.toMatchObject({
      errcode: "M_FORBIDDEN",
    });
    const unknown = "$unknown" as EventId;
    await expect(hq.rooms.send.redact({ by: bob, roomId, eventId: unknown })).rejects.toMatchObject(
      { errcode: "M_NOT_FOUND" },
    );
  });

  test("refuses an event of over 65,536 bytes", async () => {
    const roomId = await publicRoom();
    await expect(
      hq.rooms.send.message({
        by: hq.user("alice"),
        roomId,
        type: "m.room.message",
        content: { body: "x".repeat(66_000) },
      }),
    ).rejects.toMatchObject({ errcode: "M_TOO_LARGE", status: 413 });
  });
});
