import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustEqual, mustEqualAsSets } from "../../harness/must.ts";
import type { ClientEvent, SyncBody } from "../../harness/shapes.ts";
import {
  isJoined,
  joinedRoom,
  stateOf,
  syncOnce,
  syncToken,
  syncUntil,
  timelineOf,
  untilEvent,
  memberKeys,
  types,
  filterOf,
} from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

clause(
  clientApi("syncing"),
  "the first sync holds the room with state up to its timeline, together complete",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
    await alice.send(roomId, "hello");
    const body = await syncOnce(alice, filterOf({ timeline: { limit: 2 } }));
    const [state, timeline] = [stateOf(body, roomId), timelineOf(body, roomId)];
    mustEqual(types(timeline), ["m.room.member", "m.room.message"], "timeline");
    const inTimeline = new Set(timeline.map((event) => event.event_id));
    must(
      !state.some((event) => inTimeline.has(event.event_id)),
      "state repeats what is in the timeline",
    );
    for (const type of [
      "m.room.create",
      "m.room.power_levels",
      "m.room.join_rules",
      "m.room.name",
    ]) {
      must(types(state).includes(type), `state lacks ${type}`);
    }
    mustEqualAsSets(memberKeys([...state, ...timeline]), [alice.userId, bob.userId], "members");
    must(joinedRoom(body, roomId)?.timeline?.prev_batch, "no prev_batch");
    for (const event of [...state, ...timeline])
      must(!("room_id" in event) || event.room_id === roomId, "room_id");
  },
);

clause(clientApi("syncing"), "an incremental sync holds what is new, and only that", async () => {
  const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
  const quiet = await bob.createRoom();
  const since = await syncToken(bob);
  mustEqual((await syncOnce(bob, { since })).rooms?.join ?? {}, {}, "rooms without news");
  const eventId = await alice.send(roomId, "news");
  const body = await untilEvent(bob, roomId, eventId, { since });
  mustEqual(types(timelineOf(body, roomId)), ["m.room.message"], "timeline");
  mustEqual(stateOf(body, roomId), [], "state");
  mustEqual(joinedRoom(body, roomId)?.timeline?.limited ?? false, false, "limited");
  mustEqual(joinedRoom(body, quiet), undefined, "the quiet room");
  // Another timeout: a server may answer the very same request from what it remembers.
  const again = await syncOnce(bob, { since, timeout: 1 });
  mustEqual(types(timelineOf(again, roomId)), ["m.room.message"], "the same token again");
});

clause(
  clientApi("syncing"),
  "a long poll waits for news, and ends without any when its time is over",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
    let since = await syncToken(bob);
    // What is left of joining (presence, for instance) may still arrive.
    for (let i = 0; i < 5; i++) since = (await syncOnce(bob, { since, timeout: 300 })).next_batch;
    const begin = performance.now();
    const idle = await bob.call("sync", { query: { since, timeout: 1000 } });
    const waited = performance.now() - begin;
    must(waited > 800 && waited < 30_000, `an idle poll of 1000 ms took ${Math.round(waited)} ms`);
    mustEqual(idle.rooms?.join ?? {}, {}, "rooms");
    const poll = bob.call("sync", { query: { since: idle.next_batch, timeout: 20_000 } });
    const sent = performance.now();
    const eventId = await alice.send(roomId, "wake up");
    const body = await poll;
    must(performance.now() - sent < 15_000, "the poll did not end with the message");
    mustEqual(
      timelineOf(body, roomId).map((event) => event.event_id),
      [eventId],
      "timeline",
    );
  },
);

clause(
  clientApi("syncing"),
  "a gap is told as limited, with the state that changed in it",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
    const since = await syncToken(bob);
    await alice.setState(roomId, "m.room.topic", { topic: "changed in the gap" });
    for (let i = 0; i < 6; i++) await alice.send(roomId, `message ${i}`);
    const body = await syncOnce(bob, { since, ...filterOf({ timeline: { limit: 3 } }) });
    const timeline = joinedRoom(body, roomId)?.timeline;
    mustEqual(timeline?.limited, true, "limited");
    mustEqual(
      timelineOf(body, roomId).map((event) => event.content["body"]),
      ["message 3", "message 4", "message 5"],
      "timeline",
    );
    mustEqual(types(stateOf(body, roomId)), ["m.room.topic"], "state");
  },
);

clause(
  clientApi("get_matrixclientv3sync"),
  "full_state gives the whole state of each room, and answers at once",
  async () => {
    const { bob, roomId } = await roomOfTwo({ name: "Weaving" });
    const since = await syncToken(bob);
    const body = await bob.call("sync", { query: { since, full_state: true, timeout: 10_000 } });
    const state = types(stateOf(body, roomId));
    for (const type of ["m.room.create", "m.room.name", "m.room.member"]) {
      must(state.includes(type), `state lacks ${type}`);
    }
  },
);

clause(
  clientApi("get_matrixclientv3sync"),
  "state_after gives the state at the end of the timeline in place of that at its start",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
    const since = await syncToken(bob);
    await alice.setState(roomId, "m.room.topic", { topic: "old" });
    await alice.setState(roomId, "m.room.topic", { topic: "new" });
    const eventId = await alice.send(roomId, "done");
    const body = await untilEvent(bob, roomId, eventId, {
      since,
      query: { use_state_after: true },
    });
    const room = joinedRoom(body, roomId) as unknown as {
      state?: { events?: unknown[] };
      state_after?: { events: ClientEvent[] };
    };
    mustEqual(room.state?.events ?? [], [], "state");
    mustEqual(
      room.state_after?.events.map((event) => event.content["topic"]),
      ["new"],
      "topics in state_after",
    );
  },
);

clause(
  clientApi("get_matrixclientv3sync"),
  "state_after is served under its earlier name as well",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
    const since = await syncToken(bob);
    await alice.setState(roomId, "m.room.topic", { topic: "new" });
    const query = { since, "org.matrix.msc4222.use_state_after": true };
    const room = joinedRoom(await syncOnce(bob, query), roomId) as unknown as Record<
      string,
      { events: ClientEvent[] } | undefined
    >;
    mustEqual(
      room?.["org.matrix.msc4222.state_after"]?.events.map((event) => event.type),
      ["m.room.topic"],
      "org.matrix.msc4222.state_after",
    );
  },
);

clause(
  clientApi("syncing"),
  "joining a room tells its whole state, though the token is older",
  async () => {
    const { alice, roomId } = await roomOfTwo({ name: "Weaving" });
    const carol = await registerUser(theSubject(), "carol");
    const since = await syncToken(carol);
    await alice.send(roomId, "before carol");
    await carol.join(roomId);
    const body = await syncUntil(carol, "the room", isJoined(roomId), { since });
    const all = [...stateOf(body, roomId), ...timelineOf(body, roomId)];
    for (const type of ["m.room.create", "m.room.name", "m.room.power_levels"]) {
      must(types(all).includes(type), `${type} is missing`);
    }
    must(memberKeys(all).includes(alice.userId), "alice's membership is missing");
  },
);

clause(
  clientApi("syncing"),
  "rejoining after an absence tells the state that changed meanwhile",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ name: "Weaving" });
    await bob.leave(roomId);
    const since = await syncToken(bob);
    await alice.setState(roomId, "m.room.topic", { topic: "meanwhile" });
    await bob.join(roomId);
    const body: SyncBody = await syncUntil(bob, "the room", isJoined(roomId), { since });
    const all = [...stateOf(body, roomId), ...timelineOf(body, roomId)];
    const topic = all.findLast((event) => event.type === "m.room.topic");
    mustEqual(topic?.content["topic"], "meanwhile", "topic");
  },
);
