import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import { must, mustFail } from "../../harness/must.ts";
import { roomWithPeer, say, toldUpToMarker, untilPeerHas } from "../../harness/scenes.ts";
import { syncToken } from "../../harness/sync.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

clause(
  serverApi("server-access-control-lists-acls"),
  "a server that a room's ACL shuts out can neither join nor speak nor read",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const before = [...room.newest];
    const acl = await alice.setState(roomId, "m.room.server_acl", {
      allow: ["*"],
      deny: ["localhost"],
    });
    const denied = say(room, mallory, "through the window", before);
    const results = await peer.send([denied]);
    const result = results[room.idOf(denied)] as { error?: string } | undefined;
    must(result?.error !== undefined, `the PDU's result is ${JSON.stringify(results)}`);
    await mustFail(
      peer.request("makeJoin", {
        path: { roomId, userId: peer.user("other") },
        query: { ver: ["10"] },
      }),
      403,
      "M_FORBIDDEN",
    );
    await mustFail(
      peer.request("federationGetRoomState", { path: { roomId }, query: { event_id: acl } }),
      403,
      "M_FORBIDDEN",
    );
    await mustFail(
      peer.request("backfillRoom", { path: { roomId }, query: { v: acl, limit: 5 } }),
      403,
      "M_FORBIDDEN",
    );
    const since = await syncToken(alice);
    const seen = await toldUpToMarker(scene, since, () => alice.send(roomId, "marker"));
    must(!seen.includes(room.idOf(denied)), "the event was let through");
  },
);

clause(
  serverApi("server-access-control-lists-acls"),
  "an ACL that allows the server with a pattern lets it speak",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const content = {
      allow: ["local*st", theSubject().serverName],
      deny: ["elsewhere.example", "local?"],
    };
    await untilPeerHas(peer, room, await alice.setState(roomId, "m.room.server_acl", content));
    const since = await syncToken(alice);
    const pdu = say(room, mallory, "still here");
    await peer.sendGood(pdu);
    const seen = await toldUpToMarker(scene, since, () => alice.send(roomId, "marker"));
    must(seen.includes(room.idOf(pdu)), "the event did not arrive");
  },
);

mustKeepTheProtocol(here);
