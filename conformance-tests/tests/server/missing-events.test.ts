import { clause, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import { eventually, must, mustEqual } from "../../harness/must.ts";
import { roomOfPeer, roomWithPeer, say, textOf, untilPeerHas } from "../../harness/scenes.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { hasEvent, syncToken, syncUntil, timelineOf, untilEvent } from "../../harness/sync.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

clause(
  serverApi("backfilling-and-retrieving-missing-events"),
  "events that are missing before a new one are fetched and told in order",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const since = await syncToken(alice);
    const pdus = Array.from({ length: 5 }, (_, i) => say(room, mallory, `part ${i}`));
    const last = pdus.at(-1) as Pdu;
    await peer.send([last]);
    const bodies: unknown[] = [];
    await syncUntil(
      alice,
      "the last event",
      (body) => {
        bodies.push(...timelineOf(body, roomId).map((event) => event.content["body"]));
        return hasEvent(roomId, room.idOf(last))(body);
      },
      { since },
    );
    mustEqual(
      bodies,
      pdus.map((pdu) => pdu.content["body"]),
      "messages",
    );
    must(
      peer.inbound.some(
        ({ operation, path }) =>
          operation === "getMissingPreviousEvents" && path["roomId"] === roomId,
      ),
      "get_missing_events was not asked",
    );
  },
);

clause(
  serverApi("backfilling-and-retrieving-missing-events"),
  "when the gap cannot be filled the state after it is asked for",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const since = await syncToken(alice);
    for (let i = 0; i < 3; i++) say(room, mallory, `lost ${i}`);
    const newcomer = peer.user("newcomer");
    const join = room.append({
      type: "m.room.member",
      sender: newcomer,
      stateKey: newcomer,
      content: { membership: "join" },
    });
    const last = say(room, newcomer, "after the gap");
    const none = peer.answer("getMissingPreviousEvents", () => ({ body: { events: [join] } }));
    try {
      await peer.send([last]);
      await untilEvent(alice, roomId, room.idOf(last), { since });
    } finally {
      none();
    }
    mustEqual(
      (await alice.getState(roomId, "m.room.member", newcomer))["membership"],
      "join",
      "the state in the gap",
    );
  },
);

clause(
  "client-server-api#syncing",
  "a timeline that crosses a gap is limited, begins behind it, and leads into it",
  async () => {
    const { peer } = here;
    const { alice, mallory, roomId, room } = await roomWithPeer(peer);
    const old = say(room, mallory, "old");
    await peer.send([old]);
    await untilEvent(alice, roomId, room.idOf(old));
    const since = await syncToken(alice);
    const lost = Array.from({ length: 15 }, (_, i) => say(room, mallory, `lost ${i}`));
    const last = say(room, mallory, "after the gap");
    const none = peer.answer("getMissingPreviousEvents", () => ({ body: { events: [] } }));
    try {
      await peer.send([last]);
    } finally {
      none();
    }
    const body = await syncUntil(alice, "the last event", hasEvent(roomId, room.idOf(last)), {
      since,
    });
    const timeline = body.rooms?.join?.[roomId]?.timeline;
    mustEqual(timeline?.limited, true, "limited");
    mustEqual(timelineOf(body, roomId)[0]?.event_id, room.idOf(last), "the first event");
    const part = (await alice.call("getRoomEvents", {
      path: { roomId },
      query: { dir: "b", limit: 15, from: timeline?.prev_batch },
    })) as unknown as { chunk: ClientEvent[] };
    mustEqual(
      part.chunk.map((event) => event.event_id),
      lost.map((pdu) => room.idOf(pdu)).toReversed(),
      "what is in the gap",
    );
  },
);

clause(
  serverApi("backfilling-and-retrieving-missing-events"),
  "a user of it scrolls back through a peer's room to its beginning",
  async () => {
    const { peer } = here;
    const alices = await roomOfPeer(peer, {
      initial: Array.from({ length: 25 }, (_, i) => ({
        type: "m.room.message",
        content: textOf(`old ${i}`),
      })),
    });
    const { alice, roomId } = alices;
    const bodies: unknown[] = [];
    let from: string | undefined;
    let create = false;
    for (let i = 0; i < 30 && !create; i++) {
      const part = (await alice.call("getRoomEvents", {
        path: { roomId },
        query: { dir: "b", limit: 10, from },
      })) as unknown as { chunk: ClientEvent[]; end?: string };
      bodies.push(
        ...part.chunk
          .filter(({ type }) => type === "m.room.message")
          .map(({ content }) => content["body"]),
      );
      create = part.chunk.some(({ type }) => type === "m.room.create");
      if (part.end === undefined) break;
      from = part.end;
    }
    mustEqual(
      bodies,
      Array.from({ length: 25 }, (_, i) => `old ${24 - i}`),
      "messages, newest first",
    );
    must(create, "the create event was not reached");
  },
);

clause(serverApi("transactions"), "its messages reach the peer in order, each once", async () => {
  const { peer } = here;
  const { alice, roomId, room } = await roomWithPeer(peer);
  const ids: string[] = [];
  for (let i = 0; i < 20; i++) ids.push(await alice.send(roomId, `number ${i}`));
  await untilPeerHas(peer, room, ids.at(-1) ?? "");
  const arrived = peer.pdus.filter((pdu) => pdu.room_id === roomId).map((pdu) => room.idOf(pdu));
  mustEqual(
    arrived.filter((id) => ids.includes(id)),
    ids,
    "what arrived",
  );
});

clause(
  serverApi("transactions"),
  "what the peer missed while it was away arrives when it is back",
  async () => {
    const { peer } = here;
    const { alice, mallory, roomId, room } = await roomWithPeer(peer);
    const away = peer.answer("sendTransaction", () => ({
      status: 503,
      body: { errcode: "M_UNKNOWN", error: "away" },
    }));
    const missed = await alice.send(roomId, "while you were away");
    await eventually("an attempt", async () =>
      peer.inbound.some(({ operation }) => operation === "sendTransaction"),
    );
    away();
    // Hearing from a server is the sign that it is back.
    await peer.request("queryProfile", { query: { user_id: alice.userId } });
    await peer.sendGood(say(room, mallory, "I am back"));
    await alice.send(roomId, "welcome back");
    await peer.awaitPdu("the missed message", (pdu) => room.idOf(pdu) === missed, 60_000);
  },
  90_000,
);

mustKeepTheProtocol(here);
