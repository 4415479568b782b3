import { describe, expect, test } from "vitest";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import { allOf } from "../support/wire.ts";
import { a, alice, b, bob, forge, roomId } from "../receiving/forged-events.ts";

describe("answers to other servers", () => {
  test("give state, ids, auth chains and single events to members only", async () => {
    const { federation } = a.rooms;
    const eventId = await a.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.message",
      content: { body: "x" },
    });
    const ids = await federation.stateIds(b.name, roomId, eventId);
    const whole = await federation.state(b.name, roomId, eventId);
    expect(await allOf(whole.pdus)).toHaveLength(ids.pduIds.length);
    expect(await allOf(whole.authChain)).toHaveLength(ids.authChainIds.length);
    expect(ids.pduIds.length + ids.authChainIds.length).toBeGreaterThan(6);
    expect(JSON.parse(await federation.event(b.name, eventId)).content).toEqual({ body: "x" });
    const auth = await federation.eventAuth(b.name, roomId, eventId);
    expect(auth.length).toBeGreaterThanOrEqual(2);
    const stranger = "c.test" as typeof b.name;
    await expect(federation.stateIds(stranger, roomId, eventId)).rejects.toMatchObject({
      status: 403,
    });
    await expect(federation.event(stranger, eventId)).rejects.toMatchObject({ status: 403 });
    const unknown = "$unknown" as EventId;
    await expect(federation.state(b.name, roomId, unknown)).rejects.toMatchObject({ status: 404 });
  });

  test("refuse joins of a version that the other can't, of foreign users, and of forged events", async () => {
    const { federation } = a.rooms;
    const ben = b.user("ben").userId;
    await expect(federation.makeJoin(b.name, roomId, ben, ["1"])).rejects.toMatchObject({
      errcode: "M_INCOMPATIBLE_ROOM_VERSION",
    });
    await expect(
      federation.makeJoin(b.name, roomId, a.user("abe").userId, ["12"]),
    ).rejects.toMatchObject({ status: 403 });
    const message = await forge({});
    await expect(
      federation.sendJoin(b.name, roomId, message.eventId, message.pdu),
    ).rejects.toMatchObject({ status: 400 });
    const join = await forge({
      type: "m.room.member",
      stateKey: ben,
      sender: ben,
      content: { membership: "join" },
    });
    const wrongId = "$wrong" as EventId;
    await expect(federation.sendJoin(b.name, roomId, wrongId, join.pdu)).rejects.toMatchObject({
      status: 400,
    });
  });

  test("hide what the other server's users may not see", async () => {
    const secret = await a.rooms.create.room(alice, {
      preset: "public_chat",
      initial_state: [
        { type: "m.room.history_visibility", content: { history_visibility: "joined" } },
      ],
    });
    const hidden = await a.rooms.send.message({
      by: alice,
      roomId: secret,
      type: "m.room.message",
      content: { body: "hidden" },
    });
    await b.rooms.members.join({ by: bob, room: secret, via: [a.name] });
    expect(JSON.parse(await a.rooms.federation.event(b.name, hidden)).content).toEqual({});
    const page = await a.rooms.federation.backfill(b.name, secret, [hidden], 10);
    expect(page.join()).not.toContain("hidden");
  });
});
