/** Spaces whose rooms live on other servers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { askAs } from "../support/signed-requests.ts";
import { register, type TestUser } from "../support/user.ts";
import { addChild, hierarchyPath, make, space, walk } from "./support.ts";

let one: TestServer;
let two: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  [one, two] = await Promise.all([startServer(), startServer()]);
  alice = await register(one, "alice");
  bob = await register(two, "bob");
});
afterAll(() => Promise.all([one.close(), two.close()]));

const rule = (join_rule: string, more: object = {}) => ({
  type: "m.room.join_rules",
  content: { join_rule, ...more },
});
const invite = (roomId: string, user: TestUser) =>
  alice.call("POST", `/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: user.userId });
const join = (user: TestUser, roomId: string) =>
  user.call("POST", `/join/${encodeURIComponent(roomId)}?via=${one.name}`, {});

function ask(roomId: string, query = "") {
  const uri = `/_matrix/federation/v1/hierarchy/${encodeURIComponent(roomId)}${query}`;
  return askAs(two, one, "GET", uri);
}

describe("a walk over another server's rooms", () => {
  test("asks for rooms that this server is not in, at the servers that the space names", async () => {
    const there = await space(alice, "there");
    const inner = await space(alice, "inner");
    await addChild(alice, there, await make(alice, "first"), { via: [one.name] });
    await addChild(alice, there, inner, { via: [one.name] });
    await addChild(alice, inner, await make(alice, "second"), { via: [one.name] });
    const here = await space(bob, "here");
    await addChild(bob, here, there, { via: ["localhost:1", one.name] });
    expect((await walk(bob, here)).names).toEqual(["here", "there", "first", "inner", "second"]);
    const pages = await walk(bob, here, { limit: 2 });
    expect(pages.names).toEqual(["here", "there", "first", "inner", "second"]);
    const { rooms } = pages;
    expect(rooms[1]).toMatchObject({ room_type: "m.space", num_joined_members: 1 });
    expect(rooms[1].children_state).toHaveLength(2);
  });

  test("shows a user only what this user may see, whatever the server may", async () => {
    const carol = await register(two, "carol");
    const there = await space(alice, "there");
    const club = await make(alice, "club");
    const kinds = {
      open: {},
      hidden: { preset: "private_chat" as const },
      invited: { preset: "private_chat" as const },
      restricted: {
        preset: "private_chat" as const,
        state: [rule("restricted", { allow: [{ type: "m.room_membership", room_id: club }] })],
      },
    };
    for (const [name, kind] of Object.entries(kinds)) {
      const id = await make(alice, name, kind);
      await addChild(alice, there, id, { via: [one.name] });
      if (name === "invited") await invite(id, carol);
    }
    await join(carol, club);
    const here = await space(bob, "here");
    await addChild(bob, here, there, { via: [one.name] });
    expect((await walk(bob, here)).names).toEqual(["here", "there", "open"]);
    await carol.call("POST", `/join/${encodeURIComponent(here)}`, {});
    expect((await walk(carol, here)).names).toEqual([
      ...["here", "there", "open", "invited", "restricted"],
    ]);
  });

  test("leaves out rooms of servers that do not answer", async () => {
    const here = await space(bob, "here");
    await addChild(bob, here, "!gone:localhost:1", { via: ["localhost:1"] });
    await addChild(bob, here, await make(bob, "near"));
    expect((await walk(bob, here)).names).toEqual(["here", "near"]);
  });

  test("begins at a space that only another server knows", async () => {
    const there = await space(alice, "there", { version: "11" });
    expect((await walk(bob, there)).names).toEqual(["there"]);
    const hidden = await space(alice, "hidden", { version: "11", preset: "private_chat" });
    const { status, body } = await bob.ask("GET", hierarchyPath(hidden));
    expect([status, body.errcode]).toEqual([403, "M_FORBIDDEN"]);
  });
});

describe("what another server is told", () => {
  test("the space, the children that it may know of, and which it may not", async () => {
    const root = await space(alice, "root");
    const open = await make(alice, "open");
    const hidden = await make(alice, "hidden", { preset: "private_chat" });
    const inner = await space(alice, "inner");
    await addChild(alice, root, open, { suggested: true });
    await addChild(alice, root, hidden);
    await addChild(alice, root, inner);
    await addChild(alice, root, "!elsewhere:elsewhere.example", { via: ["elsewhere.example"] });
    await addChild(alice, inner, open);
    const { status, body } = await ask(root);
    expect(status).toBe(200);
    expect(body.room).toMatchObject({ room_id: root, name: "root", room_version: "12" });
    expect(body.room.children_state).toHaveLength(4);
    expect(body.children).toMatchObject([
      { room_id: open, name: "open", children_state: [] },
      { room_id: inner, children_state: [{ state_key: open }] },
    ]);
    expect(body.inaccessible_children).toEqual([hidden]);
    const suggested = (await ask(root, "?suggested_only=true")).body;
    expect(suggested.room.children_state).toHaveLength(1);
    expect(suggested).toMatchObject({ children: [{ room_id: open }], inaccessible_children: [] });
  });

  test("a restricted room, with what lets one in, once one of its users is there", async () => {
    const club = await make(alice, "club");
    const allow = [{ type: "m.room_membership", room_id: club }];
    const state = [rule("restricted", { allow })];
    const room = await make(alice, "room", { preset: "private_chat", state });
    expect((await ask(room)).status).toBe(404);
    await join(bob, club);
    expect((await ask(room)).body.room).toMatchObject({
      ...{ name: "room", join_rule: "restricted", allowed_room_ids: [club] },
    });
  });

  test("nothing of a room that it may not see, or that this server is not in: M_NOT_FOUND", async () => {
    const hidden = await make(alice, "hidden", { preset: "private_chat" });
    const theirs = await make(bob, "theirs");
    for (const roomId of [hidden, theirs, "!nowhere:localhost"]) {
      const { status, body } = await ask(roomId);
      expect([status, body.errcode]).toEqual([404, "M_NOT_FOUND"]);
    }
    await invite(hidden, bob);
    expect((await ask(hidden)).body.room).toMatchObject({ name: "hidden" });
  });

  test("nothing of a room whose access list shuts it out", async () => {
    const acl = { type: "m.room.server_acl", content: { allow: ["*"], deny: ["localhost"] } };
    const shut = await make(alice, "shut", { state: [acl] });
    const { status, body } = await ask(shut);
    expect([status, body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    const root = await space(alice, "root");
    await addChild(alice, root, shut);
    expect((await ask(root)).body).toMatchObject({ children: [], inaccessible_children: [shut] });
  });
});
