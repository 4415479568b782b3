import { clause, serverApi } from "../../harness/clause.ts";
import { must, mustEqual, mustFail } from "../../harness/must.ts";
import { Peer } from "../../harness/peer.ts";
import { roomWithPeer } from "../../harness/scenes.ts";
import { mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { theSubject } from "../../harness/clause.ts";
import { here, roomWithMessages } from "./room-with-messages.ts";

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
