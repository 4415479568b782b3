import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/users/common/limits.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const userLimits = { ...DEFAULT_LIMITS, aliases: 2, publishedRooms: 1, uploadBytes: 5000 };
  server = await startServer({ userLimits });
  alice = await register(server, "alice");
  bob = await register(server, "bob");
});
afterAll(() => server.close());

const REFUSED = {
  status: 403,
  body: expect.objectContaining({ errcode: "M_RESOURCE_LIMIT_EXCEEDED" }),
};
const aliasOf = (name: string) => encodeURIComponent(`#${name}:${server.name}`);

test("aliases end for their maker, and go on when one is removed", async () => {
  const { room_id } = await alice.call("POST", "/createRoom", { room_alias_name: "one" });
  const put = (user: TestUser, name: string) =>
    user.ask("PUT", `/directory/room/${aliasOf(name)}`, { room_id });
  expect((await put(alice, "two")).status).toBe(200);
  expect(await put(alice, "three")).toEqual(REFUSED);
  expect(await alice.ask("POST", "/createRoom", { room_alias_name: "four" })).toEqual(REFUSED);
  await alice.call("DELETE", `/directory/room/${aliasOf("one")}`);
  expect((await put(alice, "three")).status).toBe(200);
});

test("published rooms end for who published them, and no room is made that could not be", async () => {
  const { room_id: first } = await bob.call("POST", "/createRoom", { visibility: "public" });
  const before = (await bob.call("GET", "/joined_rooms")).joined_rooms;
  expect(await bob.ask("POST", "/createRoom", { visibility: "public" })).toEqual(REFUSED);
  expect((await bob.call("GET", "/joined_rooms")).joined_rooms).toEqual(before);
  const { room_id: second } = await bob.call("POST", "/createRoom", {});
  const list = (roomId: string, visibility: string) =>
    bob.ask("PUT", `/directory/list/room/${encodeURIComponent(roomId)}`, { visibility });
  expect(await list(second, "public")).toEqual(REFUSED);
  expect((await list(first, "public")).status).toBe(200);
  expect((await list(first, "private")).status).toBe(200);
  expect((await list(second, "public")).status).toBe(200);
});

test("an upgraded room keeps its place in the directory, which counts once", async () => {
  const carol = await register(server, "carol");
  const { room_id: old } = await carol.call("POST", "/createRoom", { visibility: "public" });
  const upgrade = `/rooms/${encodeURIComponent(old)}/upgrade`;
  const { replacement_room } = await carol.call("POST", upgrade, { new_version: "12" });
  const path = (roomId: string) => `/directory/list/room/${encodeURIComponent(roomId)}`;
  expect((await carol.call("GET", path(replacement_room))).visibility).toBe("public");
  expect((await carol.call("GET", path(old))).visibility).toBe("private");
  expect(await carol.ask("POST", "/createRoom", { visibility: "public" })).toEqual(REFUSED);
});

test("uploads end with 403 M_FORBIDDEN", async () => {
  const upload = (bytes: number) =>
    fetch(`${server.baseUrl}/_matrix/media/v3/upload`, {
      method: "POST",
      headers: { authorization: `Bearer ${alice.token}` },
      body: Buffer.alloc(bytes),
    });
  expect((await upload(2000)).status).toBe(200);
  const refused = await upload(2000);
  expect([refused.status, ((await refused.json()) as Body).errcode]).toEqual([403, "M_FORBIDDEN"]);
  expect((await upload(10)).status).toBe(200);
});
