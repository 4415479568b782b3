/**
 * Hostile values in every member of every event, EDU, piece of account data, filter and push rule that the specification
 * describes; then everything that members may read is read. WEFT_TEST_HOSTILE_VALUES: how many of them (80).
 */
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../src/protocol/json.ts";
import { type Body, register } from "../support/user.ts";
import { described, HOSTILE, type Known, numbersOf, sample, WORSE } from "./hostile.ts";
import { tellAs } from "../support/signed-requests.ts";
import {
  alice,
  bob,
  carol,
  expectAnswer,
  hostileOf,
  one,
  readAll,
  readAsPeer,
  sharedRoom,
  two,
} from "./read-all.ts";

const CASES = Number(process.env["WEFT_TEST_HOSTILE_VALUES"] ?? 80);
const SEED = Number(process.env["WEFT_TEST_SEED"] ?? 8);

/** A room takes so many hostile events, and then everything is read. */
const A_ROOM = 30;
let count = 0;

/** What a server can sign: no half of a surrogate pair. */
const SIGNABLE = WORSE.filter((value) => typeof value !== "string" || value.isWellFormed());
const RELATIONS = ["m.replace", "m.thread", "m.reference", "m.annotation"];

/** A content that relates to another event in a way that is followed, whatever the event is. */
function related(draw: (below: number) => number, good: string): JsonObject {
  const eventId = draw(4) === 0 ? good : HOSTILE[draw(HOSTILE.length)]!;
  const relation: JsonObject = { rel_type: RELATIONS[draw(4)]!, event_id: eventId, key: "+" };
  const place = ["event_id", "rel_type", "key"][draw(3)]!;
  if (draw(3) === 0) relation[place] = HOSTILE[draw(HOSTILE.length)]!;
  return { msgtype: "m.text", body: "related", "m.relates_to": relation };
}

/** Types that decide who may go on speaking: a room with a hostile one is a story of its own, and then left. */
const RULING = new Set([
  "m.room.power_levels",
  "m.room.member",
  "m.room.join_rules",
  "m.room.server_acl",
  "m.room.tombstone",
  "m.room.create",
]);

describe("hostile values", () => {
  test("in events stop nobody's reading, and what stands beside them is there", async () => {
    const draw = numbersOf(SEED);
    for (let done = 0; done < CASES;) {
      const roomId = await sharedRoom();
      const room = encodeURIComponent(roomId);
      let eventId = await alice.send(roomId, "first");
      const known = (): Known => ({ userId: alice.userId, roomId, eventId, server: one.name });
      const kinds = [...described("Content.")].map(([name, schema]): [string, Json] => [
        name,
        sample(schema, known()),
      ]);
      const good = [eventId];
      const ruled = draw(4) === 0;
      for (let i = 0; i < A_ROOM && done < CASES; i++, done++) {
        const isRelated = draw(4) === 0;
        const { name, content } = isRelated
          ? { name: "m.room.message", content: related(draw, good[0]!) }
          : hostileOf(kinds, draw);
        if (RULING.has(name) && !ruled) continue;
        const isState =
          name.startsWith("m.room.") || name.startsWith("m.space.") || name.startsWith("m.policy.");
        const isMessage = /message|encrypted$|redaction|sticker|reaction/.test(name);
        const sender = draw(2) === 0 ? alice : bob;
        const path =
          isState && !isMessage
            ? `state/${name}/${draw(3) === 0 ? "other" : ""}`
            : `send/${name}/h${++count}`;
        const answer = await sender.ask("PUT", `/rooms/${room}/${path}`, content);
        expectAnswer(answer, `${name} ${JSON.stringify(content).slice(0, 200)}`);
        if (draw(3) > 0 || answer.status !== 200) continue;
        ({ event_id: eventId } = answer.body);
        const said = await alice.ask("PUT", `/rooms/${room}/send/m.room.message/g${++count}`, {
          msgtype: "m.text",
          body: "good",
        });
        if (said.status === 200 && !ruled) good.push(said.body.event_id);
      }
      if (!ruled) {
        const mark = await bob.send(roomId, "the last");
        await alice.syncUntil(undefined, (body) => JSON.stringify(body).includes(mark));
        good.push(mark);
        eventId = mark;
      }
      for (const reader of [alice, carol]) await readAll(reader, known(), ruled ? [] : good);
      if (!ruled) await readAsPeer(known());
      for (const user of [alice, carol, bob]) await user.ask("POST", `/rooms/${room}/leave`, {});
      for (const user of [alice, carol, bob]) await user.ask("POST", `/rooms/${room}/forget`, {});
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  }, 1_800_000);

  test("in EDUs leave the good ones beside them", async () => {
    const draw = numbersOf(SEED + 1);
    const roomId = await sharedRoom();
    for (let done = 0; done < CASES; done += 20) {
      const good = await alice.send(roomId, "to be read");
      const known = { userId: bob.userId, roomId, eventId: good, server: two.name };
      const kinds = [...described("Edu.")].map(([name, schema]): [string, Json] => [
        name,
        sample(schema, known),
      ]);
      const bad = Array.from({ length: 20 }, (): Json => {
        const { name, content } = hostileOf(kinds, draw, SIGNABLE);
        if (draw(10) === 0) return { edu_type: HOSTILE[draw(HOSTILE.length)]!, content };
        return { edu_type: name, content };
      });
      const receipt = { [bob.userId]: { event_ids: [good], data: { ts: 1 } } };
      const edus = [
        ...bad,
        { edu_type: "m.receipt", content: { [roomId]: { "m.read": receipt } } },
      ];
      expect((await tellAs(two, one, { edus })).status).toBe(200);
      await carol.syncUntil(undefined, (body) => {
        const events = (body.rooms?.join?.[roomId]?.ephemeral.events ?? []) as Body[];
        const read = events.find((event) => event.type === "m.receipt");
        return read?.content[good]?.["m.read"]?.[bob.userId] !== undefined;
      });
      await readAll(carol, { ...known, userId: carol.userId }, [good]);
    }
    expect(({} as Record<string, unknown>)["m.read"]).toBeUndefined();
  }, 1_800_000);

  test("in account data, filters and push rules harm nobody but their owner", async () => {
    const draw = numbersOf(SEED + 2);
    const dave = await register(one, "dave");
    const roomId = await sharedRoom();
    await dave.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
    const own = `/user/${encodeURIComponent(dave.userId)}`;
    for (let done = 0; done < CASES; done += 10) {
      const good = await alice.send(roomId, "good");
      const known = { userId: dave.userId, roomId, eventId: good, server: one.name };
      const contents = [...described("Content.")].map(([name, schema]): [string, Json] => [
        name,
        sample(schema, known),
      ]);
      const filters = [...described("Filter")].map(([, schema]): [string, Json] => [
        "filter",
        sample(schema, known),
      ]);
      const rules = [...described("PushRule")]
        .slice(0, 1)
        .map(([, schema]): [string, Json] => ["rule", sample(schema, known)]);
      for (let i = 0; i < 10; i++) {
        const data = hostileOf(contents, draw);
        const where = draw(2) === 0 ? own : `${own}/rooms/${encodeURIComponent(roomId)}`;
        expectAnswer(
          await dave.ask("PUT", `${where}/account_data/${data.name}`, data.content),
          data.name,
        );
        const tag = encodeURIComponent((HOSTILE[draw(14)] as string).slice(0, 300));
        const tags = `${own}/rooms/${encodeURIComponent(roomId)}/tags/${tag}`;
        expectAnswer(
          await dave.ask("PUT", tags, hostileOf([["tag", { order: 1 }]], draw).content),
          tag,
        );
        const { content: filter } = hostileOf(filters, draw);
        const stored = await dave.ask("POST", `${own}/filter`, filter);
        expectAnswer(stored, `filter ${JSON.stringify(filter).slice(0, 300)}`);
        if (stored.status === 200) {
          const answer = await dave.ask("GET", `/sync?timeout=0&filter=${stored.body.filter_id}`);
          expect(answer.status, JSON.stringify([filter, answer.body]).slice(0, 600)).toBe(200);
        }
        const kind = ["override", "content", "room", "sender", "underride"][draw(5)];
        const { content: rule } = hostileOf(rules, draw);
        const answer = await dave.ask("PUT", `/pushrules/global/${kind}/rule${draw(20)}`, rule);
        expectAnswer(answer, JSON.stringify(rule).slice(0, 300));
      }
      await readAll(dave, known, []);
      await readAll(carol, { ...known, userId: carol.userId }, [good]);
    }
  }, 1_800_000);
});
