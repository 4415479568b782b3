import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import { must, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { roomOfPeer, roomWithPeer, say, textOf, untilPeerHas } from "../../harness/scenes.ts";
import { syncToken, untilEvent } from "../../harness/sync.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

const VERSIONS = ["1", "3", "6", "9", "10", "11", "12"];

for (const version of VERSIONS) {
  clause(
    serverApi("joining-rooms"),
    `a peer joins a room of version ${version}, and messages go both ways`,
    async () => {
      const { peer } = here;
      const { alice, mallory, roomId, room } = await roomWithPeer(peer, { room_version: version });
      mustEqual(room.version.id, version, "room_version");
      const there = await alice.send(roomId, "can you hear me?");
      mustEqual(
        (await untilPeerHas(peer, room, there)).content,
        textOf("can you hear me?"),
        "content",
      );
      const since = await syncToken(alice);
      const back = say(room, mallory, "I can");
      await peer.sendGood(back);
      await untilEvent(alice, roomId, room.idOf(back), { since });
    },
  );

  clause(
    serverApi("joining-rooms"),
    `it joins a peer's room of version ${version}, and messages go both ways`,
    async () => {
      const { peer } = here;
      const { alice, mallory, roomId, room } = await roomOfPeer(peer, { version });
      mustMatch(
        await alice.getState(roomId, "m.room.join_rules"),
        { join_rule: "public" },
        "state that came with the join",
      );
      mustEqual(room.membershipOf(alice.userId), "join", "alice's membership at the peer");
      const since = await syncToken(alice);
      const message = say(room, mallory, "welcome");
      await peer.sendGood(message);
      await untilEvent(alice, roomId, room.idOf(message), { since });
      const answer = await alice.send(roomId, "thank you");
      const pdu = await untilPeerHas(peer, room, answer);
      mustEqual(pdu.prev_events.length, 1, "events before the answer");
    },
  );
}

clause(
  serverApi("restricted-rooms"),
  "a peer's user who is in the allowed room enters a restricted one, signed for by the server",
  async () => {
    const { peer } = here;
    const hall = await roomWithPeer(peer);
    const allow = [{ type: "m.room_membership", room_id: hall.roomId }];
    const roomId = await hall.alice.createRoom({
      room_version: "10",
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "restricted", allow } }],
    });
    const stranger = peer.user("stranger");
    await mustFail(
      peer.request("makeJoin", { path: { roomId, userId: stranger }, query: { ver: ["10"] } }),
      [400, 403],
    );
    const room = await peer.joinRoom(roomId, hall.mallory);
    const join = room.stateEvent("m.room.member", hall.mallory);
    mustEqual(
      join?.content["join_authorised_via_users_server"],
      hall.alice.userId,
      "who authorised the join",
    );
    must(join?.signatures?.[theSubject().serverName], "the server did not sign the join");
  },
);

mustKeepTheProtocol(here);
