/** GET /rooms/{roomId}/hierarchy within one server. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";
import { addChild, hierarchyPath, make, space, walk } from "./support.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  bob = await register(server, "bob");
});
afterAll(() => server.close());

/** root: (b, then the space "inner" with c and d, then a). */
async function tree() {
  const root = await space(alice, "root");
  const inner = await space(alice, "inner");
  const ids: Record<string, string> = { root, inner };
  for (const name of ["a", "b", "c", "d"]) ids[name] = await make(alice, name);
  await addChild(alice, root, ids["a"]!);
  await addChild(alice, root, ids["b"]!, { order: "1" });
  await addChild(alice, root, inner, { order: "2", suggested: true });
  await addChild(alice, inner, ids["c"]!, { order: "b", suggested: true });
  await addChild(alice, inner, ids["d"]!, { order: "a" });
  return ids as Record<"root" | "inner" | "a" | "b" | "c" | "d", string>;
}

describe("what is listed", () => {
  test("the space comes first, then its rooms in their order, and a space's rooms after it", async () => {
    const { root } = await tree();
    const { names, pages } = await walk(alice, root);
    expect(names).toEqual(["root", "b", "inner", "d", "c", "a"]);
    expect(pages).toBe(1);
  });

  test("a room is told of with what may be known of it, and a space with its children", async () => {
    const { root, inner, a, b } = await tree();
    const { rooms } = await walk(alice, root);
    expect(rooms[0]).toMatchObject({
      room_id: root,
      name: "root",
      room_type: "m.space",
      num_joined_members: 1,
      join_rule: "public",
      world_readable: false,
      guest_can_join: false,
      room_version: "12",
    });
    const children = rooms[0].children_state;
    expect(children.map((child: { state_key: string }) => child.state_key)).toEqual([b, inner, a]);
    expect(children[1]).toMatchObject({
      type: "m.space.child",
      sender: alice.userId,
      content: { via: [server.name], order: "2", suggested: true },
      origin_server_ts: expect.any(Number),
    });
    expect(rooms[1].children_state).toEqual([]);
  });

  test("only suggested rooms, where these are wanted", async () => {
    const { root } = await tree();
    const { names, rooms } = await walk(alice, root, { suggested_only: "true" });
    expect(names).toEqual(["root", "inner", "c"]);
    expect(rooms[0].children_state).toHaveLength(1);
  });

  test("no deeper than is wanted", async () => {
    const { root } = await tree();
    expect((await walk(alice, root, { max_depth: 0 })).names).toEqual(["root"]);
    const { names } = await walk(alice, root, { max_depth: 1 });
    expect(names).toEqual(["root", "b", "inner", "a"]);
  });

  test("spaces that name one another are each listed once", async () => {
    const [one, two] = [await space(alice, "one"), await space(alice, "two")];
    await addChild(alice, one, two);
    await addChild(alice, two, one);
    await addChild(alice, two, two);
    expect((await walk(alice, one)).names).toEqual(["one", "two"]);
    expect((await walk(alice, one, { limit: 1 })).names).toEqual(["one", "two"]);
  });

  test("what names no servers is no child, nor is what was taken away again", async () => {
    const root = await space(alice, "root");
    const [gone, never] = [await make(alice, "gone"), await make(alice, "never")];
    await addChild(alice, root, gone);
    await addChild(alice, root, gone, { via: undefined });
    await addChild(alice, root, never, { via: ["not a server", 7] });
    await addChild(alice, root, "not a room", { via: [server.name] });
    const { rooms } = await walk(alice, root);
    expect(rooms).toHaveLength(1);
    expect(rooms[0].children_state).toEqual([]);
  });

  test("a room that is no space has no children", async () => {
    const plain = await make(alice, "plain");
    await addChild(alice, plain, await make(alice, "child"));
    const { rooms } = await walk(alice, plain);
    expect(rooms).toMatchObject([{ name: "plain", children_state: [] }]);
  });
});

describe("pages", () => {
  test("of any length hold the same rooms, each once", async () => {
    const { root } = await tree();
    for (const limit of [1, 2, 3, 4, 5, 6]) {
      const { names } = await walk(alice, root, { limit });
      expect(names, `${limit} a page`).toEqual(["root", "b", "inner", "d", "c", "a"]);
    }
  });

  test("a room in two places comes once, on whatever pages", async () => {
    const { root, inner, b, c } = await tree();
    await addChild(alice, inner, b, { order: "0" });
    await addChild(alice, root, c, { order: "9" });
    for (const limit of [1, 2, 50]) {
      const { names } = await walk(alice, root, { limit });
      expect(names, `${limit} a page`).toEqual(["root", "b", "inner", "d", "c", "a"]);
    }
  });

  test("go on where they ended, though children come and go in between", async () => {
    const { root, inner, b, d } = await tree();
    const first = await alice.call("GET", hierarchyPath(root, { limit: 4 }));
    expect(first.rooms.map((room: { name: string }) => room.name)).toEqual([
      ...["root", "b", "inner", "d"],
    ]);
    await addChild(alice, root, await make(alice, "earlier"), { order: "0" });
    await addChild(alice, inner, await make(alice, "later"), { order: "c" });
    await addChild(alice, root, b, { via: undefined });
    await addChild(alice, inner, d, { via: undefined });
    const from = first.next_batch;
    const second = await alice.call("GET", hierarchyPath(root, { from }));
    expect(second.rooms.map((room: { name: string }) => room.name)).toEqual(["c", "later", "a"]);
    await addChild(alice, root, inner, { via: undefined });
    const third = await alice.call("GET", hierarchyPath(root, { from }));
    expect(third.rooms.map((room: { name: string }) => room.name)).toEqual(["a"]);
  });

  test("a token of another walk is M_INVALID_PARAM, and so is what is none", async () => {
    const { root, inner } = await tree();
    const { next_batch: from } = await alice.call("GET", hierarchyPath(root, { limit: 2 }));
    const bad = [
      hierarchyPath(inner, { from }),
      hierarchyPath(root, { from, suggested_only: "true" }),
      hierarchyPath(root, { from, max_depth: 2 }),
      hierarchyPath(root, { from: "s1_2" }),
      hierarchyPath(root, { from: "h!!!" }),
      hierarchyPath(root, { from: `h${Buffer.from('["x",[[]],1,7]').toString("base64url")}` }),
      hierarchyPath(root, { limit: 0 }),
      hierarchyPath(root, { max_depth: -1 }),
    ];
    for (const path of bad) {
      const { status, body } = await alice.ask("GET", path);
      expect([status, body.errcode], path).toEqual([400, "M_INVALID_PARAM"]);
    }
  });

  test("a space with many rooms ends its pages at a hundred rooms", async () => {
    const root = await space(alice, "root");
    const child = await make(alice, "child");
    for (let n = 0; n < 120; n += 1) {
      await addChild(alice, root, `!unknown${n}:${server.name}`, { order: "0" });
    }
    await addChild(alice, root, child, { order: "1" });
    const { names } = await walk(alice, root, { limit: 1000 });
    expect(names).toEqual(["root", "child"]);
  });
});

describe("who may see a room", () => {
  async function listed(kind: Parameters<typeof make>[2], before?: (id: string) => unknown) {
    const root = await space(alice, "root");
    const child = await make(alice, "child", kind);
    await addChild(alice, root, child);
    await before?.(child);
    const { names } = await walk(bob, root);
    return names.includes("child");
  }
  const rule = (join_rule: string, more: object = {}) => ({
    type: "m.room.join_rules",
    content: { join_rule, ...more },
  });
  const at = (id: string, what: string) => `/rooms/${encodeURIComponent(id)}/${what}`;

  test("anybody, where anybody may join, knock or read", async () => {
    expect(await listed({})).toBe(true);
    expect(await listed({ preset: "private_chat", state: [rule("knock")] })).toBe(true);
    expect(await listed({ preset: "private_chat", state: [rule("knock_restricted")] })).toBe(true);
    const readable = {
      type: "m.room.history_visibility",
      content: { history_visibility: "world_readable" },
    };
    expect(await listed({ preset: "private_chat", state: [readable] })).toBe(true);
  });

  test("of a private room members and the invited alone", async () => {
    const kind = { preset: "private_chat" } as const;
    const invite = (id: string) => alice.call("POST", at(id, "invite"), { user_id: bob.userId });
    expect(await listed(kind)).toBe(false);
    expect(await listed(kind, invite)).toBe(true);
    const join = async (id: string) => {
      await invite(id);
      await bob.call("POST", at(id, "join"), {});
    };
    expect(await listed(kind, join)).toBe(true);
    const leave = async (id: string) => {
      await join(id);
      await bob.call("POST", at(id, "leave"), {});
    };
    expect(await listed(kind, leave)).toBe(false);
  });

  test("of a restricted room those in one of the rooms that it names", async () => {
    const club = await make(alice, "club", { preset: "public_chat" });
    const allow = [{ type: "m.room_membership", room_id: club }];
    const kind = { preset: "private_chat", state: [rule("restricted", { allow })] } as const;
    expect(await listed(kind)).toBe(false);
    await bob.call("POST", at(club, "join"), {});
    expect(await listed(kind)).toBe(true);
  });

  test("nobody by a join rule that the room's version does not know", async () => {
    const kind = { preset: "private_chat", version: "6", state: [rule("knock")] } as const;
    expect(await listed(kind)).toBe(false);
  });

  test("who is banned sees only what anybody may read", async () => {
    const ban = (id: string) => alice.call("POST", at(id, "ban"), { user_id: bob.userId });
    expect(await listed({}, ban)).toBe(false);
  });

  test("a space that one may not see is M_FORBIDDEN, like one that is not there", async () => {
    const hidden = await space(alice, "hidden", { preset: "private_chat" });
    for (const roomId of [hidden, `!nowhere:${server.name}`]) {
      const { status, body } = await bob.ask("GET", hierarchyPath(roomId));
      expect([status, body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    }
    const url = `${server.baseUrl}/_matrix/client/v3${hierarchyPath(hidden)}`;
    expect((await fetch(url)).status).toBe(401);
  });

  test("a forged token leads to no room that its space does not name", async () => {
    const root = await space(alice, "root");
    const other = await space(alice, "other", { preset: "private_chat" });
    await addChild(alice, other, await make(alice, "child"));
    const { next_batch: token } = await alice.call("GET", hierarchyPath(root, { limit: 1 }));
    expect(token).toBeUndefined();
    await addChild(alice, root, await make(alice, "real"));
    const page = await bob.call("GET", hierarchyPath(root, { limit: 1 }));
    const place = JSON.parse(Buffer.from(page.next_batch.slice(1), "base64url").toString());
    place[1] = [[null, 1, other]];
    place[2] = 1;
    const from = `h${Buffer.from(JSON.stringify(place)).toString("base64url")}`;
    const { rooms } = await bob.call("GET", hierarchyPath(root, { from }));
    expect(rooms).toMatchObject([{ name: "real" }]);
  });
});
