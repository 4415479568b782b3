import { describe, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { openWorld } from "../support/servers.ts";

const world = openWorld();
const hq = await world.server("hq.test", {
  ignoredBy: async (userId) => (userId === "@carol:hq.test" ? ignored : new Set()),
});
const [alice, bob, carol] = [hq.user("alice"), hq.user("bob"), hq.user("carol")];
/** Whom carol ignores. */
const ignored = new Set<string>();

async function openRoom(...members: Actor[]): Promise<RoomId> {
  const roomId = await hq.rooms.create.room(alice, { preset: "public_chat" });
  for (const by of members) await hq.rooms.members.join({ by, room: roomId });
  return roomId;
}

function say(
  by: Actor,
  roomId: RoomId,
  body: string,
  relation?: { rel: string; to: EventId },
  type = "m.room.message",
): Promise<EventId> {
  const related: JsonObject =
    relation === undefined
      ? {}
      : { "m.relates_to": { rel_type: relation.rel, event_id: relation.to } };
  const content = { body, ...related };
  return hq.rooms.send.message({ by, roomId, type, content });
}

const bodies = (texts: readonly string[]) => texts.map((text) => JSON.parse(text).content.body);

describe("relations", () => {
  test("are followed over several steps on request, by what the filters let through alone", async () => {
    const roomId = await openRoom(bob);
    const root = await say(alice, roomId, "root");
    const reply = await say(bob, roomId, "reply", { rel: "m.thread", to: root });
    const edit = await say(bob, roomId, "edit", { rel: "m.replace", to: reply });
    const far = await say(alice, roomId, "about the edit", { rel: "m.reference", to: edit });
    await say(alice, roomId, "too far", { rel: "m.reference", to: far });
    const direct = await hq.rooms.history.relations(alice, roomId, root, {});
    expect(bodies(direct.chunk)).toEqual(["reply"]);
    expect(direct.recursion_depth).toBeUndefined();
    const all = await hq.rooms.history.relations(alice, roomId, root, { recurse: true, dir: "f" });
    expect(bodies(all.chunk)).toEqual(["reply", "edit", "about the edit"]);
    expect(all.recursion_depth).toBe(3);
    const found = async (query: { relType?: string; eventType?: string }) => {
      const page = await hq.rooms.history.relations(alice, roomId, root, {
        ...{ recurse: true, dir: "f" as const },
        ...query,
      });
      return bodies(page.chunk);
    };
    // The edit relates to the root by way of a reply in its thread, which is no edit.
    expect(await found({ relType: "m.replace" })).toEqual([]);
    expect(await found({ relType: "m.thread" })).toEqual(["reply"]);
    const eventType = "m.room.message";
    expect(await found({ relType: "m.thread", eventType })).toEqual(["reply"]);
    expect(await found({ eventType })).toEqual(["reply", "edit", "about the edit"]);
    const note = await say(bob, roomId, "note", { rel: "m.reference", to: root }, "org.note");
    await say(bob, roomId, "about the note", { rel: "m.reference", to: note });
    await say(bob, roomId, "note on it", { rel: "m.reference", to: note }, "org.note");
    const relType = "m.reference";
    expect(await found({ relType })).toEqual(["note", "about the note", "note on it"]);
    expect(await found({ relType, eventType: "org.note" })).toEqual(["note", "note on it"]);
    expect(await found({ relType, eventType })).toEqual([]);
  });

  test("page both ways, between two tokens, and stop at the end", async () => {
    const roomId = await openRoom();
    const root = await say(alice, roomId, "root");
    for (let i = 0; i < 7; i++) await say(alice, roomId, `${i}`, { rel: "m.thread", to: root });
    const seen: string[] = [];
    let from: string | undefined;
    const ends: string[] = [];
    do {
      const page = await hq.rooms.history.relations(alice, roomId, root, { limit: 3, from });
      expect(page.prev_batch).toBe(from);
      seen.push(...bodies(page.chunk));
      from = page.next_batch;
      if (from !== undefined) ends.push(from);
    } while (from !== undefined);
    expect(seen).toEqual(["6", "5", "4", "3", "2", "1", "0"]);
    const between = { from: ends[0], to: ends[1], limit: 10 };
    const middle = await hq.rooms.history.relations(alice, roomId, root, between);
    expect(bodies(middle.chunk)).toEqual(["3", "2", "1"]);
    const forth = await hq.rooms.history.relations(alice, roomId, root, {
      dir: "f",
      from: ends[1],
    });
    expect(bodies(forth.chunk)).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("leave out whom the reader ignores, and what came after the reader's leave", async () => {
    const roomId = await openRoom(bob, carol);
    const root = await say(alice, roomId, "root");
    await say(bob, roomId, "from bob", { rel: "m.thread", to: root });
    await say(alice, roomId, "from alice", { rel: "m.thread", to: root });
    await hq.rooms.members.leave({ by: carol, roomId });
    await say(alice, roomId, "later", { rel: "m.thread", to: root });
    ignored.add(bob.userId);
    const page = await hq.rooms.history.relations(carol, roomId, root, {});
    expect(bodies(page.chunk)).toEqual(["from alice"]);
    const shown = JSON.parse(await hq.rooms.history.event(carol, roomId, root));
    const thread = shown.unsigned["m.relations"]["m.thread"];
    expect(thread.count).toBe(1);
    expect(thread.latest_event.content.body).toBe("from alice");
    ignored.clear();
  });
});

describe("threads", () => {
  test("are listed by their newest reply, page by page, with what is bundled", async () => {
    const roomId = await openRoom(bob);
    const [one, two, three] = [
      await say(alice, roomId, "one"),
      await say(alice, roomId, "two"),
      await say(bob, roomId, "three"),
    ];
    await say(alice, roomId, "in two", { rel: "m.thread", to: two });
    await say(alice, roomId, "in three", { rel: "m.thread", to: three });
    await say(bob, roomId, "in one", { rel: "m.thread", to: one });
    const last = await say(alice, roomId, "in two again", { rel: "m.thread", to: two });
    const page = await hq.rooms.history.threads(alice, roomId, { limit: 2 });
    expect(bodies(page.chunk)).toEqual(["two", "one"]);
    const [first] = page.chunk.map((text) => JSON.parse(text));
    expect(first.unsigned["m.relations"]["m.thread"]).toMatchObject({
      count: 2,
      latest_event: { event_id: last },
    });
    const rest = await hq.rooms.history.threads(alice, roomId, { from: page.next_batch });
    expect(bodies(rest.chunk)).toEqual(["three"]);
    expect(rest.next_batch).toBeUndefined();
    const mine = await hq.rooms.history.threads(bob, roomId, { include: "participated" });
    expect(bodies(mine.chunk)).toEqual(["one", "three"]);
    await expect(hq.rooms.history.threads(hq.user("eve"), roomId, {})).rejects.toMatchObject({
      status: 403,
    });
  });

  test("whose root is from somebody ignored show it redacted; replies after a leave do not count", async () => {
    const roomId = await openRoom(bob, carol);
    const root = await say(bob, roomId, "root");
    await say(alice, roomId, "reply", { rel: "m.thread", to: root });
    const other = await say(alice, roomId, "other");
    await say(alice, roomId, "in other", { rel: "m.thread", to: other });
    await hq.rooms.members.leave({ by: carol, roomId });
    await say(alice, roomId, "late", { rel: "m.thread", to: root });
    ignored.add(bob.userId);
    const { chunk } = await hq.rooms.history.threads(carol, roomId, {});
    ignored.clear();
    expect(chunk.map((text) => JSON.parse(text).event_id)).toEqual([other, root]);
    expect(bodies(chunk)).toEqual(["other", undefined]);
  });
});
