import { clause, theSubject } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustEqual } from "../../harness/must.ts";
import { joinFromPeer, roomWithPeer, textOf, untilPeerHas } from "../../harness/scenes.ts";
import {
  stateOf,
  syncOnce,
  syncToken,
  syncUntil,
  timelineOf,
  untilEvent,
} from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();
const HOUR = 3600_000;

/** Alice and bob are of the server, mallory and dave of the peer; alice and mallory are both admins. */
async function roomOfTwoAdmins(version: string) {
  const { peer } = here;
  const scene = await roomWithPeer(peer, { room_version: version });
  const { alice, mallory, roomId, room } = scene;
  const dave = await joinFromPeer(peer, scene, "dave");
  const bob = await registerUser(theSubject(), "bob");
  await bob.join(roomId);
  await peer.awaitPdu("bob's join", (pdu) => pdu.state_key === bob.userId);
  const levels = await alice.getState(roomId, "m.room.power_levels");
  const users: JsonObject = { ...(levels["users"] as JsonObject), [mallory]: 100 };
  const both = { ...levels, users };
  await untilPeerHas(peer, room, await alice.setState(roomId, "m.room.power_levels", both));
  const fork = [...room.newest];
  const ban = (sender: string, stateKey: string, after: readonly string[], timestamp: number) =>
    room.append({
      type: "m.room.member",
      sender,
      stateKey,
      content: { membership: "ban" },
      after,
      timestamp,
    });
  const banOf = async (userId: string) => {
    await alice.call("ban", { path: { roomId }, body: { user_id: userId } });
    const pdu = await peer.awaitPdu(
      "alice's ban",
      (each) =>
        each.state_key === userId &&
        each.content["membership"] === "ban" &&
        each.sender === alice.userId,
    );
    return room.idOf(pdu);
  };
  /** Somebody who took no part speaks after both branches. */
  const merge = async (sender: string, ours: string, theirs: Pdu) => {
    const draft = { type: "m.room.message", sender, content: textOf("after both") };
    const authEvents = room.authEventsFor(draft, room.stateBefore(fork));
    const joined = room.append({ ...draft, after: [ours, room.idOf(theirs)], authEvents });
    await peer.sendGood(joined);
    await untilEvent(bob, roomId, room.idOf(joined));
  };
  const membership = async (userId: string) =>
    (await bob.getState(roomId, "m.room.member", userId))["membership"];
  return { ...scene, peer, dave, bob, both, fork, ban, banOf, merge, membership };
}

const versions = ["6", "10", "11"];

for (const version of versions) {
  clause(
    "rooms/v2#state-resolution",
    `both change levels and ban one another's user: both bans and the later levels stand (room version ${version})`,
    async () => {
      for (const shift of [-HOUR, HOUR]) {
        const {
          alice,
          mallory,
          roomId,
          room,
          peer,
          dave,
          bob,
          both,
          fork,
          ban,
          banOf,
          membership,
        } = await roomOfTwoAdmins(version);
        const eve = await joinFromPeer(peer, { alice, mallory, roomId, room }, "eve");
        const base = [...room.newest];
        const ours = { ...both, kick: 60 };
        await untilPeerHas(peer, room, await alice.setState(roomId, "m.room.power_levels", ours));
        const last = await banOf(dave);
        const theirs = { ...both, kick: 70 };
        const levels = room.append({
          type: "m.room.power_levels",
          sender: mallory,
          stateKey: "",
          content: theirs,
          after: base,
          timestamp: Date.now() + shift,
        });
        // Bob cannot be told of his own ban by his own sync alone: alice looks.
        const theirBan = ban(mallory, bob.userId, [room.idOf(levels)], Date.now() + shift);
        await peer.sendGood(levels, theirBan);
        const draft = { type: "m.room.message", sender: eve, content: textOf("after both") };
        const joined = room.append({
          ...draft,
          after: [last, room.idOf(theirBan)],
          authEvents: room.authEventsFor(draft, room.stateBefore(base)),
        });
        await peer.sendGood(joined);
        await untilEvent(alice, roomId, room.idOf(joined));
        const kick = (await alice.getState(roomId, "m.room.power_levels"))["kick"];
        mustEqual(kick, shift < 0 ? 60 : 70, "level for kicks");
        const of = async (userId: string) =>
          (await alice.getState(roomId, "m.room.member", userId))["membership"];
        mustEqual([await of(dave), await of(bob.userId)], ["ban", "ban"], "memberships");
        mustEqual(fork.length > 0 && typeof membership, "function", "scene");
      }
    },
    90_000,
  );

  clause(
    "server-server-api#soft-failure",
    `a soft-failed event that wins in the end is told to clients as state (room version ${version})`,
    async () => {
      const { alice, bob, mallory, dave, roomId, room, peer, both } =
        await roomOfTwoAdmins(version);
      const withBob = { ...both, users: { ...both.users, [bob.userId]: 50 } };
      const raised = await alice.setState(roomId, "m.room.power_levels", withBob);
      await untilPeerHas(peer, room, raised);
      // Bob bans dave while mallory takes bob's power, before she knows: the ban will not stand.
      await bob.call("ban", { path: { roomId }, body: { user_id: dave } });
      const since = await syncToken(alice);
      const renamed = room.append({
        type: "m.room.member",
        sender: dave,
        stateKey: dave,
        content: { membership: "join", displayname: "Dave D." },
        after: [raised],
      });
      await peer.sendGood(renamed);
      const early = await syncOnce(alice, { since });
      must(
        !timelineOf(early, roomId).some((event) => event.event_id === room.idOf(renamed)),
        "the event was not soft-failed",
      );
      const demotion = room.append({
        type: "m.room.power_levels",
        sender: mallory,
        stateKey: "",
        content: both,
        after: [room.idOf(renamed)],
      });
      await peer.sendGood(demotion);
      await syncUntil(
        alice,
        "dave's new name as state",
        (body) =>
          [...stateOf(body, roomId), ...timelineOf(body, roomId)].some(
            (event) => event.event_id === room.idOf(renamed),
          ),
        { since: early.next_batch },
      );
      mustEqual(
        await alice.getState(roomId, "m.room.member", dave),
        { membership: "join", displayname: "Dave D." },
        "dave's membership",
      );
    },
  );
}

clause(
  "rooms/v12#state-resolution",
  "a creator and an admin ban one another: the creator's ban stands, though it was later",
  async () => {
    for (const shift of [-HOUR, HOUR]) {
      const { alice, mallory, dave, peer, fork, ban, banOf, merge, membership } =
        await roomOfTwoAdmins("12");
      const ours = await banOf(mallory);
      const theirs = ban(mallory, alice.userId, fork, Date.now() + shift);
      await peer.send([theirs]);
      await merge(dave, ours, theirs);
      mustEqual(
        [await membership(alice.userId), await membership(mallory)],
        ["join", "ban"],
        "alice, mallory",
      );
    }
  },
  60_000,
);

clause(
  "rooms/v1#state-resolution",
  "in version 1 the deeper of two topics stands, whatever the time",
  async () => {
    for (const deeper of ["ours", "theirs"]) {
      const { alice, mallory, dave, roomId, room, peer, fork, merge } = await roomOfTwoAdmins("1");
      if (deeper === "ours") await untilPeerHas(peer, room, await alice.send(roomId, "one deeper"));
      const ours = await alice.setState(roomId, "m.room.topic", { topic: "ours" });
      await untilPeerHas(peer, room, ours);
      const timestamp = Date.now() + (deeper === "ours" ? HOUR : -HOUR);
      let after: readonly string[] = fork;
      for (let i = 0; deeper === "theirs" && i < 2; i++) {
        const pdu = room.append({
          type: "m.room.message",
          sender: mallory,
          content: textOf("deeper"),
          after,
        });
        await peer.sendGood(pdu);
        after = [room.idOf(pdu)];
      }
      const content = { topic: "theirs" };
      const theirs = room.append({
        type: "m.room.topic",
        sender: mallory,
        stateKey: "",
        content,
        after,
        timestamp,
      });
      await peer.sendGood(theirs);
      await merge(dave, ours, theirs);
      mustEqual((await alice.getState(roomId, "m.room.topic"))["topic"], deeper, "topic");
    }
  },
  60_000,
);

mustKeepTheProtocol(here);
