/** Invites that other servers send and send again, and what counts of them. */
import { describe, expect, test } from "vitest";
import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { membershipAt } from "../support/what-it-has.ts";
import type { TestServer } from "../support/world.ts";
import { a, alice, b, bob, c, invitation, world } from "../receiving/claims.ts";

describe("an invite into a room of version 12", () => {
  test("may show state that was redacted there", async () => {
    const roomId = await a.rooms.create.room(alice, { name: "Den", topic: "secret" });
    const room = (await a.rooms.view.room(roomId))!;
    const topic = (await a.rooms.view.currentStateEvent(room.nid, "m.room.topic", ""))!;
    const { eventId } = topic.event;
    await a.rooms.send.redact({ by: alice, roomId, eventId, txnId: "r" });
    await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
    const there = (await b.rooms.view.room(roomId))!;
    const shown = await b.rooms.view.strippedState(there.nid, bob.userId);
    expect(shown.find(({ type }) => type === "m.room.name")?.content).toEqual({ name: "Den" });
    expect(shown.find(({ type }) => type === "m.room.topic")?.content).toEqual({});
  });
});

describe("invites of strangers", () => {
  /** So many open ones, of as many servers, as a stranger with many names would make them. */
  async function fill(userId: UserId, count: number, text: string): Promise<void> {
    const { sql } = b.db;
    await sql`
      INSERT INTO rooms (room_nid, room_id, version, created_ts)
      SELECT 900000 + i, '!s' || i || ':x', '10', 0 FROM generate_series(1, ${count}) i
      ON CONFLICT DO NOTHING`;
    await sql`
      INSERT INTO stripped_rooms (room_nid, user_id, stripped_state, origin)
      SELECT 900000 + i, ${userId}, ${text}, 's' || i FROM generate_series(1, ${count}) i`;
  }
  const by = (from: TestServer, room: string, userId: UserId, more: JsonObject = {}) => {
    const roomId = `!${room}:${from.name}` as RoomId;
    const event = invitation(from, roomId, userId, more);
    const name = "x".repeat(5_000);
    return b.rooms.federation.invite(from.name, roomId, event.eventId, {
      event: event.pdu,
      roomVersion: "10",
      inviteRoomState: [
        {
          ...{ type: "m.room.create", state_key: "", sender: "@m:x" },
          content: { room_version: "10" },
        },
        { type: "m.room.name", state_key: "", sender: "@m:x", content: { name } },
      ],
    });
  };

  test("leave room for those of servers that the user is in a room with", async () => {
    const zoe = b.user("zoe").userId;
    await fill(zoe, 500, "[]");
    const full = { errcode: "M_FORBIDDEN", status: 403 };
    await expect(by(a, "one", zoe)).rejects.toMatchObject(full);
    const shared = await b.rooms.create.room(b.user("zoe"), { preset: "public_chat" });
    await a.rooms.members.join({ by: alice, room: shared, via: [b.name] });
    await by(a, "one", zoe);
    expect(await membershipAt(b, "!one:a.test" as RoomId, zoe)).toBe("invite");
    await expect(by(c, "two", zoe)).rejects.toMatchObject(full);
  });

  test("are shown in brief where much is shown already, rather than refused", async () => {
    const yan = b.user("yan").userId;
    await fill(yan, 20, JSON.stringify(["x".repeat(220_000)]));
    await by(c, "three", yan, { reason: "y".repeat(30_000) });
    const room = (await b.rooms.view.room("!three:c.test" as RoomId))!;
    const shown = await b.rooms.view.strippedState(room.nid, yan);
    expect(shown.map(({ type }) => type)).toEqual(["m.room.create", "m.room.member"]);
    expect(shown[1]!.content).toEqual({ membership: "invite" });
  });
});

describe("an invite that is sent again", () => {
  test("since its answer was lost does not undo what the user answered", async () => {
    const roomId = "!again:c.test" as RoomId;
    const event = invitation(c, roomId, bob.userId);
    const send = () =>
      b.rooms.federation.invite(c.name, roomId, event.eventId, {
        ...{ event: event.pdu, roomVersion: "10", inviteRoomState: [] },
      });
    const first = await send();
    expect(await send()).toEqual(first);
    expect(await membershipAt(b, roomId, bob.userId)).toBe("invite");
    await b.rooms.members.leave({ by: bob, roomId });
    expect(await send()).toEqual(first);
    expect(await membershipAt(b, roomId, bob.userId)).toBe("leave");
  });

  test("by the older endpoint is of version 1 or 2, as the room is known", async () => {
    for (const version of ["1", "2"]) {
      const roomId = await a.rooms.create.room(alice, {
        ...{ preset: "public_chat", room_version: version },
      });
      await b.rooms.members.join({ by: b.user("ben"), room: roomId, via: [a.name] });
      world.pretend(b, "invite", async (_honest, _room, eventId, body) => ({
        event: await b.rooms.federation.invite(a.name, roomId, eventId, {
          ...{ event: structuredClone(body.event), roomVersion: undefined, inviteRoomState: [] },
        }),
      }));
      await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
      await world.flush();
      expect(await membershipAt(b, roomId, bob.userId)).toBe("invite");
    }
  });
});

describe("an invite that meets the join of the invited user", () => {
  test("changes nothing of what the room says", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat", room_version: "10" });
    await world.flush();
    // It was looked at before the join, and is stored after it.
    const other = invitation(c, roomId, bob.userId);
    const told = Promise.withResolvers<void>();
    const joined = b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    void joined.then(() => told.resolve(), told.reject);
    await Promise.all([
      ...[1, 2, 3].map((n) => {
        const event = n === 1 ? other : invitation(c, roomId, bob.userId, { n });
        return b.rooms.federation
          .invite(c.name, roomId, event.eventId, {
            ...{ event: event.pdu, roomVersion: "10", inviteRoomState: [] },
          })
          .catch(() => undefined);
      }),
      told.promise,
    ]);
    expect(await membershipAt(b, roomId, bob.userId)).toBe("join");
  });
});
