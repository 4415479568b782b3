import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustBe403, mustEqual, mustFail } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { syncOnce, syncUntil, isJoined, timelineOf } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";
import { bodies, messages } from "./pages.ts";
import type { Page } from "./pages.ts";

async function sendNumbers(
  user: User,
  roomId: string,
  from: number,
  to: number,
): Promise<string[]> {
  const ids: string[] = [];
  for (let i = from; i <= to; i++) ids.push(await user.send(roomId, String(i)));
  return ids;
}

const numbers = (from: number, to: number) =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, i) =>
    String(from < to ? from + i : from - i),
  );

clause(
  clientApi("get_matrixclientv3roomsroomidmessages"),
  "paging back reaches the room's beginning, each event once",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = await alice.createRoom();
    await sendNumbers(alice, roomId, 1, 12);
    const seen: ClientEvent[] = [];
    let from: string | undefined;
    do {
      const part: Page = await messages(alice, roomId, { dir: "b", limit: 5, from });
      seen.push(...part.chunk);
      must(part.chunk.length <= 5, `a page of ${part.chunk.length} events`);
      from = part.end;
    } while (from !== undefined && seen.length < 100);
    mustEqual(bodies(seen), numbers(12, 1), "messages");
    mustEqual(new Set(seen.map((event) => event.event_id)).size, seen.length, "each event once");
    mustEqual(seen.at(-1)?.type, "m.room.create", "the last event");
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidmessages"),
  "paging forward tells the same story the other way round",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = await alice.createRoom();
    await sendNumbers(alice, roomId, 1, 7);
    const forward: ClientEvent[] = [];
    let from: string | undefined;
    for (let i = 0; i < 20; i++) {
      const part: Page = await messages(alice, roomId, { dir: "f", limit: 4, from });
      forward.push(...part.chunk);
      if (part.end === undefined || part.chunk.length === 0) break;
      from = part.end;
    }
    mustEqual(forward[0]?.type, "m.room.create", "the first event");
    mustEqual(bodies(forward), numbers(1, 7), "messages");
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidmessages"),
  "a limited sync and /messages from its prev_batch leave no gap",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = await alice.createRoom();
    await sendNumbers(alice, roomId, 1, 9);
    const filter = JSON.stringify({ room: { timeline: { limit: 3 } } });
    const body = await syncUntil(alice, "the room", isJoined(roomId), { query: { filter } });
    const timeline = body.rooms?.join?.[roomId]?.timeline;
    mustEqual(timeline?.limited, true, "limited");
    mustEqual(bodies(timelineOf(body, roomId)), numbers(7, 9), "the timeline");
    const older = await messages(alice, roomId, { dir: "b", from: timeline?.prev_batch, limit: 6 });
    mustEqual(bodies(older.chunk), numbers(6, 1), "messages before it");
    const newer = await messages(alice, roomId, {
      dir: "f",
      from: timeline?.prev_batch,
      limit: 10,
    });
    mustEqual(bodies(newer.chunk), numbers(7, 9), "messages after prev_batch");
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidmessages"),
  "a sync token and a boundary delimit a page, a filter chooses in it",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = await alice.createRoom();
    await sendNumbers(alice, roomId, 1, 3);
    const { next_batch: to } = await syncOnce(alice);
    await sendNumbers(alice, roomId, 4, 6);
    await alice.setState(roomId, "m.room.topic", { topic: "not a message" });
    const { next_batch: from } = await syncOnce(alice);
    await sendNumbers(alice, roomId, 7, 8);
    const between = await messages(alice, roomId, { dir: "b", from, to, limit: 50 });
    mustEqual(bodies(between.chunk), numbers(6, 4), "messages between the tokens");
    const filter = JSON.stringify({ types: ["m.room.topic"] });
    const topics = await messages(alice, roomId, { dir: "b", filter, limit: 50 });
    mustEqual(
      topics.chunk.map((event) => event.type),
      ["m.room.topic"],
      "filtered events",
    );
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidmessages"),
  "a direction is one of two, and strangers read nothing",
  async () => {
    const alice = await registerUser(theSubject());
    const carol = await registerUser(theSubject());
    const roomId = await alice.createRoom({ preset: "public_chat" });
    // Servers in use read forwards where none is given.
    const without = await alice.request("getRoomEvents", { path: { roomId } });
    must(without.status === 200 || without.status === 400, "it is neither refused nor read");
    await mustFail(alice.request("getRoomEvents", { path: { roomId }, query: { dir: "x" } }), 400);
    await mustFail(
      alice.request("getRoomEvents", { path: { roomId }, query: { dir: "b", from: "nonsense" } }),
      400,
    );
    await mustBe403(carol.request("getRoomEvents", { path: { roomId }, query: { dir: "b" } }));
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidcontexteventid"),
  "context shows what is before and after, the state, and where to go on",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = await alice.createRoom({ name: "Context" });
    const ids = await sendNumbers(alice, roomId, 1, 9);
    const context = (await alice.call("getEventContext", {
      path: { roomId, eventId: ids[4] ?? "" },
      query: { limit: 4 },
    })) as unknown as {
      event: ClientEvent;
      events_before: ClientEvent[];
      events_after: ClientEvent[];
      state: ClientEvent[];
      start: string;
      end: string;
    };
    mustEqual(context.event.event_id, ids[4], "event");
    mustEqual(bodies(context.events_before), ["4", "3"], "events_before, newest first");
    mustEqual(bodies(context.events_after), ["6", "7"], "events_after");
    must(
      context.state.some((event) => event.type === "m.room.name"),
      "the state lacks the room's name",
    );
    const before = await messages(alice, roomId, { dir: "b", from: context.start, limit: 2 });
    mustEqual(bodies(before.chunk), ["2", "1"], "before start");
    const after = await messages(alice, roomId, { dir: "f", from: context.end, limit: 2 });
    mustEqual(bodies(after.chunk), ["8", "9"], "after end");
  },
);
