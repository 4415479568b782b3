import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { register, type TestUser } from "../../support/user.ts";
import { anotherDevice, inbox, outbound, sendTo } from "./inbox.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let phone: TestUser;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  bob = await register(server, "bob");
  phone = await anotherDevice(server, bob);
});

afterAll(() => server.close());

const contents = async (user: TestUser) =>
  (await inbox(server, user)).map(({ content }) => content);

test("a message reaches the one device that it names, with its sender and type", async () => {
  const { status, body } = await sendTo(alice, { [bob.userId]: { [phone.deviceId]: { n: 1 } } });
  expect([status, body]).toEqual([200, {}]);
  expect(await inbox(server, phone)).toEqual([
    { sender: alice.userId, type: "org.example.message", content: { n: 1 } },
  ]);
  expect(await inbox(server, bob)).toEqual([]);
});

test("a star means all devices of the user but those that are named", async () => {
  await sendTo(alice, { [bob.userId]: { "*": { to: "all" }, [phone.deviceId]: { to: "phone" } } });
  expect((await contents(bob)).at(-1)).toEqual({ to: "all" });
  expect((await contents(phone)).at(-1)).toEqual({ to: "phone" });
  await sendTo(bob, { [bob.userId]: { "*": { to: "myself" } } });
  expect((await contents(bob)).at(-1)).toEqual({ to: "myself" });
  expect((await contents(phone)).at(-1)).toEqual({ to: "myself" });
});

test("devices and users that do not exist get nothing, and others get theirs", async () => {
  const before = (await contents(bob)).length;
  const { status } = await sendTo(alice, {
    [bob.userId]: { NOWHERE: { n: 1 }, [bob.deviceId]: { n: 2 } },
    [`@nobody:${server.name}`]: { "*": { n: 3 }, DEVICE: { n: 4 } },
  });
  expect(status).toBe(200);
  expect((await contents(bob)).slice(before)).toEqual([{ n: 2 }]);
  const [row] = await server.database.sql<{ count: number }[]>`
    SELECT count(*) AS count FROM to_device_messages
    WHERE device_id = 'NOWHERE' OR user_id LIKE '@nobody%'`;
  expect(row?.count).toBe(0);
});

test("a device that was signed in a moment ago is known, and one that has gone is not", async () => {
  const tablet = await anotherDevice(server, bob, "TABLET");
  await sendTo(alice, { [bob.userId]: { "*": { n: "new" } } });
  expect(await contents(tablet)).toEqual([{ n: "new" }]);
  await tablet.call("POST", "/logout", {});
  await sendTo(alice, { [bob.userId]: { TABLET: { n: "late" } } });
  expect((await contents(tablet)).slice(1)).toEqual([]);
});

test("a request that comes again sends nothing again, at once or after a restart", async () => {
  const before = (await contents(phone)).length;
  const messages = { [bob.userId]: { [phone.deviceId]: { once: true } } };
  const again = () => sendTo(alice, messages, { txnId: "the-same" });
  const answers = await Promise.all([again(), again(), again()]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  await server.stop();
  await server.restart();
  expect((await again()).status).toBe(200);
  expect((await contents(phone)).slice(before)).toEqual([{ once: true }]);
  // Another device, and another type, have transaction ids of their own.
  await sendTo(await anotherDevice(server, alice), messages, { txnId: "the-same" });
  await sendTo(alice, messages, { txnId: "the-same", type: "org.example.other" });
  expect((await contents(phone)).slice(before)).toHaveLength(3);
});

test("messages for another server wait for it, in EDUs of 64 KiB with an id each", async () => {
  const large = { text: "x".repeat(30_000) };
  const there = "@zoe:there.example";
  await sendTo(alice, {
    [there]: { "*": { n: 1 }, A: large, B: large, C: large },
    "@yan:there.example": { D: large },
    "@xavier:elsewhere.example:8448": { E: { n: 2 } },
  });
  const sent = await outbound(server);
  expect(sent.map((row) => [row.server, Object.keys(row.content.messages)])).toEqual([
    ["there.example", [there]],
    ["there.example", [there, "@yan:there.example"]],
    ["elsewhere.example:8448", ["@xavier:elsewhere.example:8448"]],
  ]);
  expect(sent[0]?.content).toMatchObject({
    sender: alice.userId,
    type: "org.example.message",
    messages: { [there]: { "*": { n: 1 }, A: large, B: large } },
  });
  const ids = sent.map(({ content }) => content.message_id as string);
  expect(new Set(ids).size).toBe(3);
  expect(ids.every((id) => id.length <= 32)).toBe(true);
});

test("messages of one device stay in order", async () => {
  const before = (await contents(bob)).length;
  for (let n = 0; n < 20; n += 1) await sendTo(alice, { [bob.userId]: { [bob.deviceId]: { n } } });
  const numbers = (await contents(bob)).slice(before).map(({ n }) => n as number);
  expect(numbers).toEqual(Array.from({ length: 20 }, (_, n) => n));
});

const to = (content: unknown) => ({ [bob.userId]: { [bob.deviceId]: content } });
const refused: readonly [name: string, messages: () => unknown, status: number, errcode: string][] =
  [
    ["no messages", () => undefined, 400, "M_BAD_JSON"],
    ["a list of messages", () => [], 400, "M_BAD_JSON"],
    ["a user with a list", () => ({ [bob.userId]: [] }), 400, "M_BAD_JSON"],
    ["a content that is no object", () => to("text"), 400, "M_BAD_JSON"],
    ["who is no user", () => ({ bob: { A: {} } }), 400, "M_INVALID_PARAM"],
    ["a server that is none", () => ({ "@bob:no server": { A: {} } }), 400, "M_INVALID_PARAM"],
    [
      "more than 10,000 users",
      () => Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`@u${n}:here.test`, {}])),
      ...([413, "M_TOO_LARGE"] as const),
    ],
    ["a fraction", () => to({ n: 0.5 }), 400, "M_BAD_JSON"],
    ["a content over 64 KiB", () => to({ text: "x".repeat(65_536) }), 413, "M_TOO_LARGE"],
    [
      "more than 10,000 messages",
      () => ({
        "@zoe:there.example": Object.fromEntries(
          Array.from({ length: 10_001 }, (_, n) => [`D${n}`, {}]),
        ),
      }),
      ...([413, "M_TOO_LARGE"] as const),
    ],
  ];
test.each(refused)("%s: refused, and nothing is sent", async (_, messages, status, errcode) => {
  const before = (await contents(bob)).length;
  const good = { [bob.userId]: { [bob.deviceId]: { beside: "it" } } };
  const wrong = messages() as object | undefined;
  const both = wrong === undefined || Array.isArray(wrong) ? wrong : { ...good, ...wrong };
  const answer = await sendTo(alice, both);
  expect([answer.status, answer.body.errcode]).toEqual([
    status,
    wrong === undefined ? "M_MISSING_PARAM" : errcode,
  ]);
  expect((await contents(bob)).length).toBe(before);
});

test("a user who sends too many bytes has to wait, and nothing of the request is sent", async () => {
  const limited = await startServer({ rateLimits: true });
  try {
    const carol = await register(limited, "carol");
    const dave = await register(limited, "dave");
    const large = { text: "x".repeat(60_000) };
    const there = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`D${n}`, large]));
    const flood = { "@zoe:there.example": there };
    const answers: number[] = [];
    for (let n = 0; n < 20 && !answers.includes(429); n += 1) {
      answers.push((await sendTo(carol, flood)).status);
    }
    expect(answers.at(-1)).toBe(429);
    expect(answers.length).toBeGreaterThan(8);
    const { status, body } = await sendTo(carol, { [dave.userId]: { "*": {} } });
    expect([status, body.errcode]).toEqual([429, "M_LIMIT_EXCEEDED"]);
    expect(body.retry_after_ms).toBeGreaterThan(0);
    expect(await inbox(limited, dave)).toEqual([]);
    expect((await sendTo(dave, { [carol.userId]: { "*": {} } })).status).toBe(200);
  } finally {
    await limited.close();
  }
});

test("ids and types of over 255 bytes are refused", async () => {
  const long = "é".repeat(200);
  for (const which of [{ txnId: long }, { type: long }, { txnId: "a\0b" }]) {
    const { status, body } = await sendTo(alice, to({}), which);
    expect([status, body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  }
});
