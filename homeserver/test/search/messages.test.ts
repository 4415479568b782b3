/** POST /search: what is found, by which words, in which order. */
import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { edit, finds, inRoom, join, redact, room, search, send, textsOf } from "./finding.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let tea: string;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  bob = await register(server, "bob");
  tea = await room(alice, { preset: "public_chat", name: "Tearoom", topic: "Leaves and water" });
  await join(bob, tea);
});
afterAll(() => server.close());

describe("by which words", () => {
  beforeAll(async () => {
    for (const text of [
      "Green tea, please",
      "two Meetings about tea",
      "Crème brûlée",
      "東京都に行く",
    ]) {
      await alice.send(tea, text);
    }
    await finds(alice, "東京", ["東京都に行く"]);
  });

  test.each([
    ["words in another case", "GREEN", ["Green tea, please"]],
    ["several words, in any order", "please green", ["Green tea, please"]],
    [
      "a word of two messages, the newest first",
      "tea",
      ["two Meetings about tea", "Green tea, please"],
    ],
    ["the beginning of a word", "meeting", ["two Meetings about tea"]],
    ["without accents", "creme brulee", ["Crème brûlée"]],
    ["any part of a text without spaces", "京都", ["東京都に行く"]],
    ["one character of it", "東", ["東京都に行く"]],
    ["no short beginning", "gre", []],
    ["no word that is missing", "green coffee", []],
    ["nothing", " !? ", []],
    ["no operators", "green | nothing", []],
  ])("%s: %s", async (_what, term, texts) => {
    expect(await textsOf(alice, term)).toEqual(texts);
  });

  test("names and topics of rooms, and only those where only those are wanted", async () => {
    await finds(alice, "tearoom", ["Tearoom"]);
    expect(await textsOf(alice, "leaves")).toEqual([""]);
    expect(await textsOf(alice, "leaves", { keys: ["content.body", "content.name"] })).toEqual([]);
    expect(await textsOf(alice, "tea", { keys: ["content.topic"] })).toEqual([]);
  });

  test("the answer fits the contract, counts, and says what to mark", async () => {
    const room_events = {
      ...{ search_term: "Green TEA", include_state: true },
      event_context: { include_profile: true },
      groupings: { group_by: [{ key: "room_id" }, { key: "sender" }] },
    };
    const answer = await alice.call("POST", "/search", { search_categories: { room_events } });
    expect(createValidators().response("search", 200, answer)).toEqual([]);
    const found = answer.search_categories.room_events;
    expect(found).toMatchObject({ count: 1, highlights: ["green", "tea"] });
    expect(found.results[0]).toMatchObject({
      rank: expect.any(Number),
      result: { content: { body: "Green tea, please" }, room_id: tea, sender: alice.userId },
    });
  });
});

describe("what happens to a message", () => {
  test("edited, it is found by its newest text, and shown itself", async () => {
    const eventId = await alice.send(tea, "aubergine");
    await finds(alice, "aubergine", ["aubergine"]);
    await edit(alice, tea, eventId, "broccoli");
    await finds(alice, "broccoli", ["aubergine"]);
    const second = await edit(alice, tea, eventId, "cauliflower");
    await finds(bob, "cauliflower", ["aubergine"]);
    expect(await textsOf(bob, "broccoli")).toEqual([]);
    expect(await textsOf(bob, "aubergine")).toEqual([]);
    const { results } = await search(bob, "cauliflower");
    expect(results[0].result.event_id).toBe(eventId);
    await redact(alice, tea, second);
    await finds(alice, "broccoli", ["aubergine"]);
    await redact(alice, tea, eventId);
    await finds(alice, "broccoli", []);
    expect(await textsOf(alice, "aubergine")).toEqual([]);
  });

  test("somebody else's edit changes nothing", async () => {
    const eventId = await alice.send(tea, "daikon");
    await edit(bob, tea, eventId, "endive");
    await bob.send(tea, "fennel");
    await finds(alice, "fennel", ["fennel"]);
    expect(await textsOf(alice, "endive")).toEqual([]);
    expect(await textsOf(alice, "daikon")).toEqual(["daikon"]);
  });

  test("redacted, it is not found, at once and later", async () => {
    const eventId = await alice.send(tea, "garlic");
    await finds(alice, "garlic", ["garlic"]);
    await redact(alice, tea, eventId);
    expect(await textsOf(alice, "garlic")).toEqual([]);
    await finds(alice, "garlic", []);
    await alice.send(tea, "horseradish");
    await finds(alice, "horseradish", ["horseradish"]);
    const rows = await server.database.sql`
      SELECT 1 FROM searchable_events s JOIN events e USING (event_nid)
      WHERE e.event_id = ${eventId}`;
    expect(rows).toHaveLength(0);
  });

  test("encrypted, it is not found", async () => {
    const content = { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "kale", body: "kale" };
    await send(alice, tea, "m.room.encrypted", content);
    await alice.send(tea, "leek");
    await finds(alice, "leek", ["leek"]);
    expect(await textsOf(alice, "kale")).toEqual([]);
  });

  test("with a body that is no text, or a very long one, it holds up nobody", async () => {
    for (const body of [7, null, { a: "mint" }, "x".repeat(50_000), `${"a ".repeat(20_000)}mint`]) {
      await send(alice, tea, "m.room.message", { msgtype: "m.text", body });
    }
    await alice.send(tea, "nutmeg");
    await finds(alice, "nutmeg", ["nutmeg"]);
    expect(await textsOf(alice, "mint")).toEqual([]);
    expect(await search(alice, "x".repeat(40))).toMatchObject({ count: 1 });
  });
});

describe("in which order, and on which pages", () => {
  let many: string;
  beforeAll(async () => {
    many = await room(alice, { preset: "public_chat" });
    await join(bob, many);
    for (let n = 1; n <= 24; n += 1) {
      await (n % 2 === 0 ? alice : bob).send(many, n === 7 ? "quince" : `quince and number ${n}`);
    }
    await finds(alice, "24", ["quince and number 24"]);
  });

  async function pages(criteria: object, from?: string) {
    const ids: string[] = [];
    let token = from;
    let turns = 0;
    do {
      const page: Body = await search(
        alice,
        "quince",
        { filter: { limit: 5 }, ...criteria },
        token,
      );
      ids.push(...page.results.map(({ result }: Body) => result.content.body));
      token = page.next_batch;
      turns += 1;
    } while (token !== undefined && turns < 20);
    return ids;
  }

  test("the newest first: each once, whatever is said meanwhile", async () => {
    const wanted = Array.from({ length: 24 }, (_, i) =>
      24 - i === 7 ? "quince" : `quince and number ${24 - i}`,
    );
    expect(await pages({ order_by: "recent" })).toEqual(wanted);
    const first = await search(alice, "quince", { filter: { limit: 20 } });
    const more = await bob.send(many, "quince in between");
    await finds(alice, "between", ["quince in between"]);
    const rest = await search(alice, "quince", { filter: { limit: 20 } }, first.next_batch);
    expect(rest.results.map(({ result }: Body) => result.content.body)).toEqual(wanted.slice(20));
    expect(rest.next_batch).toBeUndefined();
    await redact(bob, many, more);
    await finds(alice, "between", []);
  });

  test("those that fit best first, by default", async () => {
    const found = await pages({ order_by: undefined });
    expect(found[0]).toBe("quince");
    expect(new Set(found).size).toBe(24);
    const { results } = await search(alice, "quince", { order_by: "rank", filter: { limit: 50 } });
    const ranks = results.map(({ rank }: Body) => rank);
    expect(ranks).toEqual(ranks.toSorted((a: number, b: number) => b - a));
  });

  test("where very many fit, too, the newest come first", async () => {
    const { sql } = server.database;
    const [row] = await sql<{ nid: number }[]>`
      SELECT room_nid AS nid FROM rooms WHERE room_id = ${many}`;
    const { nid } = row!;
    // Rows of events that are gone: whoever finds them is shown nothing of them.
    await sql`
      INSERT INTO searchable_events (event_nid, source_nid, room_nid, sender, key, ts, words)
      SELECT n, n, ${nid}, '@gone:example.org', 0, 1000 + n,
        array_to_tsvector(ARRAY['quince', 'gone', '#' || ${String(nid)}])
      FROM generate_series(800001, 803000) n`;
    expect((await pages({ order_by: "recent", filter: { limit: 12 } })).slice(0, 24)).toHaveLength(
      24,
    );
    const page = await search(alice, "gone");
    expect(page).toMatchObject({ results: [], count: 1001 });
    expect(page.next_batch).toBeDefined();
    await sql`DELETE FROM searchable_events WHERE sender = '@gone:example.org'`;
  });

  test("by room and sender, with pages of their own", async () => {
    const criteria = {
      filter: { limit: 6 },
      groupings: { group_by: [{ key: "room_id" }, { key: "sender" }] },
    };
    for (const order_by of ["recent", "rank"]) {
      const page = await search(alice, "quince", { ...criteria, order_by });
      const { sender, room_id: rooms } = page.groups;
      expect(Object.keys(rooms)).toEqual([many]);
      expect(rooms[many].results).toEqual(page.results.map(({ result }: Body) => result.event_id));
      const ofBob = sender[bob.userId];
      expect(ofBob.results.length + sender[alice.userId].results.length).toBe(6);
      const seen = new Set<string>(ofBob.results);
      let token = ofBob.next_batch;
      for (let turn = 0; token !== undefined && turn < 20; turn += 1) {
        const next: Body = await search(alice, "quince", { ...criteria, order_by }, token);
        for (const { result } of next.results) {
          expect(result.sender).toBe(bob.userId);
          expect(seen.has(result.event_id)).toBe(false);
          seen.add(result.event_id);
        }
        token = next.next_batch;
      }
      expect(seen.size).toBe(12);
    }
  });

  test("no token of another order, and none that is made up", async () => {
    const { next_batch: recent } = await search(alice, "quince", { filter: { limit: 2 } });
    const body = (order_by: string) => ({
      search_categories: { room_events: { search_term: "quince", order_by } },
    });
    for (const [token, order] of [
      [recent, "rank"],
      ["f", "recent"],
      ["s12", "recent"],
      [`f${Buffer.from('["recent",-1,2]').toString("base64url")}`, "recent"],
      [`f${Buffer.from('["rank",1,2,"content",7]').toString("base64url")}`, "rank"],
      [`f${Buffer.from('["recent",1,2,"sender","@a\\u0000:b"]').toString("base64url")}`, "recent"],
    ]) {
      const answer = await alice.ask("POST", `/search?next_batch=${token}`, body(order));
      expect([answer.status, answer.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
    }
  });
});

describe("what comes along", () => {
  test("events around each, with the names that their senders had then", async () => {
    const roomId = await room(alice, { preset: "public_chat" });
    await join(bob, roomId);
    await alice.call("PUT", `/profile/${encodeURIComponent(alice.userId)}/displayname`, {
      displayname: "Alice A.",
    });
    await alice.syncUntil(undefined, (body) =>
      JSON.stringify(body.rooms?.join?.[roomId] ?? {}).includes("Alice A."),
    );
    for (const text of ["one", "two", "rhubarb", "four", "five"]) {
      await (text === "four" ? bob : alice).send(roomId, text);
    }
    await finds(alice, "rhubarb", ["rhubarb"]);
    const event_context = { before_limit: 1, after_limit: 2, include_profile: true };
    const { results } = await search(alice, "rhubarb", { event_context });
    const { context } = results[0];
    const bodies = (events: Body[]) => events.map((event) => event.content.body);
    expect(bodies(context.events_before)).toEqual(["two"]);
    expect(bodies(context.events_after)).toEqual(["four", "five"]);
    expect(context.profile_info).toEqual({
      [alice.userId]: { displayname: "Alice A." },
      [bob.userId]: {},
    });
    const back = await alice.call(
      "GET",
      inRoom(roomId, `messages?dir=b&limit=1&from=${context.start}`),
    );
    expect(bodies(back.chunk)).toEqual(["one"]);
    const none = await search(alice, "rhubarb", {
      event_context: { before_limit: 0, after_limit: 0 },
    });
    expect(none.results[0].context).toMatchObject({ events_before: [], events_after: [] });
    expect((await search(alice, "rhubarb")).results[0]).not.toHaveProperty("context");
  });

  test("the state of the rooms, where it is wanted", async () => {
    await alice.send(tea, "spinach");
    await finds(alice, "spinach", ["spinach"]);
    const { state } = await search(alice, "spinach", { include_state: true });
    const types = state[tea].map((event: Body) => event.type);
    expect(types).toEqual(expect.arrayContaining(["m.room.create", "m.room.name"]));
    expect(await search(alice, "spinach")).not.toHaveProperty("state");
  });

  test("only what the filter lets through", async () => {
    const other = await room(bob, { preset: "public_chat" });
    await join(alice, other);
    await alice.send(tea, "turnip one");
    await bob.send(other, "turnip two");
    await send(bob, other, "m.room.message", { body: "turnip three", url: "mxc://a/b" });
    await finds(alice, "turnip", ["turnip three", "turnip two", "turnip one"]);
    const by = (filter: object) => textsOf(alice, "turnip", { filter });
    expect(await by({ rooms: [tea] })).toEqual(["turnip one"]);
    expect(await by({ not_rooms: [tea] })).toEqual(["turnip three", "turnip two"]);
    expect(await by({ senders: [alice.userId] })).toEqual(["turnip one"]);
    expect(await by({ not_senders: [bob.userId] })).toEqual(["turnip one"]);
    expect(await by({ types: ["m.room.na*"] })).toEqual([]);
    expect(await by({ not_types: ["m.room.message"] })).toEqual([]);
    expect(await by({ contains_url: true })).toEqual(["turnip three"]);
    expect(await by({ limit: 1 })).toEqual(["turnip three"]);
  });

  test.each([
    {},
    { search_categories: { room_events: {} } },
    { search_categories: { room_events: { search_term: 7 } } },
    { search_categories: { room_events: { search_term: "a", order_by: "best" } } },
    { search_categories: { room_events: { search_term: "a", keys: ["content.url"] } } },
    { search_categories: { room_events: { search_term: "a", filter: { types: 7 } } } },
    {
      search_categories: {
        room_events: { search_term: "a", groupings: { group_by: [{ key: 1 }] } },
      },
    },
  ])("%j is refused", async (body) => {
    const answer = await alice.ask("POST", "/search", body);
    expect(answer.status).toBe(400);
    expect(answer.body.errcode).toMatch(/^M_(BAD_JSON|MISSING_PARAM)$/);
  });

  test("nothing where no category is wanted, and nothing without a token", async () => {
    const nothing = { search_categories: {} };
    expect(await alice.call("POST", "/search", nothing)).toEqual(nothing);
    const url = `${server.baseUrl}/_matrix/client/v3/search`;
    expect((await fetch(url, { method: "POST", body: JSON.stringify(nothing) })).status).toBe(401);
  });
});
