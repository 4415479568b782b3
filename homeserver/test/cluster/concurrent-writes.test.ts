import { describe, expect, test } from "vitest";
import { hasRedis } from "../support/redis.ts";
import {
  agreed,
  alices,
  atOther,
  both,
  broken,
  first,
  pair,
  post,
  room,
  roomId,
  second,
  user,
  watched,
} from "./two-replicas.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";

/** Whatever two replicas may write at once: a conflict is no error of the server, and nothing is lost. */
describe.skipIf(!hasRedis)("two replicas write at once", { timeout: 180_000 }, () => {
  test("tags: all of them stay", async () => {
    await both(20, (alice, i) =>
      alice.ask("PUT", `${user()}${room()}/tags/u.t${i}`, { order: 0.5 }),
    );
    const { tags } = await agreed(`${user()}${room()}/tags`);
    expect(Object.keys(tags)).toHaveLength(20);
    await both(10, (alice, i) => alice.ask("DELETE", `${user()}${room()}/tags/u.t${i}`));
    expect(Object.keys((await agreed(`${user()}${room()}/tags`)).tags)).toHaveLength(10);
  });

  test("annotations: of equal ones one is sent", async () => {
    const eventId = await alices[0].send(roomId, "annotated");
    const relation = { rel_type: "m.annotation", event_id: eventId, key: "+" };
    const answers = await both(8, (alice, i) =>
      alice.ask("PUT", `${room()}/send/m.reaction/equal${i}`, { "m.relates_to": relation }),
    );
    const sent = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ body }) => body.errcode === "M_DUPLICATE_ANNOTATION");
    expect([sent.length, refused.length]).toEqual([1, 7]);
  });

  test("push rules: all of them stay", async () => {
    await both(20, (alice, i) =>
      alice.ask("PUT", `/pushrules/global/content/word${i}`, { pattern: `word${i}`, actions: [] }),
    );
    const { content } = (await agreed("/pushrules/")).global;
    const own = content.filter((rule: Body) => rule.rule_id.startsWith("word"));
    expect(own).toHaveLength(20);
  });

  test("fields of a profile: all of them stay, and the rooms are told the last one", async () => {
    const profile = `/profile/${encodeURIComponent(alices[0].userId)}`;
    const put = (alice: TestUser, key: string, value: string) =>
      alice.ask("PUT", `${profile}/${key}`, { [key]: value });
    await both(10, (alice, i) =>
      i % 2 === 0
        ? put(alice, "displayname", `Alice ${i}`)
        : put(alice, "avatar_url", `mxc://here.test/a${i}`),
    );
    const { displayname, avatar_url } = await agreed(profile);
    expect(displayname).toMatch(/^Alice \d$/);
    expect(avatar_url).toMatch(/^mxc:/);
    const member = await agreed(`${room()}/state/m.room.member/${alices[0].userId}`);
    expect(member).toMatchObject({ displayname, avatar_url });
  });

  test("the first two fields of a new profile both stay", async () => {
    for (let n = 0; n < 5; n += 1) {
      const bob = await register(first, `profile${n}`);
      const profile = `/profile/${encodeURIComponent(bob.userId)}`;
      const [a, b] = await Promise.all([
        bob.ask("PUT", `${profile}/displayname`, { displayname: "Bob" }),
        atOther(bob).ask("PUT", `${profile}/avatar_url`, { avatar_url: "mxc://here.test/bob" }),
      ]);
      expect([a.status, b.status]).toEqual([200, 200]);
      const found = await bob.call("GET", profile);
      expect(found).toMatchObject({ displayname: "Bob", avatar_url: "mxc://here.test/bob" });
    }
  });

  test("receipts and the marker of what is read: the foremost stays", async () => {
    const sent: string[] = [];
    for (let i = 0; i < 12; i += 1) sent.push(await alices[i % 2]!.send(roomId, `read ${i}`));
    const mixed = sent.map((_, i) => sent[(i * 5) % sent.length]!);
    await both(mixed.length, async (alice, i) => {
      const eventId = encodeURIComponent(mixed[i]!);
      await alice.ask("POST", `${room()}/receipt/m.read/${eventId}`, {});
      await alice.ask("POST", `${room()}/read_markers`, { "m.fully_read": mixed[i] });
    });
    const marker = await agreed(`${user()}${room()}/account_data/m.fully_read`);
    expect(marker).toEqual({ event_id: sent.at(-1) });
    for (const alice of alices) {
      const body = await alice.sync();
      const { ephemeral } = body.rooms.join[roomId];
      const { content } = ephemeral.events.find((one: Body) => one.type === "m.receipt");
      expect(content[sent.at(-1)!]["m.read"]).toHaveProperty([alice.userId]);
    }
  });

  test("a name is registered once", async () => {
    for (let n = 0; n < 5; n += 1) {
      const body = { username: `twice${n}`, password: "Long-Secret-1" };
      const auth = { type: "m.login.dummy" };
      const answers = await Promise.all(
        [0, 1, 0, 1].map((at) => post(pair[at]!, "/register", { ...body, auth })),
      );
      const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
      expect(statuses).toEqual([200, 400, 400, 400]);
      const refused = answers.filter(({ status }) => status === 400);
      expect(refused.every((one) => one.body.errcode === "M_USER_IN_USE")).toBe(true);
    }
  });

  test("an alias is given once, to a new room too", async () => {
    const server = first.name;
    const answers = await both(6, (alice, i) =>
      i < 3
        ? alice.ask("PUT", `/directory/room/${encodeURIComponent(`#one:${server}`)}`, {
            room_id: roomId,
          })
        : alice.ask("POST", "/createRoom", { room_alias_name: "one" }),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 200);
    expect(others.every(({ status }) => status === 400 || status === 409)).toBe(true);
  });

  test("a filter is stored once", async () => {
    const filter = { room: { timeline: { limit: 7 } } };
    const answers = await both(8, (alice) => alice.ask("POST", `${user()}/filter`, filter));
    expect(new Set(answers.map(({ body }) => body.filter_id)).size).toBe(1);
  });

  test("signing in with one device again and again leaves one session, and signing out ends it", async () => {
    await register(first, "carol");
    const body = {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: "carol" },
      password: "carol-Secret-1",
      device_id: "PHONE",
    };
    for (let n = 0; n < 3; n += 1) {
      const signedIn = await Promise.all([0, 1, 0, 1].map((at) => post(pair[at]!, "/login", body)));
      expect(signedIn.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      const works = await Promise.all(
        signedIn.map(async ({ body: session }) => {
          const asked = await userOf(second, session).ask("GET", "/account/whoami");
          return asked.status === 200 ? session : undefined;
        }),
      );
      const [left, ...more] = works.filter((session) => session !== undefined);
      expect(more).toEqual([]);
      const mixed = await Promise.all([
        userOf(first, left).ask("POST", "/logout", {}),
        post(second, "/login", body),
        userOf(second, left).ask("POST", "/logout", {}),
      ]);
      expect(mixed.every(({ status }) => status === 200 || status === 401)).toBe(true);
    }
  });

  test("a session that was ended at the one is over at the other", async () => {
    const dora = await register(first, "dora");
    expect((await atOther(dora).ask("GET", "/account/whoami")).status).toBe(200);
    await dora.call("POST", "/logout", {});
    await expect
      .poll(async () => (await atOther(dora).ask("GET", "/account/whoami")).status)
      .toBe(401);
  });

  test("one transaction id at both replicas sends one event", async () => {
    for (let n = 0; n < 10; n += 1) {
      const path = `${room()}/send/m.room.message/same${n}`;
      const answers = await both(4, (alice) =>
        alice.ask("PUT", path, { msgtype: "m.text", body: `same ${n}` }),
      );
      expect(new Set(answers.map(({ body }) => body.event_id)).size).toBe(1);
    }
  });

  test("joins, leaves, invites, state and redactions of one room", async () => {
    const people = await Promise.all(
      Array.from({ length: 6 }, (_, i) => register(pair[i % 2]!, `person${i}`)),
    );
    for (const person of people) {
      const replicas = [watched(person), watched(atOther(person))];
      const joins = await Promise.all(
        replicas.map((one) => one.ask("POST", `/join/${encodeURIComponent(roomId)}`, {})),
      );
      expect(joins.map(({ status }) => status)).toEqual([200, 200]);
    }
    await both(30, async (alice, i) => {
      const person = people[i % people.length]!;
      const topic = { topic: `${i}` };
      await alice.ask("PUT", `${room()}/state/m.room.topic/`, topic);
      if (i % 5 === 0) await alice.ask("POST", `${room()}/kick`, { user_id: person.userId });
      if (i % 5 === 1) await alice.ask("POST", `${room()}/invite`, { user_id: person.userId });
      const said = await watched(person).ask("PUT", `${room()}/send/m.room.message/p${i}`, {
        ...{ msgtype: "m.text", body: `${i}` },
      });
      if (said.status === 200) {
        const target = encodeURIComponent(said.body.event_id);
        const redacted = await alice.ask("PUT", `${room()}/redact/${target}/r${i}`, {});
        expect(redacted.status).toBe(200);
      }
    });
    const state = await agreed(`${room()}/state`);
    expect(state.length).toBeGreaterThan(5);
  });

  test("what one replica answered is found at the other at once", async () => {
    for (let n = 0; n < 20; n += 1) {
      const [here, there] = n % 2 === 0 ? alices : alices.toReversed();
      const eventId = await here!.send(roomId, `at once ${n}`);
      const found = await there!.ask("GET", `${room()}/event/${encodeURIComponent(eventId)}`);
      expect(found.status).toBe(200);
      await there!.call("PUT", `${room()}/state/org.example.last/`, { n });
      const last = await here!.call("GET", `${room()}/state/org.example.last/`);
      expect(last).toEqual({ n });
      const synced = await there!.sync({ filter: '{"room":{"timeline":{"limit":3}}}' });
      const { events } = synced.rooms.join[roomId].timeline;
      expect(events.map((event: Body) => event.event_id)).toContain(eventId);
    }
  });

  test("a room that was forgotten at the one is forgotten at the other", async () => {
    const erin = await register(first, "erin");
    await erin.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
    const too = atOther(erin);
    await too.call("POST", `${room()}/leave`, {});
    const filter = '{"room":{"include_leave":true}}';
    expect((await too.sync({ filter })).rooms.leave).toHaveProperty([roomId]);
    await erin.call("POST", `${room()}/forget`, {});
    await expect.poll(async () => (await too.sync({ filter })).rooms?.leave ?? {}).toEqual({});
  });

  test("no answer was an error of the server", () => {
    expect(broken).toEqual([]);
  });
});
