import { clause, clientApi } from "../../harness/clause.ts";
import { must, mustBe403, mustEqual, mustFail } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { syncOnce, timelineOf } from "../../harness/sync.ts";
import { twoUsers } from "../../harness/two-users.ts";
import { bodies, messages } from "./pages.ts";

async function withHistory(visibility: string) {
  const [alice, bob] = await twoUsers();
  const content = { history_visibility: visibility };
  const roomId = await alice.createRoom({
    preset: "public_chat",
    initial_state: [{ type: "m.room.history_visibility", content }],
  });
  return { alice, bob, roomId };
}

const whatIsSeen = [
  ["joined", ["after the join"]],
  ["invited", ["after the invitation", "after the join"]],
  ["shared", ["at first", "after the invitation", "after the join"]],
  ["world_readable", ["at first", "after the invitation", "after the join"]],
] as const;

for (const [visibility, expected] of whatIsSeen) {
  clause(
    clientApi("room-history-visibility"),
    `with history visibility ${visibility} a new member reads back so far: ${expected[0]}`,
    async () => {
      const { alice, bob, roomId } = await withHistory(visibility);
      const first = await alice.send(roomId, "at first");
      await alice.invite(roomId, bob.userId);
      await alice.send(roomId, "after the invitation");
      await bob.join(roomId);
      await alice.send(roomId, "after the join");
      const { chunk } = await messages(bob, roomId, { dir: "b", limit: 50 });
      mustEqual(bodies(chunk), [...expected].toReversed(), "messages");
      const answer = await bob.request("getOneRoomEvent", { path: { roomId, eventId: first } });
      mustEqual(
        answer.status === 200,
        expected.length === 3,
        "whether the first event can be read",
      );
      const body = await syncOnce(bob, {
        filter: JSON.stringify({ room: { timeline: { limit: 50 } } }),
      });
      mustEqual(bodies(timelineOf(body, roomId)), expected, "messages in /sync");
    },
  );
}

clause(
  clientApi("room-history-visibility"),
  "who has left sees nothing of what came after",
  async () => {
    const { alice, bob, roomId } = await withHistory("shared");
    await bob.join(roomId);
    await alice.send(roomId, "while bob is here");
    await bob.leave(roomId);
    const later = await alice.send(roomId, "when bob is gone");
    await alice.setState(roomId, "m.room.topic", { topic: "secret plans" });
    const { chunk } = await messages(bob, roomId, { dir: "b", limit: 50 });
    mustEqual(bodies(chunk), ["while bob is here"], "messages");
    await mustFail(
      bob.request("getOneRoomEvent", { path: { roomId, eventId: later } }),
      [403, 404],
    );
    await mustFail(
      bob.request("getEventContext", { path: { roomId, eventId: later } }),
      [403, 404],
    );
    const state = (await bob.call("getRoomState", {
      path: { roomId },
    })) as unknown as ClientEvent[];
    must(
      !state.some((event) => event.type === "m.room.topic"),
      "the state shows what came after leaving",
    );
    must(
      state.some((event) => event.type === "m.room.create"),
      "the state as of leaving cannot be read",
    );
  },
);

clause(
  clientApi("room-history-visibility"),
  "anybody reads a world readable room, nobody else's",
  async () => {
    const { alice, bob, roomId } = await withHistory("world_readable");
    await alice.send(roomId, "for the world");
    const { chunk } = await messages(bob, roomId, { dir: "b", limit: 50 });
    mustEqual(bodies(chunk), ["for the world"], "messages");
    await bob.call("getRoomState", { path: { roomId } });
    await alice.setState(roomId, "m.room.history_visibility", { history_visibility: "shared" });
    await mustBe403(bob.request("getRoomState", { path: { roomId } }));
  },
);
