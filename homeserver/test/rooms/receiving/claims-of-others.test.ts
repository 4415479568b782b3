/** What other servers give back, send and show, and what counts of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildEvent } from "../../../src/protocol/events/build-event.ts";
import { redactEvent } from "../../../src/protocol/events/event.ts";
import { parsePdu } from "../../../src/protocol/events/event.ts";
import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { createServersApart, membershipAt } from "../support/three-servers.ts";
import { partsOf } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let a: TestServer;
let b: TestServer;
let c: TestServer;
let alice: Actor;
let bob: Actor;

beforeAll(async () => {
  const made = await createServersApart();
  [a, b, c] = made.servers;
  ({ world, alice, bob } = made);
});
beforeEach(() => world.reset());
afterAll(() => world.close());

async function memberEvent(server: TestServer, roomId: RoomId, userId: UserId) {
  const room = (await server.rooms.view.room(roomId))!;
  return server.rooms.view.currentStateEvent(room.nid, "m.room.member", userId);
}

/** The PDU as a redaction leaves it: the same identifier and the same signatures. */
function redactedCopy(pdu: JsonObject, version: string): JsonObject {
  return redactEvent(parsePdu(pdu, roomVersion(version)!)).pdu;
}

function invitation(from: TestServer, roomId: RoomId, target: UserId, more: JsonObject = {}) {
  return buildEvent(
    {
      roomId,
      ...{ type: "m.room.member", stateKey: target, sender: from.user("mallory").userId },
      ...{ content: { membership: "invite", ...more }, depth: 5, originServerTs: Date.now() },
      ...{ prevEventIds: [], authEventIds: [] },
    },
    roomVersion("10")!,
    from.name,
    from.key,
  );
}

describe("an event of ours that another server gives back", () => {
  test("keeps its content: an invite, and a join", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat", room_version: "11" });
    world.pretend(b, "invite", async (honest) => {
      const { event } = (await honest()) as { event: JsonObject };
      return { event: redactedCopy(event, "11") };
    });
    await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId, reason: "tea" });
    const invite = (await memberEvent(a, roomId, bob.userId))!;
    expect(invite.event.content).toMatchObject({ membership: "invite", reason: "tea" });
    expect(Object.keys(invite.event.pdu.signatures).toSorted()).toEqual([a.name, b.name]);

    world.pretend(a, "sendJoin", async (honest, _join, take) => {
      void honest;
      const { head, pdus, authChain } = await a.rooms.federation.sendJoin(
        ...([b.name, roomId, _join.eventId, structuredClone(_join.pdu), false] as const),
      );
      await take(partsOf({ ...head, event: redactedCopy(head.event as JsonObject, "11") }));
      for (const [key, list] of Object.entries({ auth_chain: authChain, state: pdus })) {
        for await (const texts of list) {
          await take(texts.map((text) => ({ key, value: JSON.parse(text) })));
        }
      }
    });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    const join = (await memberEvent(b, roomId, bob.userId))!;
    expect(join.event.content).toMatchObject({ membership: "join", displayname: "bob" });
    expect(join.redactedBy).toBeNull();
  });

  test("is stored without signatures that would make it too large", async () => {
    const roomId = await a.rooms.create.room(alice, { room_version: "11" });
    world.pretend(b, "invite", async (honest) => {
      const { event } = (await honest()) as { event: JsonObject };
      const copy = redactedCopy(event, "11");
      const junk = { "ed25519:x": "x".repeat(60_000) };
      return { event: { ...copy, signatures: { ...(copy.signatures as JsonObject), x: junk } } };
    });
    const reason = "t".repeat(30_000);
    await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId, reason });
    const invite = (await memberEvent(a, roomId, bob.userId))!;
    expect(invite.event.content.reason).toBe(reason);
    expect(Object.keys(invite.event.pdu.signatures)).toEqual([a.name]);
  });

  test("is no join as long as who vouches for it has not signed", async () => {
    const hall = await a.rooms.create.room(alice, { preset: "public_chat" });
    await b.rooms.members.join({ by: bob, room: hall, via: [a.name] });
    await world.flush();
    const allow = [{ type: "m.room_membership", room_id: hall }];
    const roomId = await a.rooms.create.room(alice, {
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "restricted", allow } }],
    });
    world.pretend(a, "sendJoin", async (_honest, join, take) => {
      const { head, pdus, authChain } = await a.rooms.federation.sendJoin(
        ...([b.name, roomId, join.eventId, structuredClone(join.pdu), false] as const),
      );
      await take(partsOf({ ...head, event: join.pdu }));
      for (const [key, list] of Object.entries({ auth_chain: authChain, state: pdus })) {
        for await (const texts of list) {
          await take(texts.map((text) => ({ key, value: JSON.parse(text) })));
        }
      }
    });
    await expect(
      b.rooms.members.join({ by: bob, room: roomId, via: [a.name] }),
    ).rejects.toMatchObject({ status: 502 });
    expect(await membershipAt(b, roomId, bob.userId)).not.toBe("join");
  });
});

describe("what another server sends", () => {
  test("and is no such event, or not theirs, is an invalid parameter", async () => {
    const invalid = { errcode: "M_INVALID_PARAM", status: 400 };
    const roomId = "!den:c.test" as RoomId;
    const event = invitation(c, roomId, bob.userId);
    const send = (pdu: JsonObject, origin = c.name) =>
      b.rooms.federation.invite(origin, roomId, event.eventId, {
        ...{ event: pdu, roomVersion: "10", inviteRoomState: [] },
      });
    const { signatures: _signatures, ...unsigned } = event.pdu as JsonObject;
    await expect(send({ ...unsigned, signatures: {} })).rejects.toMatchObject(invalid);
    await expect(send(event.pdu as JsonObject, a.name)).rejects.toMatchObject(invalid);

    const open = await a.rooms.create.room(alice, { preset: "public_chat" });
    const { sendJoin, sendLeave, sendKnock } = a.rooms.federation;
    for (const [call, kind] of [
      [sendJoin, "join"],
      [sendLeave, "leave"],
      [sendKnock, "knock"],
    ] as const) {
      const made = buildEvent(
        {
          roomId: open,
          ...{ type: "m.room.member", stateKey: bob.userId, sender: bob.userId },
          ...{ content: { membership: kind }, depth: 9, originServerTs: Date.now() },
          ...{ prevEventIds: [], authEventIds: [] },
        },
        roomVersion("12")!,
        ...([b.name, b.key] as const),
      );
      const id = made.eventId;
      const { signatures: _none, ...bare } = made.pdu as JsonObject;
      const wrong = { ...bare, signatures: { [b.name]: { [b.key.keyId]: "x".repeat(86) } } };
      await expect(call(b.name, open, id, wrong)).rejects.toMatchObject(invalid);
      await expect(call(c.name, open, id, made.pdu)).rejects.toMatchObject(invalid);
    }
  });

  test("of what this server sent in a join is for this server to mend: the user is told 502", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    const { MatrixError } = await import("../../../src/protocol/errors.ts");
    for (const [code, status] of [
      ["M_INVALID_PARAM", 502],
      ["M_MISSING_PARAM", 502],
      ["M_UNABLE_TO_AUTHORISE_JOIN", 400],
    ] as const) {
      world.pretend(a, "sendJoin", async () => {
        throw new MatrixError(400, code, "no");
      });
      await expect(
        b.rooms.members.join({ by: bob, room: roomId, via: [a.name] }),
      ).rejects.toMatchObject({ status });
    }
  });
});

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
