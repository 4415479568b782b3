/** GET /notifications: what a user was notified of, evaluated when it is asked. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { read, roomOf } from "./fake-gateway.ts";

let server: TestServer;
let people = 0;

beforeAll(async () => {
  server = await startServer();
}, 60_000);
afterAll(() => server?.close(), 60_000);

async function scene() {
  people += 1;
  const alice = await register(server, `alice${people}`);
  const bob = await register(server, `bob${people}`);
  return { alice, bob, roomId: await roomOf(alice, bob) };
}

let sent = 0;
async function say(user: TestUser, roomId: string, content: Body): Promise<string> {
  const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/t${(sent += 1)}`;
  return (await user.call("PUT", path, { msgtype: "m.text", ...content })).event_id;
}
const list = (user: TestUser, query: Record<string, string> = {}): Promise<Body> =>
  user.call("GET", `/notifications?${new URLSearchParams(query).toString()}`);
const bodies = (page: Body) =>
  page.notifications.map(({ event }: Body) => event.content.body ?? event.content.membership);
const mention = ({ userId }: TestUser) => ({ "m.mentions": { user_ids: [userId] } });

test("lists what notified, the newest first, with its actions and whether it is read", async () => {
  const { alice, bob, roomId } = await scene();
  const first = await say(alice, roomId, { body: "one" });
  await say(alice, roomId, { body: "a machine", msgtype: "m.notice" });
  await say(bob, roomId, { body: "my own" });
  await say(alice, roomId, { body: "two", ...mention(bob) });
  await read(bob, roomId, first);
  const page = await list(bob);
  expect(page).toEqual({
    notifications: [
      {
        actions: ["notify", { set_tweak: "sound", value: "default" }, { set_tweak: "highlight" }],
        ...{ read: false, room_id: roomId, ts: expect.any(Number) as number },
        event: expect.objectContaining({ sender: alice.userId, type: "m.room.message" }),
      },
      {
        actions: ["notify", { set_tweak: "sound", value: "default" }],
        ...{ read: true, room_id: roomId, ts: expect.any(Number) as number },
        event: expect.objectContaining({ event_id: first }),
      },
    ],
  });
  expect(bodies(await list(bob, { only: "highlight" }))).toEqual(["two"]);
});

test("pages go on where the one before ended, over several rooms", async () => {
  const { alice, bob, roomId } = await scene();
  const other = await roomOf(alice, bob);
  const said = Array.from({ length: 25 }, (_, n) => `message ${n}`);
  for (const [n, body] of said.entries()) await say(alice, n % 3 ? roomId : other, { body });
  const found: string[] = [];
  let query: Record<string, string> | undefined = { limit: "10" };
  for (let page = 0; page < said.length && query !== undefined; page += 1) {
    const answer: Body = await list(bob, query);
    found.push(...bodies(answer));
    query = answer.next_token && { limit: "10", from: answer.next_token };
  }
  expect(found).toEqual(said.toReversed());
});

test("an open invite is listed, and what is redacted, ignored, or in a room left is not", async () => {
  const { alice, bob, roomId } = await scene();
  const left = await roomOf(alice, bob);
  await say(alice, left, { body: "in a room left" });
  await bob.call("POST", `/rooms/${encodeURIComponent(left)}/leave`, {});
  const gone = await say(alice, roomId, { body: "redacted" });
  const redact = `/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(gone)}/r`;
  await alice.call("PUT", redact, {});
  const carol = await register(server, `carol${people}`);
  await carol.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  await say(carol, roomId, { body: "ignored" });
  const ignored = { ignored_users: { [carol.userId]: {} } };
  const path = `/user/${encodeURIComponent(bob.userId)}/account_data/m.ignored_user_list`;
  await bob.call("PUT", path, ignored);
  await alice.call("POST", "/createRoom", { invite: [bob.userId] });
  expect(bodies(await list(bob))).toEqual(["invite"]);
});

test("nothing is listed that was said before one came", async () => {
  const { alice, roomId } = await scene();
  await say(alice, roomId, { body: "before" });
  const late = await register(server, `late${people}`);
  await late.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  await say(alice, roomId, { body: "after" });
  expect(bodies(await list(late))).toEqual(["after"]);
});

test("a thread's receipt covers the thread alone", async () => {
  const { alice, bob, roomId } = await scene();
  const root = await say(alice, roomId, { body: "root" });
  const relation = { "m.relates_to": { rel_type: "m.thread", event_id: root } };
  const reply = await say(alice, roomId, { body: "reply", ...relation });
  await read(bob, roomId, reply, { thread_id: root });
  const { notifications } = await list(bob);
  expect(notifications.map(({ read: isRead }: Body) => isRead)).toEqual([true, false]);
});

test("a token that is not the server's is refused", async () => {
  const { bob } = await scene();
  for (const from of ["", "n", "nonsense", "n-1", "n99999999999999999"]) {
    const answer = await bob.ask("GET", `/notifications?from=${encodeURIComponent(from)}`);
    expect([answer.status, answer.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  }
  expect((await bob.ask("GET", "/notifications?limit=0")).status).toBe(400);
});
