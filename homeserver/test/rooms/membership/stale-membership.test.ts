/** What a server believes of rooms that it has left is old: it decides nothing by that. */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { roomFacts } from "../../../src/edus/room-facts.ts";
import { MatrixError } from "../../../src/protocol/errors.ts";
import type { RoomAlias, RoomId } from "../../../src/protocol/identifiers.ts";
import { publicRoom, startServers } from "../support/servers.ts";

const [world, a, b, c] = await startServers("a.test", "b.test", "c.test");
const [alice, bob, carol] = [a.user("alice"), b.user("bob"), c.user("carol")];
/** A room of carol's that alice has left, and bob since then. */
let lobby: RoomId;

beforeAll(async () => {
  lobby = await c.rooms.create.room(carol, { preset: "public_chat", visibility: "public" });
  await a.rooms.members.join({ by: alice, room: lobby, via: [c.name] });
  await world.flush();
  await b.rooms.members.join({ by: bob, room: lobby, via: [c.name] });
  await world.flush();
  await a.rooms.directory.setAlias(alice, "#lobby:a.test" as RoomAlias, lobby);
  await a.rooms.members.leave({ by: alice, roomId: lobby });
  await world.flush();
  world.cut(a, b);
  await b.rooms.members.leave({ by: bob, roomId: lobby });
  await world.flush();
});
beforeEach(() => world.reset());

describe("a server that has left a room", () => {
  test("does not vouch by it for a restricted join", async () => {
    const allow = [{ type: "m.room_membership", room_id: lobby }];
    const content = { join_rule: "restricted", allow };
    const roomId = await a.rooms.create.room(alice, {
      initial_state: [{ type: "m.room.join_rules", content }],
    });
    const there = await a.rooms.view.room(lobby);
    expect((await a.rooms.view.membership(there!.nid, bob.userId))?.membership).toBe("join");
    await expect(
      b.rooms.members.join({ by: bob, room: roomId, via: [a.name] }),
    ).rejects.toMatchObject({ errcode: "M_UNABLE_TO_AUTHORISE_JOIN", status: 400 });
    // Once it is in there again, it can tell.
    await a.rooms.members.join({ by: alice, room: lobby, via: [c.name] });
    await world.flush();
    await expect(
      b.rooms.members.join({ by: bob, room: roomId, via: [a.name] }),
    ).rejects.toMatchObject({ errcode: "M_FORBIDDEN", status: 403 });
    await a.rooms.members.leave({ by: alice, roomId: lobby });
    await world.flush();
  });

  test("refuses a join by it where nobody else is in the room that could tell", async () => {
    for (const allowed of [lobby, "!unheard-of:a.test"]) {
      const allow = [{ type: "m.room_membership", room_id: allowed }];
      const roomId = await a.rooms.create.room(alice, {
        initial_state: [{ type: "m.room.join_rules", content: { join_rule: "restricted", allow } }],
      });
      await expect(a.rooms.members.join({ by: a.user("zed"), room: roomId })).rejects.toMatchObject(
        { errcode: "M_FORBIDDEN", status: 403 },
      );
    }
  });

  test("keeps no server out by an access list of that time", async () => {
    const { send } = c.rooms;
    const setAcl = (deny: string[]) =>
      send.state({
        ...{ by: carol, roomId: hall, type: "m.room.server_acl", stateKey: "" },
        content: { allow: ["*"], deny },
      });
    const hall = await publicRoom(world, [c, carol], [a, alice]);
    await setAcl([b.name]);
    await world.flush();
    expect(await a.rooms.federation.aclAllows(hall, b.name)).toBe(false);
    await a.rooms.members.leave({ by: alice, roomId: hall });
    await world.flush();
    world.cut(a, c);
    await setAcl([]);
    await world.flush();
    world.reset();
    await b.rooms.members.join({ by: bob, room: hall, via: [c.name] });
    expect(await a.rooms.federation.aclAllows(hall, b.name)).toBe(true);
    // Its invite is taken, and so is the end of that.
    const about = { by: bob, roomId: hall, userId: alice.userId };
    await send.state({
      ...{ by: carol, roomId: hall, type: "m.room.power_levels", stateKey: "" },
      content: { users: { [bob.userId]: 50 } },
    });
    await world.flush();
    await b.rooms.members.invite(about);
    const row = async () => {
      const room = await a.rooms.view.room(hall);
      return (await a.rooms.view.membership(room!.nid, alice.userId))?.membership;
    };
    expect(await row()).toBe("invite");
    await b.rooms.members.kick(about);
    await world.flush();
    expect(await row()).toBe("leave");
  });

  test("takes nobody's typing and presence for that room's", async () => {
    const facts = roomFacts(a.rooms, a.name);
    expect(await facts.isJoined(lobby, carol.userId)).toBe(false);
    expect(await facts.isKnown(carol.userId)).toBe(false);
    const own = roomFacts(c.rooms, c.name);
    expect(await own.isJoined(lobby, carol.userId)).toBe(true);
    expect(await own.isKnown(carol.userId)).toBe(true);
  });

  test("names the others for its alias, and lists the room no more", async () => {
    const { servers } = await a.rooms.directory.resolve("#lobby:a.test" as RoomAlias);
    expect(servers).toEqual([c.name]);
    const open = await a.rooms.create.room(alice, { visibility: "public" });
    const listed = async () =>
      (await a.rooms.directory.publicRooms({})).chunk.map((room) => room.room_id);
    expect(await listed()).toContain(open);
    await a.rooms.members.leave({ by: alice, roomId: open });
    expect(await listed()).not.toContain(open);
  });
});

describe("what another server refuses", () => {
  const refused = (status: number, code: ConstructorParameters<typeof MatrixError>[1]) =>
    new MatrixError(status, code, "no", { room_version: "77", secret: "x" });

  test.each([
    ["a join", "makeJoin"],
    ["a join", "sendJoin"],
    ["a knock", "makeKnock"],
    ["a knock", "sendKnock"],
  ] as const)("%s at %s is told with its code", async (what, call) => {
    const roomId = await a.rooms.create.room(alice, {
      initial_state: [
        {
          type: "m.room.join_rules",
          content: { join_rule: what === "a join" ? "public" : "knock" },
        },
      ],
    });
    const enter = () =>
      what === "a join"
        ? b.rooms.members.join({ by: bob, room: roomId, via: [a.name] })
        : b.rooms.members.knock({ by: bob, room: roomId, via: [a.name] });
    for (const [status, code] of [
      [400, "M_INCOMPATIBLE_ROOM_VERSION"],
      [403, "M_GUEST_ACCESS_FORBIDDEN"],
      [404, "M_NOT_FOUND"],
      [400, "M_UNABLE_TO_GRANT_JOIN"],
      [409, "M_UNKNOWN"],
    ] as const) {
      world.pretend(a, call, async () => {
        throw refused(status, code);
      });
      const error = await enter().catch((thrown: unknown) => thrown as MatrixError);
      expect((error as MatrixError).toJSON()).toEqual({
        ...{ errcode: code, error: "no", room_version: "77" },
      });
      expect(error).toMatchObject({ status });
    }
  });

  test("counts more than that another could not be reached", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    const dead = await world.server("dead.test");
    for (const call of ["makeJoin"] as const) {
      world.pretend(a, call, async () => {
        throw refused(404, "M_NOT_FOUND");
      });
    }
    world.cut(b, dead);
    for (const via of [
      [a.name, dead.name],
      [dead.name, a.name],
    ]) {
      await expect(b.rooms.members.join({ by: bob, room: roomId, via })).rejects.toMatchObject({
        errcode: "M_NOT_FOUND",
        status: 404,
      });
    }
  });
});
