import { clause, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import { must, mustEqual, mustEqualAsSets } from "../../harness/must.ts";
import type { PeerRoom } from "../../harness/peer-room.ts";
import { untilPeerHas } from "../../harness/scenes.ts";
import { mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { here, roomWithMessages } from "./room-with-messages.ts";

interface Batch {
  readonly pdus: Pdu[];
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

mustKeepTheProtocol(here);
