import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import type { JsonObject } from "../../harness/json.ts";
import { eventually, mustEqual } from "../../harness/must.ts";
import { joinFromPeer, roomOfPeer, roomWithPeer, untilPeerHas } from "../../harness/scenes.ts";
import { hasLeft, isMember, syncToken, syncUntil } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

clause(
  serverApi("leaving-rooms-rejecting-invites"),
  "a peer's user leaves through make_leave and send_leave",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, roomId, room } = scene;
    const second = await joinFromPeer(peer, scene, "second");
    const since = await syncToken(alice);
    const made = await peer.call("makeLeave", { path: { roomId, userId: second } });
    const { event } = made as unknown as { event: JsonObject };
    const pdu = room.seal({ ...event, origin_server_ts: Date.now(), event_id: undefined });
    await peer.call("sendLeaveV2", { path: { roomId, eventId: room.idOf(pdu) }, body: pdu });
    await syncUntil(alice, "the leave", isMember(roomId, second, "leave"), { since });
  },
);

clause(
  serverApi("leaving-rooms-rejecting-invites"),
  "its user leaves a peer's room, and the peer hears of it",
  async () => {
    const { peer } = here;
    const { alice, roomId, room } = await roomOfPeer(peer);
    await alice.leave(roomId);
    await eventually(
      "alice's leave at the peer",
      async () => room.membershipOf(alice.userId) === "leave",
    );
  },
);

clause(
  serverApi("pdus"),
  "kicks and bans reach the peer, and those of the peer arrive",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const victim = await joinFromPeer(peer, scene, "victim");
    const body = { user_id: victim, reason: "noise" };
    await alice.call("ban", { path: { roomId }, body });
    const ban = await peer.awaitPdu(
      "the ban",
      (pdu) => pdu.state_key === victim && pdu.content["membership"] === "ban",
    );
    mustEqual(ban.sender, alice.userId, "sender");
    const levels = await alice.getState(roomId, "m.room.power_levels");
    const users = { ...(levels["users"] as JsonObject), [mallory]: 100 };
    await untilPeerHas(
      peer,
      room,
      await alice.setState(roomId, "m.room.power_levels", { ...levels, users }),
    );
    const bob = await registerUser(theSubject(), "bob");
    await bob.join(roomId);
    await peer.awaitPdu("bob's join", (pdu) => pdu.state_key === bob.userId);
    const since = await syncToken(bob);
    await peer.sendGood(
      room.append({
        type: "m.room.member",
        sender: mallory,
        stateKey: bob.userId,
        content: { membership: "leave" },
      }),
    );
    await syncUntil(bob, "the kick", hasLeft(roomId), { since });
  },
);

mustKeepTheProtocol(here);
