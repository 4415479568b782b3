import { clause, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import { must, mustEqual, mustEqualAsSets, mustFail } from "../../harness/must.ts";
import { Peer } from "../../harness/peer.ts";
import type { PeerRoom } from "../../harness/peer-room.ts";
import { roomWithPeer, untilPeerHas } from "../../harness/scenes.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { theSubject } from "../../harness/clause.ts";

const here = withPeer();

interface Batch {
  readonly pdus: Pdu[];
}

/** A room that the peer is in, with ten messages that came after its join. */
async function roomWithMessages(options = {}) {
  const { peer } = here;
  const scene = await roomWithPeer(peer, options);
  const ids: string[] = [];
  for (let i = 0; i < 10; i++) ids.push(await scene.alice.send(scene.roomId, `number ${i}`));
  await untilPeerHas(peer, scene.room, ids.at(-1) ?? "");
  return { ...scene, ids };
}

const idsOf = (room: PeerRoom, pdus: readonly Pdu[]) => pdus.map((pdu) => room.idOf(pdu));

for (const version of ["1", "10", "12"]) {
  clause(
    serverApi("get_matrixfederationv1backfillroomid"),
    `backfill gives the events before, whole and signed (room version ${version})`,
    async () => {
      const { peer } = here;
      const { roomId, room, ids } = await roomWithMessages({ room_version: version });
      const answer = (await peer.call("backfillRoom", {
        path: { roomId },
        query: { v: ids[9], limit: 5 },
      })) as unknown as Batch;
      mustEqualAsSets(idsOf(room, answer.pdus), ids.slice(5), "events");
      await peer.mustBeGoodPdus(answer.pdus, version);
    },
  );
}

clause(
  serverApi("get_matrixfederationv1backfillroomid"),
  "backfill goes back to the create event",
  async () => {
    const { peer } = here;
    const { roomId, room, ids } = await roomWithMessages();
    const found = new Map<string, Pdu>();
    let from = [ids[9] ?? ""];
    for (let i = 0; i < 10 && from.length > 0; i++) {
      const { pdus } = (await peer.call("backfillRoom", {
        path: { roomId },
        query: { v: from, limit: 10 },
      })) as unknown as Batch;
      const fresh = pdus.filter((pdu) => !found.has(room.idOf(pdu)));
      for (const pdu of fresh) found.set(room.idOf(pdu), pdu);
      if (fresh.length === 0) break;
      const lowest = fresh.toSorted((a, b) => a.depth - b.depth)[0] as Pdu;
      from = [room.idOf(lowest)];
    }
    must(
      [...found.values()].some((pdu) => pdu.type === "m.room.create"),
      "the create event was not reached",
    );
    await peer.mustBeGoodPdus([...found.values()], "10");
  },
);

clause(
  serverApi("post_matrixfederationv1get_missing_eventsroomid"),
  "get_missing_events gives what lies between, oldest first",
  async () => {
    const { peer } = here;
    const { roomId, room, ids } = await roomWithMessages();
    const ask = async (limit: number) =>
      (await peer.call("getMissingPreviousEvents", {
        path: { roomId },
        body: {
          earliest_events: [ids[2] ?? ""],
          latest_events: [ids[8] ?? ""],
          limit,
          min_depth: 0,
        },
      })) as unknown as { events: Pdu[] };
    const { events } = await ask(20);
    mustEqual(idsOf(room, events), ids.slice(3, 8), "events between the third and the ninth");
    const few = await ask(2);
    mustEqual(few.events.length, 2, "events with a limit of two");
  },
);

clause(
  serverApi("get_matrixfederationv1stateroomid"),
  "state and state_ids tell the state before an event, with its auth chain",
  async () => {
    const { peer } = here;
    const { alice, roomId, room, ids } = await roomWithMessages();
    await untilPeerHas(
      peer,
      room,
      await alice.setState(roomId, "m.room.topic", { topic: "later" }),
    );
    const query = { event_id: ids[5] ?? "" };
    const state = (await peer.call("federationGetRoomState", {
      path: { roomId },
      query,
    })) as unknown as {
      pdus: Pdu[];
      auth_chain: Pdu[];
    };
    await peer.mustBeGoodPdus([...state.pdus, ...state.auth_chain], "10");
    const types = state.pdus.map((pdu) => pdu.type);
    must(
      types.includes("m.room.create") && !types.includes("m.room.topic"),
      `the state has ${types.join()}`,
    );
    const byIds = await peer.call("getRoomStateIds", { path: { roomId }, query });
    mustEqualAsSets(byIds.pdu_ids, idsOf(room, state.pdus), "pdu_ids");
    mustEqualAsSets(byIds.auth_chain_ids, idsOf(room, state.auth_chain), "auth_chain_ids");
    mustEqualAsSets(
      byIds.pdu_ids,
      [...room.stateBefore([ids[4] ?? ""]).values()],
      "the state as the peer has it",
    );
  },
);

clause(
  serverApi("get_matrixfederationv1eventeventid"),
  "a single event and its auth chain can be asked for",
  async () => {
    const { peer } = here;
    const { roomId, room, ids } = await roomWithMessages();
    const eventId = ids[4] ?? "";
    const { pdus } = (await peer.call("getEvent", { path: { eventId } })) as unknown as Batch;
    mustEqual(idsOf(room, pdus), [eventId], "event");
    const { auth_chain } = (await peer.call("getEventAuth", {
      path: { roomId, eventId },
    })) as unknown as {
      auth_chain: Pdu[];
    };
    await peer.mustBeGoodPdus([...pdus, ...auth_chain], "10");
    const expected = room.authChainOf([pdus[0] as Pdu]).map((pdu) => room.idOf(pdu));
    mustEqualAsSets(idsOf(room, auth_chain), expected, "auth chain");
  },
);

clause(
  serverApi("retrieving-events"),
  "a server that is not in the room is told nothing of it",
  async () => {
    const { roomId, ids } = await roomWithMessages();
    const stranger = await Peer.start(theSubject());
    try {
      const event_id = ids[0] ?? "";
      const path = { roomId };
      await mustFail(
        stranger.request("federationGetRoomState", { path, query: { event_id } }),
        [403, 404],
      );
      await mustFail(
        stranger.request("getRoomStateIds", { path, query: { event_id } }),
        [403, 404],
      );
      await mustFail(
        stranger.request("backfillRoom", { path, query: { v: event_id, limit: 5 } }),
        [403, 404],
      );
      await mustFail(stranger.request("getEvent", { path: { eventId: event_id } }), [403, 404]);
      await mustFail(
        stranger.request("getEventAuth", { path: { roomId, eventId: event_id } }),
        [403, 404],
      );
      const body = { earliest_events: [], latest_events: [event_id], limit: 10 };
      const missing = await stranger.request("getMissingPreviousEvents", { path, body });
      const { events = [] } = (missing.body ?? {}) as { events?: unknown[] };
      mustEqual(events, [], "events");
    } finally {
      await stranger.stop();
    }
  },
);

clause(
  "client-server-api#room-history-visibility",
  "what was said before the peer's users joined a room of visibility joined is not shown to it",
  async () => {
    const { peer } = here;
    const { alice, roomId } = await roomWithPeer(peer);
    await alice.setState(roomId, "m.room.history_visibility", { history_visibility: "joined" });
    const stranger = await Peer.start(theSubject());
    try {
      const secret = await alice.send(roomId, "among ourselves");
      const room = await stranger.joinRoom(roomId, stranger.user("late"));
      const answer = await stranger.request("getEvent", { path: { eventId: secret } });
      must(!answer.bytes.includes("among ourselves"), "/event tells it");
      const join = room.newest[0] ?? "";
      const backfill = await stranger.request("backfillRoom", {
        path: { roomId },
        query: { v: join, limit: 10 },
      });
      must(!backfill.bytes.includes("among ourselves"), "/backfill tells it");
      const body = { earliest_events: [], latest_events: [join], limit: 10 };
      const missing = await stranger.request("getMissingPreviousEvents", {
        path: { roomId },
        body,
      });
      must(!missing.bytes.includes("among ourselves"), "/get_missing_events tells it");
    } finally {
      await stranger.stop();
    }
  },
);

clause(
  serverApi("get_matrixfederationv1eventeventid"),
  "events and rooms that are not there are 404, and a state without an event 400",
  async () => {
    const { peer } = here;
    const { roomId } = await roomWithPeer(peer);
    await mustFail(peer.request("getEvent", { path: { eventId: "$none" } }), [403, 404]);
    await mustFail(
      peer.request("federationGetRoomState", { path: { roomId }, query: { event_id: "$none" } }),
      [403, 404],
    );
    await mustFail(peer.request("federationGetRoomState", { path: { roomId } }), 400);
  },
);

mustKeepTheProtocol(here);

clause(
  serverApi("get_matrixfederationv1timestamp_to_eventroomid"),
  "the event closest to a moment is found for servers in the room alone",
  async () => {
    const { peer } = here;
    const { roomId, ids } = await roomWithMessages();
    const query = { ts: Date.now() + 1e9, dir: "b" } as const;
    const path = { roomId };
    const found = await peer.call("federationGetEventByTimestamp", { path, query });
    mustEqual(found.event_id, ids[9], "the last one");
    const stranger = await Peer.start(theSubject());
    try {
      await mustFail(
        stranger.request("federationGetEventByTimestamp", { path, query }),
        403,
        "M_FORBIDDEN",
      );
    } finally {
      await stranger.stop();
    }
  },
);
