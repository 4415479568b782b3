/** Who is invited and who is not, on two real servers; what a room's version is when nobody says. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";

let one: TestServer;
let two: TestServer;
let alice: TestUser;
let ann: TestUser;
let bob: TestUser;

beforeAll(async () => {
  [one, two] = await Promise.all([startServer({ defaultRoomVersion: "10" }), startServer()]);
  [alice, ann] = [await register(one, "alice"), await register(one, "ann")];
  bob = await register(two, "bob");
});
afterAll(() => Promise.all([one.close(), two.close()]));

const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

async function refusal(call: Promise<Body>): Promise<string> {
  return call.then(
    () => "taken",
    (error: Error) => error.message,
  );
}

async function block(user: TestUser, action: string | undefined): Promise<void> {
  const type = "m.invite_permission_config";
  await user.call(
    "PUT",
    `/user/${encodeURIComponent(user.userId)}/account_data/${type}`,
    action === undefined ? {} : { default_action: action },
  );
}

const invited = async (user: TestUser) => Object.keys((await user.sync()).rooms?.invite ?? {});

test("the version of a room is the configured one, and clients are told", async () => {
  const { capabilities } = await alice.call("GET", "/capabilities");
  expect(capabilities["m.room_versions"].default).toBe("10");
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
  const create = await alice.call("GET", path(roomId, "/state/m.room.create"));
  expect(create.room_version).toBe("10");
});

test("who blocks invites gets none, from here and elsewhere, by any operation", async () => {
  for (const guest of [ann, bob]) {
    const { room_id: before } = await alice.call("POST", "/createRoom", {});
    await alice.call("POST", path(before, "/invite"), { user_id: guest.userId });
    expect(await invited(guest)).toContain(before);
    await block(guest, "block");
    // Those of before are not shown any more either.
    expect(await invited(guest)).toEqual([]);
    const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
    const byInvite = alice.call("POST", path(roomId, "/invite"), { user_id: guest.userId });
    expect(await refusal(byInvite)).toMatch(/403.*M_INVITE_BLOCKED/s);
    const key = encodeURIComponent(guest.userId);
    const byState = alice.call("PUT", path(roomId, `/state/m.room.member/${key}`), {
      membership: "invite",
    });
    expect(await refusal(byState)).toMatch(/403.*M_INVITE_BLOCKED/s);
    const creating = alice.call("POST", "/createRoom", { invite: [guest.userId] });
    if (guest === ann) expect(await refusal(creating)).toMatch(/403.*M_INVITE_BLOCKED/s);
    else expect((await creating).room_id).toBeDefined();
    expect(await invited(guest)).toEqual([]);
    // What is not known, or missing, blocks nobody.
    await block(guest, "sometimes");
    await alice.call("POST", path(roomId, "/invite"), { user_id: guest.userId });
    await block(guest, undefined);
    expect(await invited(guest)).toContain(roomId);
  }
});

test("nobody is invited who is not there", async () => {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
  const about = (user_id: string) => alice.call("POST", path(roomId, "/invite"), { user_id });
  expect(await refusal(about(`@nobody:${one.name}`))).toMatch(/400.*M_INVALID_PARAM/s);
  expect(await refusal(about(`@nobody:${two.name}`))).toMatch(/502/);
  const members = await alice.call("GET", path(roomId, "/members"));
  expect(members.chunk).toHaveLength(1);
});

test("a deleted alias leaves the canonical alias, and is not taken for one again", async () => {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  const alias = (name: string) => `#${name}:${one.name}`;
  const entry = (name: string) => `/directory/room/${encodeURIComponent(alias(name))}`;
  for (const name of ["main", "side"]) await alice.call("PUT", entry(name), { room_id: roomId });
  const state = path(roomId, "/state/m.room.canonical_alias/");
  const content = { alias: alias("main"), alt_aliases: [alias("side")], note: "n" };
  await alice.call("PUT", state, content);
  await alice.call("DELETE", entry("side"));
  expect(await alice.call("GET", state)).toEqual({ alias: alias("main"), note: "n" });
  await alice.call("DELETE", entry("main"));
  expect(await alice.call("GET", state)).toEqual({ note: "n" });
  expect(await refusal(alice.call("PUT", state, content))).toMatch(/400.*M_BAD_ALIAS/s);
});

test("what a join says beside its reason is in the member event", async () => {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  await ann.call("POST", `/join/${encodeURIComponent(roomId)}`, {
    ...{ reason: "curious", "org.example.from": "a link", membership: "ban" },
    join_authorised_via_users_server: alice.userId,
  });
  const key = encodeURIComponent(ann.userId);
  const member = await ann.call("GET", path(roomId, `/state/m.room.member/${key}`));
  expect(member).toEqual({
    ...{ membership: "join", reason: "curious", "org.example.from": "a link" },
  });
});
