import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustEqual, mustEqualAsSets } from "../../harness/must.ts";
import {
  hasLeft,
  joinedRoom,
  stateOf,
  syncOnce,
  syncToken,
  syncUntil,
  timelineOf,
  memberKeys,
  types,
  filterOf,
} from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

clause(
  clientApi("lazy-loading-room-members"),
  "lazily loaded members are those who speak in the timeline",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
    const carol = await registerUser(theSubject(), "carol");
    await carol.join(roomId);
    await alice.send(roomId, "I speak");
    const options = filterOf({ state: { lazy_load_members: true }, timeline: { limit: 1 } });
    const body = await syncOnce(bob, options);
    const members = memberKeys(stateOf(body, roomId));
    must(members.includes(alice.userId), "the sender's membership is missing");
    const { summary } = joinedRoom(body, roomId) ?? {};
    const isHero = summary?.["m.heroes"]?.includes(carol.userId) === true;
    mustEqual(
      members.includes(carol.userId),
      isHero,
      "whether a silent member is told who is no hero",
    );
    mustEqual(summary?.["m.joined_member_count"], 3, "m.joined_member_count");
    const since = body.next_batch;
    await carol.send(roomId, "now I speak");
    const next = await syncOnce(bob, { ...options, since });
    must(
      isHero || memberKeys(stateOf(next, roomId)).includes(carol.userId),
      "the new sender's membership is missing",
    );
  },
);

clause(
  clientApi("get_matrixclientv3sync"),
  "a room without a name has heroes and counts in its summary",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const carol = await registerUser(theSubject(), "carol");
    const roomId = await alice.createRoom({ preset: "public_chat", invite: [carol.userId] });
    await bob.join(roomId);
    const body = await syncOnce(alice, filterOf({ state: { lazy_load_members: true } }));
    const { summary } = joinedRoom(body, roomId) ?? {};
    mustEqualAsSets(summary?.["m.heroes"] ?? [], [bob.userId, carol.userId], "m.heroes");
    mustEqual(
      [summary?.["m.joined_member_count"], summary?.["m.invited_member_count"]],
      [2, 1],
      "joined and invited",
    );
  },
);

clause(
  clientApi("get_matrixclientv3sync"),
  "a left room is told once, and later only to who asks for left rooms",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
    const since = await syncToken(bob);
    await alice.send(roomId, "farewell");
    await bob.leave(roomId);
    await alice.send(roomId, "behind bob's back");
    const body = await syncUntil(bob, "the left room", hasLeft(roomId), { since });
    const seen = timelineOf(body, roomId);
    mustEqual(types(seen), ["m.room.message", "m.room.member"], "timeline");
    const next = await syncOnce(bob, { since: body.next_batch });
    mustEqual(next.rooms?.leave?.[roomId], undefined, "the room in the next sync");
    mustEqual((await syncOnce(bob)).rooms?.leave?.[roomId], undefined, "the room in a first sync");
    const archive = await syncOnce(bob, filterOf({ include_leave: true }));
    must(hasLeft(roomId)(archive), "include_leave does not tell the left room");
    must(!JSON.stringify(archive).includes("behind bob's back"), "what came after leaving is told");
  },
);

clause(
  clientApi("filtering"),
  "filters choose rooms, types and senders, by id and by value",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
    const other = await bob.createRoom();
    await alice.send(roomId, "from alice");
    await bob.send(roomId, "from bob");
    await bob.send(roomId, { a: 1 }, "org.example.other");
    const room = {
      rooms: [roomId],
      timeline: { types: ["m.room.*"], not_types: ["m.room.member"], not_senders: [alice.userId] },
      state: { types: [] },
    };
    const { filter_id } = await bob.call("defineFilter", {
      path: { userId: bob.userId },
      body: { room },
    });
    for (const filter of [filter_id, JSON.stringify({ room })]) {
      const body = await syncOnce(bob, { filter });
      mustEqual(joinedRoom(body, other), undefined, "the room that is filtered out");
      mustEqual(stateOf(body, roomId), [], "state");
      mustEqual(
        timelineOf(body, roomId).map((event) => event.content["body"]),
        ["from bob"],
        "timeline",
      );
    }
  },
);
