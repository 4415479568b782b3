/** Redactions that take along what relates to the event, on real servers. (MSC3912.) */
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasRedis, startRedis } from "../../support/redis.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { type Body, register, type TestUser } from "../../support/user.ts";
import { eventually } from "../../support/wait.ts";

let one: TestServer;
let two: TestServer;
let count = 0;
beforeAll(async () => {
  [one, two] = await Promise.all([startServer({}, { mortal: true }), startServer()]);
});
afterAll(() => Promise.all([one.close(), two.close()]));

const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

async function relate(
  user: TestUser,
  roomId: string,
  type: string,
  relation: Body,
  more: Body = {},
) {
  count += 1;
  const content = { msgtype: "m.text", body: `b${count}`, ...more, "m.relates_to": relation };
  return (await user.call("PUT", path(roomId, `/send/${type}/c${count}`), content))
    .event_id as string;
}
const inThread = (user: TestUser, roomId: string, root: string) =>
  relate(user, roomId, "m.room.message", { rel_type: "m.thread", event_id: root });
const edit = (user: TestUser, roomId: string, of: string, type = "m.room.message") =>
  relate(
    user,
    roomId,
    type,
    { rel_type: "m.replace", event_id: of },
    {
      "m.new_content": { msgtype: "m.text", body: "edited" },
    },
  );
const react = (user: TestUser, roomId: string, to: string, key: string) =>
  relate(user, roomId, "m.reaction", { rel_type: "m.annotation", event_id: to, key });
const redact = (user: TestUser, roomId: string, eventId: string, body: Body) =>
  user.ask("PUT", path(roomId, `/redact/${encodeURIComponent(eventId)}/r${(count += 1)}`), body);

async function event(user: TestUser, roomId: string, eventId: string): Promise<Body> {
  return (await user.ask("GET", path(roomId, `/event/${encodeURIComponent(eventId)}`))).body;
}
const isGone = async (user: TestUser, roomId: string, eventId: string) =>
  (await event(user, roomId, eventId)).unsigned?.redacted_because !== undefined;
const gone = (user: TestUser, roomId: string, ids: readonly string[]) =>
  eventually("they are redacted", async () => {
    const all = await Promise.all(ids.map((id) => isGone(user, roomId, id)));
    return all.every(Boolean);
  });

/** Alice, who made the room and may redact everything, and Bob, who may not. */
async function scene(server = one) {
  count += 1;
  const [alice, bob] = [
    await register(server, `alice${count}`),
    await register(server, `bob${count}`),
  ];
  const { room_id: roomId } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  await bob.call("POST", path(roomId, "/join"), {});
  return { alice, bob, roomId: roomId as string };
}

test("what relates in the given ways goes along, with the reason, and nothing else", async () => {
  const { alice, bob, roomId } = await scene();
  const root = await alice.send(roomId, "hello");
  const [edited, reaction] = [
    await edit(alice, roomId, root),
    await react(bob, roomId, root, "👍"),
  ];
  const [reply, other] = [await inThread(bob, roomId, root), await alice.send(roomId, "elsewhere")];
  const ofReply = await edit(bob, roomId, reply);
  const answer = await redact(alice, roomId, root, {
    ...{ reason: "off topic", with_rel_types: ["m.replace", "m.thread"] },
  });
  expect(answer.status).toBe(200);
  await gone(alice, roomId, [root, edited, reply]);
  const { unsigned } = await event(bob, roomId, reply);
  expect(unsigned.redacted_because).toMatchObject({
    ...{ sender: alice.userId, type: "m.room.redaction", content: { reason: "off topic" } },
  });
  for (const id of [reaction, other, ofReply]) expect(await isGone(bob, roomId, id)).toBe(false);
});

test("a NUL in the reason is in nobody's way, and one among the ways is refused", async () => {
  const { alice, roomId } = await scene();
  const root = await alice.send(roomId, "hello");
  const edited = await edit(alice, roomId, root);
  const refused = await redact(alice, roomId, root, { with_rel_types: ["a\0b"] });
  expect([refused.status, refused.body.errcode]).toEqual([400, "M_BAD_JSON"]);
  const body = { reason: "off\0topic", with_rel_types: ["m.replace"] };
  expect((await redact(alice, roomId, root, body)).status).toBe(200);
  await gone(alice, roomId, [root, edited]);
  const { unsigned } = await event(alice, roomId, edited);
  expect(unsigned.redacted_because.content.reason).toBe("offtopic");
});

test("by the older name, and by a star for any way", async () => {
  const { alice, bob, roomId } = await scene();
  const root = await alice.send(roomId, "hello");
  const all = [
    ...[await edit(alice, roomId, root), await react(bob, roomId, root, "👍")],
    await inThread(bob, roomId, root),
  ];
  await redact(alice, roomId, root, { "org.matrix.msc3912.with_relations": ["*"] });
  await gone(alice, roomId, [root, ...all]);
});

test("without a list, and with an empty one, nothing goes along", async () => {
  const { alice, roomId } = await scene();
  for (const body of [{}, { with_rel_types: [] }, { with_rel_types: null }]) {
    const root = await alice.send(roomId, "hello");
    const edited = await edit(alice, roomId, root);
    expect((await redact(alice, roomId, root, body)).status).toBe(200);
    // Another one that does take something along is done after it.
    const next = await alice.send(roomId, "next");
    const ofNext = await edit(alice, roomId, next);
    await redact(alice, roomId, next, { with_rel_types: ["*"] });
    await gone(alice, roomId, [ofNext]);
    expect(await isGone(alice, roomId, edited)).toBe(false);
  }
});

test("only what the user may redact goes along, and no edit that is none", async () => {
  const { alice, bob, roomId } = await scene();
  const root = await bob.send(roomId, "hello");
  const theirs = [await inThread(alice, roomId, root), await react(alice, roomId, root, "👍")];
  const own = [await inThread(bob, roomId, root), await edit(bob, roomId, root)];
  const noEdit = await edit(bob, roomId, root, "m.sticker");
  await redact(bob, roomId, root, { with_rel_types: ["*"] });
  await gone(bob, roomId, [root, ...own]);
  const stranger = await register(one, `stranger${count}`);
  const outside = await redact(stranger, roomId, root, { with_rel_types: ["*"] });
  expect(outside).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
  const others = await redact(bob, roomId, theirs[0]!, { with_rel_types: ["*"] });
  expect(others).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
  for (const id of [...theirs, noEdit]) expect(await isGone(bob, roomId, id)).toBe(false);
  const [row] = await one.database.sql<{ count: number }[]>`
    SELECT count(*)::int AS count FROM cascade_redactions WHERE sender = ${stranger.userId}`;
  expect(row!.count).toBe(0);
  const wrong = await redact(bob, roomId, root, { with_rel_types: "m.thread" });
  expect(wrong).toMatchObject({ status: 400, body: { errcode: "M_BAD_JSON" } });
});

test("what comes later from another server goes along as well", async () => {
  const { alice, roomId } = await scene();
  const carol = await register(two, `carol${count}`);
  await carol.call("POST", `/join/${encodeURIComponent(roomId)}?via=${one.name}`, {});
  const root = await alice.send(roomId, "hello");
  await eventually(
    "it is there",
    async () => (await event(carol, roomId, root)).type !== undefined,
  );
  await redact(alice, roomId, root, { with_rel_types: ["m.annotation"] });
  const [late, other] = [
    await react(carol, roomId, root, "👍"),
    await inThread(carol, roomId, root),
  ];
  await gone(alice, roomId, [late]);
  await gone(carol, roomId, [late]);
  expect(await isGone(alice, roomId, other)).toBe(false);
});

test("it goes on after the process was killed, and redacts nothing twice", async () => {
  const { alice, bob, roomId } = await scene();
  const root = await alice.send(roomId, "hello");
  const replies = await Promise.all(Array.from({ length: 60 }, () => inThread(bob, roomId, root)));
  const answer = await redact(alice, roomId, root, { with_rel_types: ["m.thread"] });
  expect(answer.status).toBe(200);
  const queued = async () => {
    const [row] = await one.database.sql<{ count: number }[]>`
      SELECT count(*)::int AS count FROM cascade_queue`;
    return row!.count;
  };
  await eventually("some are redacted, or all", async () => {
    const some = await Promise.all(replies.slice(0, 3).map((id) => isGone(alice, roomId, id)));
    return some.some(Boolean);
  });
  await one.kill();
  await one.restart();
  await gone(alice, roomId, replies);
  await eventually("nothing is left to do", async () => (await queued()) === 0);
  const redactions = await one.database.sql<{ target: string; count: number }[]>`
    SELECT target_event_id AS target, count(*)::int AS count FROM redactions
    WHERE target_event_id = ANY (${replies}::text[]) GROUP BY target_event_id`;
  expect(redactions.map((row) => row.count).filter((each) => each > 1)).toEqual([]);
  expect(redactions).toHaveLength(60);
});

test("one who takes much along does not hold up another one", async () => {
  const { alice, bob, roomId } = await scene();
  const root = await alice.send(roomId, "long");
  const many = await Promise.all(Array.from({ length: 150 }, () => inThread(bob, roomId, root)));
  const short = await bob.send(roomId, "short");
  const edited = await edit(bob, roomId, short);
  await redact(alice, roomId, root, { with_rel_types: ["m.thread"] });
  await redact(bob, roomId, short, { with_rel_types: ["m.replace"] });
  await gone(alice, roomId, [edited, ...many]);
  const redactions = await one.database.sql<{ target: string; nid: number }[]>`
    SELECT target_event_id AS target, redaction_nid AS nid FROM redactions
    WHERE target_event_id = ANY (${[edited, ...many]}::text[]) ORDER BY redaction_nid`;
  expect(redactions.findIndex(({ target }) => target === edited)).toBeLessThan(100);
});

test.skipIf(!hasRedis)(
  "one replica of several redacts, whichever was asked",
  { timeout: 120_000 },
  async () => {
    const redis = await startRedis();
    const first = await startServer({ redisUrl: `redis+unix://${redis.path}` });
    const second = await first.replica();
    const { alice, bob, roomId } = await scene(first);
    for (let n = 0; n < 4; n += 1) {
      const root = await alice.send(roomId, "hello");
      const replies = [await inThread(bob, roomId, root), await inThread(alice, roomId, root)];
      const base = n % 2 === 0 ? first.baseUrl : second.baseUrl;
      const url = `${base}/_matrix/client/v3${path(roomId, `/redact/${encodeURIComponent(root)}/n${n}`)}`;
      const response = await fetch(url, {
        ...{ method: "PUT", headers: { authorization: `Bearer ${alice.token}` } },
        body: JSON.stringify({ with_rel_types: ["*"] }),
      });
      expect(response.status).toBe(200);
      await gone(alice, roomId, replies);
    }
    await second.stop();
    await first.close();
    await redis.stop();
  },
);
