/** What other servers give back, send and show, and what counts of it. */
import { describe, expect, test } from "vitest";
import { buildEvent } from "../../../src/protocol/events/build-event.ts";
import { redactEvent } from "../../../src/protocol/events/event.ts";
import { parsePdu } from "../../../src/protocol/events/event.ts";
import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import { membershipAt } from "../support/what-it-has.ts";
import { partsOf } from "../support/wire.ts";
import type { TestServer } from "../support/world.ts";
import { publicRoom } from "../support/servers.ts";
import { a, alice, b, bob, c, invitation, world } from "./claims.ts";

async function memberEvent(server: TestServer, roomId: RoomId, userId: UserId) {
  const room = (await server.rooms.view.room(roomId))!;
  return server.rooms.view.currentStateEvent(room.nid, "m.room.member", userId);
}

/** The PDU as a redaction leaves it: the same identifier and the same signatures. */
function redactedCopy(pdu: JsonObject, version: string): JsonObject {
  return redactEvent(parsePdu(pdu, roomVersion(version)!)).pdu;
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
    const hall = await publicRoom(world, [a, alice], [b, bob]);
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
