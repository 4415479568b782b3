import { expect, test } from "vitest";
import { resolveRoots } from "../../../src/rooms/state/resolution.ts";
import type { Actor, StoredEvent } from "../../../src/rooms/index.ts";
import { createRoomStore } from "../../../src/rooms/state/store.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

const MEMBERS = 150;

const [world, a, b] = await startServers("a.test", "b.test");

test("a fork with several power levels on each side is resolved without reading the members", async () => {
  const alice = a.user("alice");
  const bob = b.user("bob");
  const roomId = await a.rooms.create.room(alice, { preset: "public_chat", room_version: "11" });
  await Promise.all(
    Array.from({ length: MEMBERS }, (_, i) =>
      a.rooms.members.join({ by: a.user(`user${i}`), room: roomId }),
    ),
  );
  world.reset();
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  const { event } = await a.rooms.history.stateEvent(
    alice.userId,
    roomId,
    "m.room.power_levels",
    "",
  );
  const users = { [alice.userId]: 100, [bob.userId]: 100 };
  const state = (by: Actor, type: string, stateKey: string, content: object) =>
    (by === alice ? a : b).rooms.send.state({
      ...{ by, roomId, type, stateKey },
      content: content as typeof event.content,
    });
  await state(alice, "m.room.power_levels", "", { ...event.content, users });
  await world.flush();
  world.cut(a, b);
  for (const [server, by] of [
    [a, alice],
    [b, bob],
  ] as const) {
    for (let i = 0; i < 4; i += 1) {
      await state(by, "m.room.power_levels", "", {
        ...event.content,
        users: { ...users, [server.user(`user${i}`).userId]: 10 + i },
      });
      await state(by, "org.example.note", `of ${by.userId.slice(1)} ${i}`, { i });
    }
  }
  const tipOf = async (server: TestServer): Promise<StoredEvent> => {
    const room = await server.rooms.view.room(roomId);
    return (await server.rooms.history.timeline(room!.nid, { limit: 1 })).events[0]!;
  };
  const theirs = (await tipOf(b)).event.eventId;
  const ours = await tipOf(a);
  world.heal();
  await world.flush();
  const found = (await a.rooms.view.eventsById([theirs])).get(theirs)!;

  const room = (await a.rooms.view.room(roomId))!;
  const store = createRoomStore(a.db.sql);
  const whole = await resolveRoots(
    { ...store, events: { ...store.events, byNids: withoutStates(store.events.byNids) } },
    room,
    [ours.stateAfter, found.stateAfter],
  );
  const tree = {
    ...store.tree,
    entries: async () => {
      throw new Error("the whole state was read");
    },
  };
  const fresh = createRoomStore(a.db.sql);
  const sparing = await resolveRoots({ ...fresh, tree }, room, [ours.stateAfter, found.stateAfter]);
  expect(sparing).toEqual(whole);
  expect(sparing.changes.length).toBeGreaterThanOrEqual(4);
});

/** As if all were outliers: then the whole state is looked at. */
function withoutStates(
  byNids: (nids: readonly number[]) => Promise<Map<number, StoredEvent>>,
): typeof byNids {
  return async (nids) => {
    const events = [...(await byNids(nids)).values()];
    return new Map(events.map((stored) => [stored.nid, { ...stored, stateBefore: null }]));
  };
}
