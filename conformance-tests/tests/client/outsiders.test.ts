/** What who is out of a room may still learn of it. */
import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustEqual, mustFail } from "../../harness/must.ts";
import { stateOf, syncOnce, syncToken, syncUntil, timelineOf } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";

async function pair(): Promise<[User, User]> {
  return [await registerUser(theSubject(), "alice"), await registerUser(theSubject(), "bob")];
}

clause(
  clientApi("room-history-visibility"),
  "a ban of who had left brings nothing of what happened since the leave",
  async () => {
    const [alice, bob] = await pair();
    const roomId = await alice.createRoom({ preset: "public_chat" });
    await bob.join(roomId);
    const since = await syncToken(bob);
    await bob.leave(roomId);
    await alice.setState(roomId, "m.room.name", { name: "Behind closed doors" });
    const later = await alice.send(roomId, "not for those outside");
    await alice.call("ban", { path: { roomId }, body: { user_id: bob.userId } });
    const body = await syncUntil(
      bob,
      "the ban",
      ({ rooms }) => rooms?.leave?.[roomId] !== undefined,
      { since },
    );
    const events = [...timelineOf(body, roomId), ...stateOf(body, roomId)];
    must(!JSON.stringify(events).includes("Behind closed doors"), "the later name is told");
    must(!events.some(({ event_id }) => event_id === later), "what was said later is told");
  },
);

clause(
  clientApi("post_matrixclientv3roomsroomidforget"),
  "the history of a forgotten room is retrieved by no path",
  async () => {
    const [alice, bob] = await pair();
    const roomId = await alice.createRoom({ preset: "public_chat" });
    await bob.join(roomId);
    const eventId = await bob.send(roomId, "before it was forgotten");
    await bob.leave(roomId);
    await bob.call("forgetRoom", { path: { roomId } });
    const path = { roomId, eventId };
    await mustFail(bob.request("getOneRoomEvent", { path }), [403, 404]);
    await mustFail(bob.request("getEventContext", { path }), [403, 404]);
    await mustFail(bob.request("getRelatingEvents", { path }), [403, 404]);
    await mustFail(bob.request("getRoomEvents", { path, query: { dir: "b" } }), [403, 404]);
  },
);

clause(
  clientApi("ignoring-users"),
  "of an invite by who is ignored nothing is seen, nor that it is taken back",
  async () => {
    const [alice, bob] = await pair();
    await bob.call("setAccountData", {
      path: { userId: bob.userId, type: "m.ignored_user_list" },
      body: { ignored_users: { [alice.userId]: {} } },
    });
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    const body = { user_id: bob.userId };
    const since = await syncToken(bob);
    mustEqual((await syncOnce(bob)).rooms?.invite?.[roomId], undefined, "the invite");
    await alice.call("kick", { path: { roomId }, body });
    mustEqual((await syncOnce(bob, { since })).rooms?.leave?.[roomId], undefined, "the end of it");
  },
);

clause(
  clientApi("lazy-loading-room-members"),
  "a page read forwards has the member events of all its senders",
  async () => {
    const [alice, bob] = await pair();
    const roomId = await alice.createRoom({ preset: "public_chat" });
    await alice.send(roomId, "one");
    await bob.join(roomId);
    await bob.send(roomId, "two");
    const filter = JSON.stringify({ types: ["m.room.message"], lazy_load_members: true });
    const found = await alice.call("getRoomEvents", {
      path: { roomId },
      query: { dir: "f", limit: 50, filter },
    });
    const members = (found.state ?? []) as unknown as { state_key: string; content: object }[];
    mustEqual(
      members.map(({ state_key }) => state_key).toSorted(),
      [alice.userId, bob.userId].toSorted(),
      "whose member events are told",
    );
  },
);
