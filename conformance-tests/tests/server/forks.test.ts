import { clause } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustEqual } from "../../harness/must.ts";
import type { PeerRoom } from "../../harness/peer-room.ts";
import { joinFromPeer, roomWithPeer, textOf, untilPeerHas } from "../../harness/scenes.ts";
import type { Shared } from "../../harness/scenes.ts";
import { untilEvent } from "../../harness/sync.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();
const HOUR = 3600_000;

/** A room in which carol, of the peer, is a moderator and dave, of the peer, is a member. */
async function moderatedRoom(version: string) {
  const { peer } = here;
  const scene = await roomWithPeer(peer, { room_version: version });
  const { alice, roomId, room } = scene;
  const carol = await joinFromPeer(peer, scene, "carol");
  const dave = await joinFromPeer(peer, scene, "dave");
  const levels = await alice.getState(roomId, "m.room.power_levels");
  const withCarol = { ...levels, users: { ...(levels["users"] as JsonObject), [carol]: 50 } };
  await untilPeerHas(peer, room, await alice.setState(roomId, "m.room.power_levels", withCarol));
  return { ...scene, carol, dave, levels, fork: [...room.newest] };
}

/** The two branches are joined by a message of mallory's that comes after both. */
async function merge(scene: Shared, ours: string, theirs: Pdu): Promise<void> {
  const { peer } = here;
  const { alice, mallory, roomId, room } = scene;
  const ids = [ours, room.idOf(theirs)];
  const draft = { type: "m.room.message", sender: mallory, content: textOf("after both") };
  const joined = room.append({
    ...draft,
    after: ids,
    authEvents: room.authEventsFor(draft, room.stateBefore([ours])),
  });
  await peer.sendGood(joined);
  await untilEvent(alice, roomId, room.idOf(joined));
}

/** The state that clients see has to be the one that the server tells its peers. */
async function mustAgree(
  scene: Shared,
  type: string,
  stateKey: string,
  expected: JsonObject | undefined,
) {
  const { peer } = here;
  const { alice, roomId, room } = scene;
  const answer = await alice.request("getRoomStateWithKey", {
    path: { roomId, eventType: type, stateKey },
  });
  mustEqual(
    answer.status === 200 ? answer.body : undefined,
    expected,
    `${type} "${stateKey}" for clients`,
  );
  const last = await alice.send(roomId, "what is the state now?");
  await untilPeerHas(peer, room, last);
  const { pdus } = (await peer.call("federationGetRoomState", {
    path: { roomId },
    query: { event_id: last },
  })) as unknown as { pdus: Pdu[] };
  const told = pdus.find((pdu) => pdu.type === type && pdu.state_key === stateKey);
  mustEqual(told?.content, expected, `${type} "${stateKey}" for peers`);
}

function topicOf(
  room: PeerRoom,
  sender: string,
  topic: string,
  after: readonly string[],
  timestamp: number,
) {
  return room.append({
    type: "m.room.topic",
    sender,
    stateKey: "",
    content: { topic },
    after,
    timestamp,
  });
}

for (const version of ["2", "6", "10", "12"]) {
  clause(
    `rooms/v${version === "12" ? "12" : "2"}#state-resolution`,
    `of two topics set at once the later one stays, though it came first (room version ${version})`,
    async () => {
      const { peer } = here;
      for (const [shift, expected] of [
        [-HOUR, "alice's"],
        [HOUR, "carol's"],
      ] as const) {
        const scene = await moderatedRoom(version);
        const { alice, roomId, room, carol, fork } = scene;
        const ours = await alice.setState(roomId, "m.room.topic", { topic: "alice's" });
        await untilPeerHas(peer, room, ours);
        const theirs = topicOf(room, carol, "carol's", fork, Date.now() + shift);
        await peer.sendGood(theirs);
        await merge(scene, ours, theirs);
        await mustAgree(scene, "m.room.topic", "", { topic: expected });
      }
    },
    60_000,
  );

  clause(
    `rooms/v${version === "12" ? "12" : "2"}#state-resolution`,
    `a ban that its sender lost the power for at the same time does not stand (room version ${version})`,
    async () => {
      const { peer } = here;
      const scene = await moderatedRoom(version);
      const { alice, roomId, room, carol, dave, levels, fork } = scene;
      const ours = await alice.setState(roomId, "m.room.power_levels", levels);
      await untilPeerHas(peer, room, ours);
      const theirs = room.append({
        type: "m.room.member",
        sender: carol,
        stateKey: dave,
        content: { membership: "ban" },
        after: fork,
      });
      await peer.sendGood(theirs);
      await merge(scene, ours, theirs);
      await mustAgree(scene, "m.room.member", dave, { membership: "join" });
      await mustAgree(scene, "m.room.power_levels", "", levels);
    },
  );

  clause(
    `rooms/v${version === "12" ? "12" : "2"}#state-resolution`,
    `a ban beats what the banned one did at the same time (room version ${version})`,
    async () => {
      const { peer } = here;
      const scene = await moderatedRoom(version);
      const { alice, roomId, room, carol, dave, fork } = scene;
      await alice.call("ban", { path: { roomId }, body: { user_id: carol } });
      const ban = await peer.awaitPdu(
        "the ban",
        (pdu) => pdu.state_key === carol && pdu.content["membership"] === "ban",
      );
      const kick = room.append({
        type: "m.room.member",
        sender: carol,
        stateKey: dave,
        content: { membership: "leave" },
        after: fork,
      });
      const topic = topicOf(room, carol, "carol was here", [room.idOf(kick)], Date.now() + HOUR);
      await peer.sendGood(kick, topic);
      await merge(scene, room.idOf(ban), topic);
      await mustAgree(scene, "m.room.member", carol, { membership: "ban" });
      await mustAgree(scene, "m.room.member", dave, { membership: "join" });
      await mustAgree(scene, "m.room.topic", "", undefined);
    },
  );
}

clause(
  "rooms/v2#state-resolution",
  "two branches that do not touch one another both stand",
  async () => {
    const { peer } = here;
    const scene = await moderatedRoom("11");
    const { alice, roomId, room, carol, fork } = scene;
    const ours = await alice.setState(roomId, "m.room.name", { name: "alice's" });
    await untilPeerHas(peer, room, ours);
    const theirs = topicOf(room, carol, "carol's", fork, Date.now());
    await peer.sendGood(theirs);
    await untilEvent(alice, roomId, room.idOf(theirs));
    // Without a merge by anybody else: the server's next event joins its own two branches.
    const next = await alice.send(roomId, "both ends in hand");
    const pdu = await untilPeerHas(peer, room, next);
    must(
      pdu.prev_events.length === 2,
      `its next event has ${pdu.prev_events.length} events before it`,
    );
    await mustAgree(scene, "m.room.name", "", { name: "alice's" });
    await mustAgree(scene, "m.room.topic", "", { topic: "carol's" });
  },
);

mustKeepTheProtocol(here);
