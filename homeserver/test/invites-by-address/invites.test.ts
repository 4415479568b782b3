/** Invites by address, from the inviter to whoever has the address later, on this server and another. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { askAs } from "../support/signed-requests.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { type IdentityServer, startIdentityServer } from "./identity-server.ts";

let here: TestServer;
let there: TestServer;
let identity: IdentityServer;
let alice: TestUser;
let people = 0;

beforeAll(async () => {
  [here, there] = [await startServer(), await startServer()];
  identity = await startIdentityServer(here);
}, 120_000);
afterAll(async () => {
  await identity?.stop();
  await Promise.all([here?.close(), there?.close()]);
});
beforeEach(async () => {
  people += 1;
  alice = await register(here, `alice${people}`);
  identity.isValid = true;
  identity.answer = undefined;
  identity.bound.clear();
  identity.asked.length = 0;
});

const inRoom = (roomId: string, what: string) => `/rooms/${encodeURIComponent(roomId)}/${what}`;
const addressOf = () => `carol${people}@there.test`;
const toAddress = (address: string, more: object = {}) => ({
  ...{ id_server: identity.name, id_access_token: "token", medium: "email", address },
  ...more,
});

async function roomOf(user: TestUser, options: object = {}): Promise<string> {
  return (await user.call("POST", "/createRoom", { name: "Tea", ...options })).room_id;
}

const invite = (user: TestUser, roomId: string, body: object) =>
  user.ask("POST", inRoom(roomId, "invite"), body);

async function stateOf(user: TestUser, roomId: string, type: string): Promise<Body[]> {
  const state = (await user.call("GET", inRoom(roomId, "state"))) as unknown as Body[];
  return state.filter((event) => event.type === type);
}

async function membershipOf(roomId: string, userId: string): Promise<string | undefined> {
  const members = await stateOf(alice, roomId, "m.room.member");
  return members.find(({ state_key }) => state_key === userId)?.content.membership;
}

/** Alice has invited the address; nobody has it yet. */
async function invited(address = addressOf()): Promise<{ roomId: string; token: string }> {
  const roomId = await roomOf(alice);
  expect(await invite(alice, roomId, toAddress(address))).toEqual({ status: 200, body: {} });
  const [event] = await stateOf(alice, roomId, "m.room.third_party_invite");
  return { roomId, token: event!.state_key };
}

describe("an address", () => {
  test("that somebody has: they are invited", async () => {
    const bob = await register(here, `bob${people}`);
    identity.bound.set(addressOf(), bob.userId);
    const roomId = await roomOf(alice);
    await invite(alice, roomId, toAddress(addressOf().toUpperCase(), { reason: "tea" }));
    expect(await membershipOf(roomId, bob.userId)).toBe("invite");
    expect(await stateOf(alice, roomId, "m.room.third_party_invite")).toEqual([]);
    expect(identity.asked.map(({ path }) => path.split("/").at(-1))).toEqual([
      "hash_details",
      "lookup",
    ]);
  });

  test("that nobody has: the identity server writes there, and the room has its keys", async () => {
    const { roomId, token } = await invited();
    const [event] = await stateOf(alice, roomId, "m.room.third_party_invite");
    expect(token).toMatch(/^token\d+$/);
    expect(event!.content).toMatchObject({ display_name: "c...@t...", public_keys: [{}] });
    expect(event!.content.public_key).toBe(event!.content.public_keys[0].public_key);
    expect(JSON.stringify(event)).not.toContain("there.test");
    const stored = identity.asked.find(({ path }) => path.endsWith("/store-invite"))!;
    expect(stored.body).toMatchObject({
      ...{ medium: "email", address: addressOf(), room_id: roomId, sender: alice.userId },
      ...{ room_name: "Tea", room_join_rules: "invite" },
    });
  });

  test("with a new room: who has it is invited, the others are written to", async () => {
    const bob = await register(here, `bob${people}`);
    identity.bound.set("bob@here.test", bob.userId);
    const invite_3pid = [toAddress("bob@here.test"), toAddress(addressOf())];
    const roomId = await roomOf(alice, { invite_3pid });
    expect(await membershipOf(roomId, bob.userId)).toBe("invite");
    expect(await stateOf(alice, roomId, "m.room.third_party_invite")).toHaveLength(1);
  });
});

test("a new room is told although somebody could not be written to", async () => {
  identity.answer = (path) =>
    path.endsWith("/store-invite") ? { status: 500, body: {} } : undefined;
  const roomId = await roomOf(alice, { invite_3pid: [toAddress(addressOf())] });
  expect(await stateOf(alice, roomId, "m.room.third_party_invite")).toEqual([]);
  // Nor is it an error that its maker may not invite.
  await roomOf(alice, {
    ...{ room_version: "11", power_level_content_override: { invite: 101 } },
    invite_3pid: [toAddress(addressOf())],
  });
});

test("members may invite by address where they may invite, whatever other state they may not set", async () => {
  const bob = await register(here, `bob${people}`);
  const roomId = await roomOf(alice, {
    preset: "public_chat",
    power_level_content_override: { invite: 0 },
  });
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  expect(await invite(bob, roomId, toAddress(addressOf()))).toEqual({ status: 200, body: {} });
});

describe("is refused", () => {
  test.each([
    ["without a user or an address", { id_server: "x.test" }, "M_MISSING_PARAM"],
    ["to a telephone", { medium: "msisdn", address: "4912" }, "M_INVALID_PARAM"],
    ["to what is no address", { address: "nobody" }, "M_INVALID_PARAM"],
    ["by what is no server", { id_server: "a b" }, "M_INVALID_PARAM"],
    ["with a token of two lines", { id_access_token: "a\nb" }, "M_INVALID_PARAM"],
  ])("an invite %s", async (_, more, errcode) => {
    const roomId = await roomOf(alice);
    const body = errcode === "M_MISSING_PARAM" ? more : toAddress(addressOf(), more);
    const { status, body: said } = await invite(alice, roomId, body);
    expect([status, said.errcode]).toEqual([400, errcode]);
    expect(identity.asked).toEqual([]);
  });

  test("whoever may not invite, before anybody is written to", async () => {
    const bob = await register(here, `bob${people}`);
    const roomId = await roomOf(alice, {
      preset: "public_chat",
      power_level_content_override: { invite: 50 },
    });
    const asked = () => invite(bob, roomId, toAddress(addressOf()));
    expect((await asked()).status).toBe(403);
    await bob.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
    expect((await asked()).status).toBe(403);
    expect(identity.asked).toEqual([]);
  });

  test("what the identity server refuses, in its words; and nonsense that it answers", async () => {
    const roomId = await roomOf(alice);
    identity.answer = () => ({ status: 403, body: { errcode: "M_TERMS_NOT_SIGNED", error: "no" } });
    const refused = await invite(alice, roomId, toAddress(addressOf()));
    expect([refused.status, refused.body.errcode]).toEqual([403, "M_TERMS_NOT_SIGNED"]);
    for (const body of [{}, { token: "a b", public_keys: [], display_name: "x" }]) {
      identity.answer = (path) =>
        path.endsWith("/store-invite") ? { status: 200, body } : undefined;
      expect((await invite(alice, roomId, toAddress(addressOf()))).status).toBe(502);
    }
    expect(await stateOf(alice, roomId, "m.room.third_party_invite")).toEqual([]);
  });
});

describe("once somebody has the address", () => {
  test.each(["here", "there"])("on the server %s, they are invited and may join", async (where) => {
    const of = where === "here" ? here : there;
    const carol = await register(of, `carol${people}`);
    const { roomId } = await invited();
    expect((await identity.bind(of, addressOf(), carol.userId)).status).toBe(200);
    expect(await membershipOf(roomId, carol.userId)).toBe("invite");
    const [event] = (await stateOf(alice, roomId, "m.room.member")).filter(
      ({ state_key }) => state_key === carol.userId,
    );
    expect(event).toMatchObject({
      sender: alice.userId,
      content: { third_party_invite: { display_name: "c...@t..." } },
    });
    await carol.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
    await eventually("she is in the room", async () => {
      return (await membershipOf(roomId, carol.userId)) === "join";
    });
    // Told once more, it changes nothing: she would be put out of the room.
    expect((await identity.bind(of, addressOf(), carol.userId)).status).toBe(200);
    expect(await membershipOf(roomId, carol.userId)).toBe("join");
  });

  test("nothing is taken up by a key that counts no more, or of users who are not here", async () => {
    const carol = await register(here, `carol${people}`);
    const { roomId } = await invited();
    identity.isValid = false;
    expect((await identity.bind(here, addressOf(), carol.userId)).status).toBe(200);
    expect(await membershipOf(roomId, carol.userId)).toBeUndefined();
    const elsewhere = await identity.bind(there, addressOf(), carol.userId);
    expect([elsewhere.status, elsewhere.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
    const nobody = await identity.bind(here, addressOf(), `@nobody:${here.name}`);
    expect(nobody.status).toBe(400);
  });

  test("a server asks for its own users alone, with what is signed for them", async () => {
    const { roomId, token } = await invited();
    const dave = await register(there, `dave${people}`);
    const ask = (signed: Body, more: object = {}) => {
      const event = {
        ...{ type: "m.room.member", room_id: roomId, sender: alice.userId },
        state_key: dave.userId,
        content: { membership: "invite", third_party_invite: { display_name: "d", signed } },
        ...more,
      };
      const path = `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(roomId)}`;
      return askAs(there, here, "PUT", path, event);
    };
    const good = identity.sign(token, dave.userId);
    const forged = { ...good, signatures: { x: { "ed25519:1": "A".repeat(86) } } };
    const local = `@local:${here.name}`;
    for (const [said, more, status] of [
      [forged, {}, 403],
      [identity.sign("token0", dave.userId), {}, 403],
      [identity.sign(token, local), { state_key: local }, 403],
      [identity.sign(token, local), {}, 400],
      [good, { sender: dave.userId }, 400],
      [good, { type: "m.room.topic" }, 400],
      [good, { room_id: "!other:x" }, 400],
      [{ mxid: dave.userId, token }, {}, 400],
      [good, { sender: `@other:${here.name}` }, 403],
    ] as const) {
      expect([(await ask(said, more)).status, said, more]).toEqual([status, said, more]);
    }
    expect(await membershipOf(roomId, dave.userId)).toBeUndefined();
    expect(await ask(good)).toEqual({ status: 200, body: {} });
    expect(await membershipOf(roomId, dave.userId)).toBe("invite");
  });

  test("whoever was banned meanwhile stays out", async () => {
    const { roomId } = await invited();
    const carol = await register(there, `carol${people}`);
    await alice.call("POST", inRoom(roomId, "ban"), { user_id: carol.userId });
    await identity.bind(there, addressOf(), carol.userId);
    expect(await membershipOf(roomId, carol.userId)).toBe("ban");
  });
});
