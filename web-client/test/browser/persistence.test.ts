import { afterEach, describe, expect, test, vi } from "vitest";
import { decryptionOf, withDecryption } from "../../src/encryption/decryption.ts";
import { wipeKeys } from "../../src/encryption/vault.ts";
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

test("when another page has thrown all away, what has not changed is written again with what has", async () => {
  const make = createEvents();
  const store = new RoomStore(ME);
  const rooms = [ROOM, "!other:one"];
  for (const roomId of rooms) {
    store.apply(syncOf(roomId, { timeline: { events: [make.member(ME)] } }), 0);
  }
  const [page, other] = [await openPersistence(ME, "H"), await openPersistence(ME, "H")];
  expect(await page.save(store, "s1", rooms)).toBe(true);
  await other.clear();
  expect(await page.save(store, "s2", [ROOM])).toBe(false);
  expect(await other.load(new RoomStore(ME))).toBeUndefined();
  expect(await page.save(store, "s2", rooms)).toBe(true);
  const restored = new RoomStore(ME);
  expect(await other.load(restored)).toBe("s2");
  expect([...restored.rooms.keys()].toSorted()).toEqual(rooms.toSorted());
  // What this page has thrown away itself it writes whole anyway.
  await page.clear();
  expect(await page.save(store, "s3", rooms)).toBe(true);
  await page.destroy();
});

afterEach(() => void vi.restoreAllMocks());

/** A room with people and words in it, kept and read again. */
async function keptAndRead(
  fill: (store: RoomStore, make: ReturnType<typeof createEvents>) => void,
) {
  const store = new RoomStore(ME);
  fill(store, createEvents());
  const kept = await openPersistence(ME, "F");
  await kept.save(store, "s1", store.rooms.keys());
  const restored = new RoomStore(ME);
  await kept.load(restored);
  await kept.destroy();
  return restored.room(ROOM)!;
}

describe("of a large room is kept", () => {
  test("the last thirty events, from where one can page back", async () => {
    const room = await keptAndRead((store, make) => {
      for (const [token, count] of [
        ["p1", 40],
        ["p2", 25],
        ["p3", 10],
      ] as const) {
        const events = Array.from({ length: count }, (_, at) => make.message(ME, `${token} ${at}`));
        store.apply(syncOf(ROOM, { timeline: { events, prev_batch: token } }), 0);
      }
    });
    expect(room.timeline.entries).toHaveLength(35);
    expect(room.timeline.prevToken).toBe("p2");
  });

  test("two hundred members, besides those who speak and those whom it is named after", async () => {
    const room = await keptAndRead((store, make) => {
      const crowd = Array.from({ length: 500 }, (_, at) => make.member(`@u${at}:one`));
      store.apply(
        syncOf(ROOM, {
          state: { events: [...crowd, make.state("m.room.name", ME, { name: "N" })] },
          timeline: { events: [make.message("@u499:one", "hello")], prev_batch: "p" },
          summary: { "m.heroes": ["@u498:one"], "m.joined_member_count": 500 },
        }),
        0,
      );
    });
    const members = room.members("join").map(({ userId }) => userId);
    expect(members).toHaveLength(202);
    expect(members.slice(-3)).toEqual(["@u199:one", "@u498:one", "@u499:one"]);
    expect(room.stateEvent("m.room.name")?.content).toEqual({ name: "N" });
    expect(room.joinedCount).toBe(500);
    expect(room.membersLoaded).toBe(false);
  });

  test("the last two hundred receipts", async () => {
    const room = await keptAndRead((store, make) => {
      const said = make.message(ME, "x");
      const readers = Object.fromEntries(
        Array.from({ length: 300 }, (_, at) => [`@u${at}:one`, { ts: at }]),
      );
      store.apply(syncOf(ROOM, { timeline: { events: [said] } }), 0);
      store.room(ROOM)!.receipts.apply({ [said.event_id]: { "m.read": readers } });
    });
    expect(room.receipts.byUser.size).toBe(200);
    expect(room.receipts.of("@u299:one")?.ts).toBe(299);
    expect(room.receipts.of("@u0:one")).toBeUndefined();
  });
});

test("the room's start, once reached, is still known", async () => {
  const room = await keptAndRead((store, make) => {
    store.apply(syncOf(ROOM, { timeline: { events: [make.message(ME, "x")] } }), 0);
    store.room(ROOM)!.timeline.prepend([], undefined);
  });
  expect(room.timeline.reachedStart).toBe(true);
});

test("an invitation is kept with what may be known of its room", async () => {
  const room = await keptAndRead((store) => {
    const events = [
      { type: "m.room.name", state_key: "", sender: "@a:b", content: { name: "Party" } },
    ];
    store.apply(
      { next_batch: "s", rooms: { invite: { [ROOM]: { invite_state: { events } } } } },
      0,
    );
  });
  expect(room.membership).toBe("invite");
  expect(room.stateEvent("m.room.name")?.content).toEqual({ name: "Party" });
});

describe("the list", () => {
  const SPACE = "!space:one";
  const names = (count: number) => Array.from({ length: count }, (_, at) => `!${at}:one`);

  /** Rooms, one of which is a space, kept under this device. */
  async function keepRooms(device: string, events = createEvents()) {
    const store = new RoomStore(ME);
    for (const roomId of names(90)) {
      store.apply(syncOf(roomId, { timeline: { events: [events.message(ME, roomId)] } }), 0);
    }
    const create = events.state("m.room.create", ME, { type: "m.space" });
    store.apply(syncOf(SPACE, { state: { events: [create] } }), 0);
    const kept = await openPersistence(ME, device);
    await kept.save(store, "s1", store.rooms.keys());
    return { store, kept };
  }

  test("is seen before the rooms are read, but for spaces and the one that is open", async () => {
    const { store, kept } = await keepRooms("L");
    const restored = new RoomStore(ME);
    expect(await kept.glance(restored, "!5:one")).toBe("s1");
    expect(restored.$list.get()).toEqual(store.$list.get());
    expect([...restored.rooms.keys()].toSorted()).toEqual(["!5:one", SPACE]);
    expect(restored.isFilling).toBe(true);
    expect(await kept.load(restored)).toBe("s1");
    expect(restored.isFilling).toBe(false);
    expect(restored.rooms.size).toBe(91);
    expect(restored.room("!5:one")!.timeline.entries).toHaveLength(1);
    expect(restored.$list.get()).toEqual(store.$list.get());
    await kept.destroy();
  });

  test("that was made in another language is made of the rooms", async () => {
    const { kept } = await keepRooms("M");
    document.documentElement.lang = "de";
    const restored = new RoomStore(ME);
    expect(await kept.glance(restored, undefined)).toBeUndefined();
    document.documentElement.lang = "";
    expect(restored.$list.get()).toEqual([]);
    expect(await kept.load(restored)).toBe("s1");
    expect(restored.$list.get()).toHaveLength(91);
    await kept.destroy();
  });

  test("is not written while rooms are missing, and goes with them", async () => {
    const { store, kept } = await keepRooms("N");
    const restored = new RoomStore(ME);
    await kept.glance(restored, undefined);
    restored.foretell([]);
    await kept.save(restored, "s1", []);
    const again = new RoomStore(ME);
    await kept.glance(again, undefined);
    expect(again.$list.get()).toEqual(store.$list.get());
    await kept.clear();
    expect(await kept.glance(new RoomStore(ME), undefined)).toBeUndefined();
    await kept.destroy();
  });
});

describe("a disk", () => {
  const one = () => {
    const store = new RoomStore(ME);
    store.apply(
      syncOf(ROOM, { timeline: { events: [createEvents().message(ME, "x")], prev_batch: "p" } }),
      0,
    );
    return store;
  };

  test("of another version is not read", async () => {
    const kept = await openPersistence(ME, "G");
    const put = vi.spyOn(IDBObjectStore.prototype, "put");
    put.mockImplementation(function (this: IDBObjectStore, value: object, key?: IDBValidKey) {
      put.mockRestore();
      return this.put({ ...value, version: 0 }, key);
    });
    await kept.save(one(), "s1", []);
    expect(await kept.load(new RoomStore(ME))).toBeUndefined();
    await kept.destroy();
  });

  test("that is full fails as a whole: rooms and position go together", async () => {
    const kept = await openPersistence(ME, "H");
    const store = one();
    await kept.save(store, "s1", [ROOM]);
    const abort = vi.spyOn(IDBObjectStore.prototype, "put");
    abort.mockImplementation(function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
      abort.mockRestore();
      const request = this.put(value, key);
      request.addEventListener("success", () => request.transaction!.abort());
      return request;
    });
    await expect(kept.save(store, "s2", [ROOM])).rejects.toBeDefined();
    expect(await kept.load(new RoomStore(ME))).toBe("s1");
    await kept.destroy();
  });

  test("that another tab has cleared takes nothing more, and says so", async () => {
    const [here, there] = [await openPersistence(ME, "I"), await openPersistence(ME, "I")];
    await here.save(one(), "s1", [ROOM]);
    await there.destroy();
    await expect(here.save(one(), "s2", [ROOM])).rejects.toMatchObject({
      name: "InvalidStateError",
    });
  });

  test("is one per user and device", async () => {
    const [first, second] = [await openPersistence(ME, "J"), await openPersistence(ME, "K")];
    await first.save(one(), "s1", [ROOM]);
    expect(await second.load(new RoomStore(ME))).toBeUndefined();
    await first.clear();
    expect(await first.load(new RoomStore(ME))).toBeUndefined();
    await Promise.all([first.destroy(), second.destroy()]);
  });
});

test("what was said encrypted is sealed on the disk, and readable at once when it comes back", async () => {
  const make = createEvents();
  const store = new RoomStore(ME);
  const encryption = { algorithm: "m.megolm.v1.aes-sha2", rotation_period_msgs: 3 };
  const wire = make.event("m.room.encrypted", "@ann:two", { ciphertext: "x", session_id: "k" });
  const shield = { color: "grey", why: "unknown-device" } as const;
  const clear = { ...wire, type: "m.room.message", content: { msgtype: "m.text", body: "secret" } };
  const read = withDecryption(clear, { state: "readable", wire, shield });
  const lost = make.event("m.room.encrypted", "@ann:two", { ciphertext: "y", session_id: "l" });
  store.apply(
    syncOf(ROOM, {
      state: { events: [make.state("m.room.encryption", ME, encryption)] },
      timeline: { events: [lost, read] },
    }),
    0,
  );
  const kept = await openPersistence(ME, "S");
  await kept.save(store, "s1", [ROOM]);
  const open = indexedDB.open(`weft ${ME} S`);
  await new Promise((resolve) => open.addEventListener("success", resolve));
  const rows = open.result.transaction("rooms").objectStore("rooms").getAll();
  const list = open.result.transaction("meta").objectStore("meta").get("list");
  await new Promise((resolve) => list.addEventListener("success", resolve));
  open.result.close();
  expect(Object.keys((rows.result as object[])[0]!)).toEqual(["roomId", "sealed"]);
  const { sealed } = (rows.result as { sealed: { data: ArrayBuffer } }[])[0]!;
  expect(new TextDecoder().decode(sealed.data)).not.toContain("secret");

  const meta = JSON.stringify(list.result);
  expect(meta).toContain("madeBy");
  expect(meta).not.toMatch(/secret|!room/);

  const restored = new RoomStore(ME);
  const again = await openPersistence(ME, "S");
  expect(await again.glance(restored, undefined)).toBe("s1");
  expect(restored.summary(ROOM)?.preview).toBe("ann: secret");
  expect(await again.load(restored)).toBe("s1");
  expect(restored.summary(ROOM)?.preview).toBe("ann: secret");
  const room = restored.room(ROOM)!;
  expect(room.encryption).toEqual(encryption);
  const { event } = room.timeline.find(wire.event_id)!;
  expect(decryptionOf(event)).toEqual({ state: "readable", wire, shield });
  expect(decryptionOf(room.timeline.find(lost.event_id)!.event)).toEqual({ state: "pending" });

  // Without its keys it is worth nothing: all is asked of the server anew.
  await wipeKeys(ME, "S");
  const bare = await openPersistence(ME, "S");
  expect(await bare.glance(new RoomStore(ME), undefined)).toBeUndefined();
  expect(await bare.load(new RoomStore(ME))).toBeUndefined();
  await bare.destroy();
  await wipeKeys(ME, "S");
});

describe("a room that was encrypted", () => {
  const make = createEvents();
  const state = make.state("m.room.encryption", ME, { algorithm: "m.megolm.v1.aes-sha2" });
  const DEVICE = "ENC";

  async function keepOne() {
    const store = new RoomStore(ME);
    store.apply(syncOf(ROOM, { state: { events: [state, make.member(ME)] } }), 0);
    const kept = await openPersistence(ME, DEVICE);
    await kept.save(store, "s1", [ROOM]);
    return { store, kept };
  }

  /** Whether it passes for encrypted at the next visit, whose server says nothing of it. */
  async function isEncryptedLater(): Promise<boolean> {
    const kept = await openPersistence(ME, DEVICE);
    const store = new RoomStore(ME);
    await kept.load(store);
    store.apply(syncOf(ROOM, { state: { events: [make.member(ME)] } }), 0, new Set([ROOM]));
    await kept.destroy();
    await wipeKeys(ME, DEVICE);
    return store.room(ROOM)?.encryption !== undefined;
  }

  test("stays so for a server that has lost our place", async () => {
    const { kept } = await keepOne();
    await kept.clear();
    expect(await isEncryptedLater()).toBe(true);
  });

  test("stays so when it was left", async () => {
    const { store, kept } = await keepOne();
    const left = { leave: { [ROOM]: { timeline: { events: [make.member(ME, "leave")] } } } };
    store.apply({ next_batch: "s2", rooms: left }, 0);
    await kept.save(store, "s2", [ROOM]);
    expect(await isEncryptedLater()).toBe(true);
  });

  test("stays so when what is kept of it cannot be opened", async () => {
    await keepOne();
    await wipeKeys(ME, DEVICE);
    expect(await isEncryptedLater()).toBe(true);
  });
});
