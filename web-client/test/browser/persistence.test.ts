import { expect, test } from "vitest";
import { openPersistence } from "../../src/store/persistence.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "../unit/events.ts";

const ME = "@me:one";
const ROOM = "!room:one";

test("rooms, counts, presence and position come back as they were, and signing out takes them away", async () => {
  const make = createEvents();
  const store = new RoomStore(ME);
  const state = [
    make.state("m.room.name", ME, { name: "Weaving" }),
    make.member("@ann:two", "join", "Ann"),
  ];
  store.apply(
    syncOf(
      ROOM,
      {
        state: { events: state },
        timeline: { events: [make.message("@ann:two", "hello")], prev_batch: "p1" },
        unread_notifications: { notification_count: 2 },
        account_data: { events: [{ type: "m.fully_read", content: { event_id: "$x" } }] },
      },
      {
        account_data: { events: [{ type: "m.direct", content: { "@ann:two": [ROOM] } }] },
        presence: {
          events: [{ type: "m.presence", sender: "@ann:two", content: { presence: "online" } }],
        },
      },
    ),
    0,
  );
  const first = await openPersistence(ME, "D");
  await first.save(store, "s7", [ROOM]);

  const again = await openPersistence(ME, "D");
  const restored = new RoomStore(ME);
  expect(await again.load(restored)).toBe("s7");
  expect(restored.$list.get()).toEqual(store.$list.get());
  expect(restored.room(ROOM)?.timeline.prevToken).toBe("p1");
  expect(restored.room(ROOM)?.fullyRead).toBe("$x");
  expect(restored.presence.of("@ann:two")?.state).toBe("online");

  await again.destroy();
  const empty = await openPersistence(ME, "D");
  expect(await empty.load(new RoomStore(ME))).toBeUndefined();
  await empty.destroy();
});

test("a room that was left is not kept", async () => {
  const make = createEvents();
  const store = new RoomStore(ME);
  store.apply(syncOf(ROOM, { timeline: { events: [make.member(ME)] } }), 0);
  const kept = await openPersistence(ME, "E");
  await kept.save(store, "s1", [ROOM]);
  store.forget(ROOM);
  await kept.save(store, "s2", [ROOM]);
  const restored = new RoomStore(ME);
  expect(await kept.load(restored)).toBe("s2");
  expect(restored.rooms.size).toBe(0);
  await kept.destroy();
});
