import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";

interface Page {
  readonly chunk: ClientEvent[];
  readonly next_batch?: string;
  readonly recursion_depth?: number;
}

async function roomOfOne(): Promise<{ alice: User; roomId: string }> {
  const alice = await registerUser(theSubject(), "alice");
  return { alice, roomId: await alice.createRoom({ preset: "public_chat" }) };
}

function relate(by: User, roomId: string, body: string, rel: string, to: string): Promise<string> {
  const relation = { rel_type: rel, event_id: to };
  return by.send(roomId, { msgtype: "m.text", body, "m.relates_to": relation });
}

const idsOf = ({ chunk }: Page) => chunk.map((event) => event.event_id);

clause(
  clientApi("get_matrixclientv1roomsroomidrelationseventid"),
  "what relates to an event is listed page by page, the newest first, or the other way round",
  async () => {
    const { alice, roomId } = await roomOfOne();
    const eventId = await alice.send(roomId, "root");
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await relate(alice, roomId, `${i}`, "m.thread", eventId));
    const seen: string[] = [];
    let from: string | undefined;
    for (let i = 0; i < 10; i++) {
      const query = { limit: 2, ...(from === undefined ? {} : { from }) };
      const part = (await alice.call("getRelatingEvents", {
        path: { roomId, eventId },
        query,
      })) as unknown as Page;
      seen.push(...idsOf(part));
      from = part.next_batch;
      if (from === undefined) break;
    }
    mustEqual(seen, ids.toReversed(), "the newest first");
    const forth = (await alice.call("getRelatingEvents", {
      path: { roomId, eventId },
      query: { dir: "f", limit: 10 },
    })) as unknown as Page;
    mustEqual(idsOf(forth), ids, "the oldest first");
  },
);

clause(
  clientApi("get_matrixclientv1roomsroomidrelationseventidreltypeeventtype"),
  "relations are chosen by their type and that of the event, and followed on request",
  async () => {
    const { alice, roomId } = await roomOfOne();
    const eventId = await alice.send(roomId, "root");
    const reply = await relate(alice, roomId, "reply", "m.thread", eventId);
    const reference = await relate(alice, roomId, "reference", "m.reference", eventId);
    const edit = await relate(alice, roomId, "edit", "m.replace", reply);
    const ask = async (relType: string, eventType: string) =>
      idsOf(
        await alice.call("getRelatingEventsWithRelTypeAndEventType", {
          path: { roomId, eventId, relType, eventType },
        }),
      );
    mustEqual(await ask("m.reference", "m.room.message"), [reference], "references");
    mustEqual(await ask("m.thread", "m.reaction"), [], "reactions in a thread");
    const all = (await alice.call("getRelatingEvents", {
      path: { roomId, eventId },
      query: { recurse: true },
    })) as unknown as Page;
    mustEqual(idsOf(all), [edit, reference, reply], "followed");
    mustEqual((all.recursion_depth ?? 0) >= 3, true, "at least three levels");
  },
);

clause(
  clientApi("get_matrixclientv1roomsroomidrelationseventid"),
  "who may not see an event is not told what relates to it",
  async () => {
    const { alice, roomId } = await roomOfOne();
    const eve = await registerUser(theSubject(), "eve");
    const eventId = await alice.send(roomId, "root");
    await mustFail(
      eve.request("getRelatingEvents", { path: { roomId, eventId } }),
      404,
      "M_NOT_FOUND",
    );
  },
);

clause(
  clientApi("get_matrixclientv1roomsroomidthreads"),
  "threads are listed by their newest reply, with it",
  async () => {
    const { alice, roomId } = await roomOfOne();
    const bob = await registerUser(theSubject(), "bob");
    await bob.join(roomId);
    const [first, second] = [await alice.send(roomId, "one"), await alice.send(roomId, "two")];
    await relate(alice, roomId, "in two", "m.thread", second);
    const newest = await relate(bob, roomId, "in one", "m.thread", first);
    const list = async (user: User, query: Record<string, string | number | undefined>) =>
      (await user.call("getThreadRoots", { path: { roomId }, query })) as unknown as Page;
    const all = await list(alice, {});
    mustEqual(idsOf(all), [first, second], "threads");
    mustMatch(
      all.chunk[0]?.unsigned?.["m.relations"],
      { "m.thread": { count: 1, latest_event: { event_id: newest } } },
      "the newest thread's aggregation",
    );
    mustEqual(idsOf(await list(bob, { include: "participated" })), [first], "bob's threads");
    const part = await list(alice, { limit: 1 });
    const rest = await list(alice, { limit: 1, from: part.next_batch });
    mustEqual([...idsOf(part), ...idsOf(rest)], [first, second], "page by page");
  },
);

clause(
  clientApi("get_matrixclientv1roomsroomidtimestamp_to_event"),
  "the event closest to a moment is found in the direction asked for",
  async () => {
    const { alice, roomId } = await roomOfOne();
    const one = await alice.send(roomId, "one");
    const path = { roomId };
    const before = { ts: 1, dir: "b" } as const;
    const [far, near] = [Date.now() + 1e9, Date.now() - 1e9];
    const ask = async (ts: number, dir: "f" | "b") =>
      (await alice.call("getEventByTimestamp", { path, query: { ts, dir } })).event_id;
    mustEqual(await ask(far, "b"), one, "the last one");
    const create = await ask(near, "f");
    const event = (await alice.call("getOneRoomEvent", {
      path: { roomId, eventId: create },
    })) as unknown as ClientEvent;
    mustEqual(event.type, "m.room.create", "the first one");
    await mustFail(
      alice.request("getEventByTimestamp", { path, query: before }),
      404,
      "M_NOT_FOUND",
    );
  },
);
