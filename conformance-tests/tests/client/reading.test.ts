import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustBe403, mustEqual, mustEqualAsSets } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import {
  joinedRoom,
  stateOf,
  syncOnce,
  syncToken,
  timelineOf,
  memberKeys,
} from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

clause(
  clientApi("get_matrixclientv3roomsroomidmembers"),
  "members can be asked for as they were at a sync token",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const at = await syncToken(alice);
    const carol = await registerUser(theSubject(), "carol");
    await carol.join(roomId);
    const { chunk } = await alice.call("getMembersByRoom", { path: { roomId }, query: { at } });
    mustEqualAsSets(memberKeys(chunk), [alice.userId, bob.userId], "members");
  },
);

clause(
  clientApi("lazy-loading-room-members"),
  "/messages and /context tell the members who speak in them",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const eventId = await bob.send(roomId, "I speak");
    const filter = JSON.stringify({ lazy_load_members: true, types: ["m.room.message"] });
    const messages = (await alice.call("getRoomEvents", {
      path: { roomId },
      query: { dir: "b", limit: 5, filter },
    })) as unknown as { state?: ClientEvent[] };
    mustEqual(memberKeys(messages.state ?? []), [bob.userId], "members in /messages");
    const context = (await alice.call("getEventContext", {
      path: { roomId, eventId },
      query: { limit: 0, filter: JSON.stringify({ lazy_load_members: true }) },
    })) as unknown as { state?: ClientEvent[] };
    must(
      memberKeys(context.state ?? []).includes(bob.userId),
      "/context lacks the sender's membership",
    );
  },
);

clause(
  clientApi("filtering"),
  "a filter can shut out presence, account data, receipts and whole rooms",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const eventId = await alice.send(roomId, "x");
    await bob.call("postReceipt", { path: { roomId, receiptType: "m.read", eventId }, body: {} });
    await bob.call("setAccountData", {
      path: { userId: bob.userId, type: "org.example.a" },
      body: { a: 1 },
    });
    const filter = {
      presence: { types: [] },
      account_data: { not_types: ["*"] },
      room: { ephemeral: { types: [] }, account_data: { types: [] }, timeline: { limit: 1 } },
    };
    const body = await syncOnce(bob, { filter: JSON.stringify(filter) });
    mustEqual(body.presence?.events ?? [], [], "presence");
    mustEqual(body.account_data?.events ?? [], [], "account data");
    mustEqual(joinedRoom(body, roomId)?.ephemeral?.events ?? [], [], "ephemeral events");
    mustEqual(timelineOf(body, roomId).length, 1, "events in the timeline");
    const none = await syncOnce(bob, { filter: JSON.stringify({ room: { not_rooms: [roomId] } }) });
    mustEqual(none.rooms?.join?.[roomId], undefined, "the room in not_rooms");
  },
);

clause(clientApi("filtering"), "filters choose by what an event contains", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  await alice.send(roomId, "plain");
  await alice.send(roomId, { msgtype: "m.image", body: "a picture", url: "mxc://example.org/x" });
  const read = async (more: object) => {
    const filter = JSON.stringify({ types: ["m.room.message"], ...more });
    const part = (await bob.call("getRoomEvents", {
      path: { roomId },
      query: { dir: "b", limit: 5, filter },
    })) as unknown as { chunk: ClientEvent[] };
    return part.chunk.map((event) => event.content["body"]);
  };
  mustEqual(await read({ contains_url: true }), ["a picture"], "with a url");
  mustEqual(await read({ contains_url: false }), ["plain"], "without a url");
  mustEqual(await read({ senders: [bob.userId] }), [], "by somebody who said nothing");
});

clause(
  clientApi("get_matrixclientv3sync"),
  "a room with history from before the join has a timeline that can be paged back",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    for (let i = 0; i < 5; i++) await alice.send(roomId, `old ${i}`);
    const carol = await registerUser(theSubject(), "carol");
    const since = await syncToken(carol);
    await carol.join(roomId);
    const query = { since, filter: JSON.stringify({ room: { timeline: { limit: 1 } } }) };
    const body = await syncOnce(carol, query);
    const from = joinedRoom(body, roomId)?.timeline?.prev_batch;
    const part = (await carol.call("getRoomEvents", {
      path: { roomId },
      query: { dir: "b", limit: 3, from },
    })) as unknown as { chunk: ClientEvent[] };
    mustEqual(
      part.chunk.map((event) => event.content["body"]),
      ["old 4", "old 3", "old 2"],
      "messages before the join",
    );
  },
);

clause(
  clientApi("private-read-receipts"),
  "a private receipt clears the counts as well",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const eventId = await alice.send(roomId, "one");
    const count = async () =>
      joinedRoom(await syncOnce(bob), roomId)?.unread_notifications?.notification_count ?? 0;
    await bob.call("postReceipt", {
      path: { roomId, receiptType: "m.read.private", eventId },
      body: {},
    });
    mustEqual(await count(), 0, "count after the private receipt");
  },
);

clause(
  clientApi("room-history-visibility"),
  "what a member may see does not change when they come back to a room of visibility joined",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({
      initial_state: [
        { type: "m.room.history_visibility", content: { history_visibility: "joined" } },
      ],
    });
    await alice.send(roomId, "first stay");
    await bob.leave(roomId);
    await alice.send(roomId, "between");
    await bob.join(roomId);
    await alice.send(roomId, "second stay");
    const { chunk } = (await bob.call("getRoomEvents", {
      path: { roomId },
      query: { dir: "b", limit: 50 },
    })) as unknown as { chunk: ClientEvent[] };
    const bodies = chunk
      .filter(({ type }) => type === "m.room.message")
      .map(({ content }) => content["body"]);
    mustEqual(bodies, ["second stay", "first stay"], "messages");
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidjoined_members"),
  "only members are told who else is one, even of an open room",
  async () => {
    const { roomId } = await roomOfTwo();
    const carol = await registerUser(theSubject(), "carol");
    await mustBe403(carol.request("getJoinedMembersByRoom", { path: { roomId } }));
    await mustBe403(carol.request("getMembersByRoom", { path: { roomId } }));
    await mustBe403(carol.request("getRoomState", { path: { roomId } }));
  },
);

clause(
  clientApi("syncing"),
  "state that is set and set back in a gap is told as it is",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    await alice.setState(roomId, "m.room.topic", { topic: "one" });
    const since = await syncToken(bob);
    await alice.setState(roomId, "m.room.topic", { topic: "two" });
    await alice.setState(roomId, "m.room.topic", { topic: "three" });
    for (let i = 0; i < 4; i++) await alice.send(roomId, `m${i}`);
    const query = { since, filter: JSON.stringify({ room: { timeline: { limit: 2 } } }) };
    const body = await syncOnce(bob, query);
    mustEqual(
      stateOf(body, roomId).map((event) => event.content["topic"]),
      ["three"],
      "topics in state",
    );
  },
);
