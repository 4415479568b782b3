import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustEqual, mustFail } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { joinedRoom, syncOnce, syncToken } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";

clause(clientApi("get_matrixclientv3sync"), "a room with a name has no heroes", async () => {
  const alice = await registerUser(theSubject(), "alice");
  const bob = await registerUser(theSubject(), "bob");
  const roomId = await alice.createRoom({ name: "Hall", invite: [bob.userId] });
  const { summary } = joinedRoom(await syncOnce(alice), roomId) ?? {};
  mustEqual(summary?.["m.invited_member_count"], 1, "invited");
  mustEqual(summary?.["m.heroes"], undefined, "m.heroes");
});

clause(
  clientApi("get_matrixclientv3pushrulesglobalkindruleid"),
  "a push rule of an unknown kind is not found",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const path = { kind: "nonsense", ruleId: "x" };
    await mustFail(alice.request("getPushRule", { path }), 404);
    await mustFail(alice.request("isPushRuleEnabled", { path }), 404);
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidmessages"),
  "reading back ends at the beginning of the room",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({});
    const types: string[] = [];
    let from: string | undefined;
    for (let i = 0; i < 20; i++) {
      const part = (await alice.call("getRoomEvents", {
        path: { roomId },
        query: { dir: "b", limit: 3, from },
      })) as unknown as { chunk: ClientEvent[]; end?: string };
      types.push(...part.chunk.map(({ type }) => type));
      from = part.end;
      if (from === undefined) break;
    }
    mustEqual(from, undefined, "end");
    mustEqual(types.at(-1), "m.room.create", "the first event");
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidmessages"),
  "a token that the server has not given out is refused",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({});
    const query = { dir: "b", from: "no such token" } as const;
    await mustFail(alice.request("getRoomEvents", { path: { roomId }, query }), 400);
    const at = { at: "no such token" };
    await mustFail(alice.request("getMembersByRoom", { path: { roomId }, query: at }), 400);
  },
);

clause(
  clientApi("leaving-rooms"),
  "a room that is left and forgotten ends for who was away meanwhile",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ preset: "public_chat" });
    const since = await syncToken(alice);
    await alice.leave(roomId);
    await alice.call("forgetRoom", { path: { roomId } });
    const body = await syncOnce(alice, { since });
    must(body.rooms?.leave?.[roomId] !== undefined, "the room is not among those that were left");
    const filter = JSON.stringify({ room: { include_leave: true } });
    const anew = await syncOnce(alice, { filter });
    mustEqual(anew.rooms?.leave?.[roomId], undefined, "the forgotten room");
  },
);

clause(
  clientApi("presence"),
  "whoever has not been there yet is offline, and idle if they say so",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const path = { userId: alice.userId };
    mustEqual((await alice.call("getPresence", { path })).presence, "offline", "at first");
    await syncOnce(alice, { set_presence: "online" });
    mustEqual((await alice.call("getPresence", { path })).presence, "online", "in use");
    await syncOnce(alice, { set_presence: "unavailable" });
    mustEqual((await alice.call("getPresence", { path })).presence, "unavailable", "idle");
  },
);
