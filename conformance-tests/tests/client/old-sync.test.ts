import { clause, clientApi } from "../../harness/clause.ts";
import { must, mustBe403, mustBe404, mustEqual } from "../../harness/must.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

clause(
  clientApi("get_matrixclientv3events"),
  "events that follow the initial sync come once, with their room",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const { end: from, rooms } = await alice.call("initialSync");
    const room = rooms.find(({ room_id: id }) => id === roomId);
    mustEqual(room?.membership, "join", "alice's membership by the initial sync");
    const eventId = await bob.send(roomId, "news");
    const told: string[] = [];
    let next = from;
    for (let turn = 0; turn < 20 && !told.includes(eventId); turn += 1) {
      const { chunk, end } = await alice.call("getEvents", {
        query: { from: next, timeout: 5_000 },
      });
      for (const event of chunk as Record<string, unknown>[]) {
        if (event.type !== "m.room.message") continue;
        mustEqual(event.room_id, roomId, "the event's room");
        told.push(event.event_id as string);
      }
      next = end;
    }
    mustEqual(told, [eventId], "the messages that were told");
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidinitialsync"),
  "a room's initial sync shows members its state and last messages, and nobody else anything",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const eventId = await alice.send(roomId, "last");
    const room = await bob.call("roomInitialSync", { path: { roomId } });
    must(
      room.messages?.chunk.some(({ event_id: id }) => id === eventId),
      "the last message is missing",
    );
    must(
      room.state?.some(({ type }) => type === "m.room.create"),
      "the room's state is missing",
    );
    const { bob: stranger } = await roomOfTwo();
    await mustBe403(stranger.request("roomInitialSync", { path: { roomId } }));
  },
);

clause(
  clientApi("get_matrixclientv3eventseventid"),
  "an event is found without its room by its members only",
  async () => {
    const { bob, alice, roomId } = await roomOfTwo();
    const eventId = await alice.send(roomId, "find me");
    const event = await bob.call("getOneEvent", { path: { eventId } });
    mustEqual(event.room_id, roomId, "the event's room");
    const { bob: stranger } = await roomOfTwo();
    await mustBe404(stranger.request("getOneEvent", { path: { eventId } }));
  },
);
