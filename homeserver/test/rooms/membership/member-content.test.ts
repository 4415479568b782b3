import { beforeEach, describe, expect, test } from "vitest";
import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { TestServer } from "../support/world.ts";
import { startServers, publicRoom } from "../support/servers.ts";

const [world, a, b] = await startServers("a.test", "b.test");
const [alice, bob] = [a.user("alice"), b.user("bob")];
beforeEach(() => world.reset());

const BAD = { errcode: "M_BAD_JSON", status: 400 };

async function member(server: TestServer, roomId: RoomId, userId: UserId): Promise<JsonObject> {
  const room = await server.rooms.view.room(roomId);
  const stored = await server.rooms.view.currentStateEvent(room!.nid, "m.room.member", userId);
  return stored?.event.content ?? {};
}

function put(server: TestServer, by: Actor, roomId: RoomId, userId: string, content: JsonObject) {
  return server.rooms.send.state({ by, roomId, type: "m.room.member", stateKey: userId, content });
}

/** A restricted room of alice's that bob has joined by her server's word. */
async function restricted(): Promise<RoomId> {
  const lobby = await publicRoom(world, [a, alice], [b, bob]);
  const allow = [{ type: "m.room_membership", room_id: lobby }];
  const content = { join_rule: "restricted", allow };
  const roomId = await a.rooms.create.room(alice, {
    initial_state: [{ type: "m.room.join_rules", content }],
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  return roomId;
}

describe("what only servers say in a member event", () => {
  test("is stripped where a client copies its content, so that no server refuses the event", async () => {
    const roomId = await restricted();
    const content = await member(b, roomId, bob.userId);
    expect(content.join_authorised_via_users_server).toBe(alice.userId);
    const signed = { mxid: bob.userId, token: "t", signatures: {} };
    await put(b, bob, roomId, bob.userId, {
      ...content,
      displayname: "Robert",
      third_party_invite: { display_name: "b", signed },
    });
    await world.flush();
    const renamed = { membership: "join", displayname: "Robert" };
    expect(await member(b, roomId, bob.userId)).toEqual(renamed);
    expect(await member(a, roomId, bob.userId)).toEqual(renamed);
  });

  test("is stripped from extra content of a join, an invite, a kick and a ban", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    const { members } = a.rooms;
    const ann = a.user("ann");
    const claims = { join_authorised_via_users_server: bob.userId, third_party_invite: {} };
    const content = { ...claims, note: "n", membership: "ban" };
    const about = { by: alice, roomId, userId: ann.userId, content };
    await members.invite(about);
    const named = { displayname: "ann", note: "n" };
    expect(await member(a, roomId, ann.userId)).toEqual({ ...named, membership: "invite" });
    await members.join({ by: ann, room: roomId, content });
    expect(await member(a, roomId, ann.userId)).toEqual({ ...named, membership: "join" });
    await members.kick(about);
    expect(await member(a, roomId, ann.userId)).toEqual({ membership: "leave", note: "n" });
    await members.ban(about);
    expect(await member(a, roomId, ann.userId)).toEqual({ membership: "ban", note: "n" });
  });
});

describe("a member event sent as state", () => {
  test("joins by the rules of joining: another server vouches and signs", async () => {
    const roomId = await restricted();
    const ben = b.user("ben");
    const lobby = (await a.rooms.history.stateEvent(alice.userId, roomId, "m.room.join_rules", ""))
      .event.content.allow as { room_id: RoomId }[];
    await b.rooms.members.join({ by: ben, room: lobby[0]!.room_id, via: [a.name] });
    await world.flush();
    const eventId = await put(b, ben, roomId, ben.userId, { membership: "join", note: "x" });
    await world.flush();
    for (const server of [a, b]) {
      const room = await server.rooms.view.room(roomId);
      const { view } = server.rooms;
      const now = await view.currentStateEvent(room!.nid, "m.room.member", ben.userId);
      expect(now?.event.eventId).toBe(eventId);
      expect(now?.event.content).toMatchObject({ membership: "join", note: "x" });
    }
  });

  test("kicks, bans and unbans by the rules of these", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    const ann = a.user("ann");
    const on = (content: JsonObject) => put(a, alice, roomId, ann.userId, content);
    const forbidden = { errcode: "M_FORBIDDEN", status: 403 };
    await expect(on({ membership: "leave" })).rejects.toMatchObject(forbidden);
    await expect(on({ membership: "join" })).rejects.toMatchObject(forbidden);
    await a.rooms.members.join({ by: ann, room: roomId });
    await on({ membership: "leave", reason: "out" });
    expect(await member(a, roomId, ann.userId)).toEqual({ membership: "leave", reason: "out" });
    await on({ membership: "ban" });
    await expect(put(a, ann, roomId, ann.userId, { membership: "leave" })).rejects.toMatchObject(
      forbidden,
    );
    await on({ membership: "leave" });
    expect(await member(a, roomId, ann.userId)).toEqual({ membership: "leave" });
  });

  test("is refused where it is malformed, in rooms that are not known too", async () => {
    const known = await a.rooms.create.room(alice, {});
    const join = { membership: "join" };
    for (const roomId of [known, "!nothing:a.test" as RoomId]) {
      const send = (key: string, content: JsonObject) => put(a, alice, roomId, key, content);
      await expect(send(alice.userId, {})).rejects.toMatchObject(BAD);
      await expect(send(alice.userId, { membership: "owner" })).rejects.toMatchObject(BAD);
      await expect(send(alice.userId, { ...join, displayname: 1 })).rejects.toMatchObject(BAD);
      await expect(send(alice.userId, { ...join, avatar_url: {} })).rejects.toMatchObject(BAD);
      await expect(send("nobody", join)).rejects.toMatchObject({ status: 400 });
    }
  });
});

describe("what is said again", () => {
  test("an invite after the user declined while its server was away reaches the user", async () => {
    const roomId = await a.rooms.create.room(alice, {});
    const about = { by: alice, roomId, userId: bob.userId };
    const bobs = async () => {
      const room = await b.rooms.view.room(roomId);
      return (await b.rooms.view.membership(room!.nid, bob.userId))?.membership;
    };
    await a.rooms.members.invite(about);
    await world.flush();
    world.cut(a, b);
    await b.rooms.members.leave({ by: bob, roomId });
    expect(await bobs()).toBe("leave");
    world.heal();
    await a.rooms.members.invite(about);
    expect(await bobs()).toBe("invite");
    await b.rooms.members.join({ by: bob, room: roomId });
    await world.flush();
    expect(await member(a, roomId, bob.userId)).toMatchObject({ membership: "join" });
  });

  test("a local invite is one event until its content changes", async () => {
    const roomId = await a.rooms.create.room(alice, {});
    const about = { by: alice, roomId, userId: a.user("ann").userId };
    await a.rooms.members.invite(about);
    const before = a.log.position;
    await a.rooms.members.invite(about);
    expect(a.log.position).toBe(before);
    await a.rooms.members.invite({ ...about, reason: "please" });
    expect(await member(a, roomId, about.userId)).toMatchObject({ reason: "please" });
  });

  test("a ban of a user of ours that is said again changes nothing", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    const ban = (reason: string) =>
      put(a, alice, roomId, a.user("ann").userId, { membership: "ban", reason });
    const first = await ban("spam");
    expect(await ban("spam")).toBe(first);
    expect(await ban("more spam")).not.toBe(first);
  });

  test("a kick of another server's user goes out again; who left by themselves is not kicked", async () => {
    const roomId = await publicRoom(world, [a, alice], [b, bob]);
    const about = { by: alice, roomId, userId: bob.userId };
    await a.rooms.members.kick(about);
    const before = a.log.position;
    await a.rooms.members.kick(about);
    expect(a.log.position).toBeGreaterThan(before);
    await world.flush();
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    await b.rooms.members.leave({ by: bob, roomId });
    await world.flush();
    await expect(a.rooms.members.kick(about)).rejects.toMatchObject({ status: 403 });
  });
});
