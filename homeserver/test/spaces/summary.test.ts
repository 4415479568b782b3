/** GET /room_summary/{roomIdOrAlias}, on all its paths. */
import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { make, space } from "./support.ts";

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

const summaryPath = (room: string, via?: string) =>
  `/../v1/room_summary/${encodeURIComponent(room)}${via === undefined ? "" : `?via=${via}`}`;
const summary = (by: TestUser, room: string, via?: string) => by.ask("GET", summaryPath(room, via));

async function anonymous(server: TestServer, room: string, via?: string) {
  const url = `${server.baseUrl}/_matrix/client/v3${summaryPath(room, via)}`;
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as Body };
}

describe("a room's summary", () => {
  test("tells what the room is about, and what one is to it", async () => {
    const { room_id: roomId } = await alice.call("POST", "/createRoom", {
      ...{ name: "Tea", topic: "Leaves", preset: "public_chat", room_alias_name: "tea" },
      initial_state: [
        { type: "m.room.avatar", content: { url: "mxc://example.org/tea" } },
        { type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2" } },
      ],
    });
    const known = {
      room_id: roomId,
      name: "Tea",
      topic: "Leaves",
      avatar_url: "mxc://example.org/tea",
      canonical_alias: `#tea:${one.name}`,
      encryption: "m.megolm.v1.aes-sha2",
      guest_can_join: false,
      join_rule: "public",
      num_joined_members: 1,
      room_version: "12",
      world_readable: false,
    };
    const { status, body } = await summary(alice, roomId);
    expect(status).toBe(200);
    expect(body).toEqual({ ...known, membership: "join" });
    expect(createValidators().response("getRoomSummary", 200, body)).toEqual([]);
    const carol = await register(one, "carol");
    expect((await summary(carol, `#tea:${one.name}`)).body).toEqual({
      ...{ ...known, membership: "leave" },
    });
    expect((await anonymous(one, roomId)).body).toEqual(known);
  });

  test("is found on the paths of the proposal as well", async () => {
    const roomId = await make(alice, "old paths");
    for (const path of [
      `/../unstable/im.nheko.summary/summary/${encodeURIComponent(roomId)}`,
      `/../unstable/im.nheko.summary/rooms/${encodeURIComponent(roomId)}/summary`,
    ]) {
      expect(await alice.call("GET", path)).toMatchObject({ name: "old paths" });
    }
  });

  test("of a private room is for members and the invited, of an open one for everybody", async () => {
    const carol = await register(one, "caroline");
    const hidden = await make(alice, "hidden", { preset: "private_chat" });
    const refused = { status: 404, body: { errcode: "M_NOT_FOUND" } };
    expect(await summary(carol, hidden)).toMatchObject(refused);
    expect(await anonymous(one, hidden)).toMatchObject(refused);
    const path = `/rooms/${encodeURIComponent(hidden)}/invite`;
    await alice.call("POST", path, { user_id: carol.userId });
    expect((await summary(carol, hidden)).body).toMatchObject({ membership: "invite" });
    expect(await anonymous(one, hidden)).toMatchObject(refused);
    const rule = { type: "m.room.join_rules", content: { join_rule: "knock" } };
    const knockable = await make(alice, "knock", { preset: "private_chat", state: [rule] });
    expect((await anonymous(one, knockable)).body).toMatchObject({ join_rule: "knock" });
  });

  test("says of a ban from an open room, which everybody may see", async () => {
    const carol = await register(one, "caro");
    const roomId = await make(alice, "strict");
    const path = `/rooms/${encodeURIComponent(roomId)}/ban`;
    await alice.call("POST", path, { user_id: carol.userId });
    expect((await summary(carol, roomId)).body).toMatchObject({ membership: "ban" });
  });

  test("what is not there is M_NOT_FOUND, and what is no room M_INVALID_PARAM", async () => {
    const unknown = [`!nowhere:${one.name}`, `#nowhere:${one.name}`];
    for (const room of unknown) {
      expect(await summary(alice, room)).toMatchObject({
        ...{ status: 404, body: { errcode: "M_NOT_FOUND" } },
      });
    }
    expect(await summary(alice, "nothing")).toMatchObject({
      ...{ status: 400, body: { errcode: "M_INVALID_PARAM" } },
    });
    const wrongToken = await fetch(`${one.baseUrl}/_matrix/client/v3${summaryPath(unknown[0]!)}`, {
      headers: { authorization: "Bearer nobody" },
    });
    expect(wrongToken.status).toBe(401);
  });
});

describe("a room of another server", () => {
  test("is asked for at the servers that are named, also without a token", async () => {
    const roomId = await space(alice, "far");
    expect((await summary(bob, roomId)).status).toBe(404);
    expect((await summary(bob, roomId, one.name)).body).toMatchObject({
      ...{ name: "far", room_type: "m.space", membership: "leave", num_joined_members: 1 },
    });
    const { body } = await anonymous(two, roomId, one.name);
    expect(body).toMatchObject({ name: "far" });
    expect(body).not.toHaveProperty("membership");
    expect(body).not.toHaveProperty("children_state");
  });

  test("is found by its alias, and by who sent an invite", async () => {
    await alice.call("POST", "/createRoom", {
      ...{ name: "Far", preset: "public_chat", room_alias_name: "far" },
    });
    expect((await summary(bob, `#far:${one.name}`)).body).toMatchObject({ name: "Far" });
    const hidden = await make(alice, "just you", { preset: "private_chat" });
    expect((await summary(bob, hidden, one.name)).status).toBe(404);
    const invited = await make(alice, "invited", { preset: "private_chat" });
    const path = `/rooms/${encodeURIComponent(invited)}/invite`;
    await alice.call("POST", path, { user_id: bob.userId });
    expect((await summary(bob, invited)).body).toMatchObject({
      ...{ name: "invited", membership: "invite" },
    });
  });
});
