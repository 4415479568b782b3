import { describe, expect, test } from "vitest";
import type { Content } from "../../src/api/types.ts";
import type { Client } from "../../src/store/client.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { sectionsOf, type ListWish } from "../../src/store/room-sections.ts";
import { moveSpace } from "../../src/store/space-actions.ts";
import { between, placeKeys } from "../../src/store/space-order.ts";
import { readSpaces } from "../../src/store/spaces.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";

function setUp() {
  const store = new RoomStore(ME);
  const make = createEvents();
  const room = (roomId: string, name: string, more: object = {}) => {
    const events = [make.state("m.room.name", ME, { name }), make.message("@ann:one", name)];
    store.apply(syncOf(roomId, { timeline: { events }, ...more }), 0);
  };
  const space = (roomId: string, children: Record<string, Content>) => {
    const events = [
      make.state("m.room.create", ME, { type: "m.space" }),
      make.state("m.room.name", ME, { name: roomId.slice(1, 4) }),
      ...Object.entries(children).map(([id, content]) =>
        make.state("m.space.child", ME, content, id),
      ),
    ];
    store.apply(syncOf(roomId, { state: { events } }), 0);
  };
  return { store, make, room, space };
}

const via = ["one"];
const wish = (more: Partial<ListWish> = {}): ListWish => ({
  place: "home",
  filter: "all",
  search: "",
  stays: undefined,
  ...more,
});

describe("spaces at the top", () => {
  const top = (store: RoomStore): string[] => readSpaces(store).top.map(({ roomId }) => roomId);
  const order = (store: RoomStore, roomId: string, value: unknown): void => {
    const content = { order: value } as Content;
    const events = [{ type: "org.matrix.msc3230.space_order", content }];
    store.apply(syncOf(roomId, { account_data: { events } }), 0);
  };

  test("stand where they were put, and the others by their names behind them", () => {
    const { store, space } = setUp();
    for (const id of ["!d:one", "!c:one", "!b:one", "!a:one"]) space(id, {});
    expect(top(store)).toEqual(["!a:one", "!b:one", "!c:one", "!d:one"]);
    order(store, "!d:one", "a");
    order(store, "!c:one", "B");
    order(store, "!a:one", 7);
    order(store, "!b:one", "not\nprintable");
    expect(top(store)).toEqual(["!c:one", "!d:one", "!a:one", "!b:one"]);
  });

  test("are moved at once, for all devices; what the server refuses goes back", async () => {
    const { store, space } = setUp();
    for (const id of ["!a:one", "!b:one", "!c:one"]) space(id, {});
    const told: unknown[][] = [];
    let fails = false;
    const setAccountData = async (...args: unknown[]): Promise<void> => {
      if (fails) throw new Error("no");
      told.push(args);
    };
    const client = { store, api: { notes: { setAccountData } } } as unknown as Client;
    await moveSpace(client, top(store), 2, 0);
    expect(top(store)).toEqual(["!c:one", "!a:one", "!b:one"]);
    expect(told).toHaveLength(3);
    told.length = 0;
    await moveSpace(client, top(store), 0, 1);
    expect(top(store)).toEqual(["!a:one", "!c:one", "!b:one"]);
    expect(told).toMatchObject([["!c:one", "org.matrix.msc3230.space_order", {}]]);
    fails = true;
    await expect(moveSpace(client, top(store), 0, 2)).rejects.toThrow("no");
    expect(top(store)).toEqual(["!a:one", "!c:one", "!b:one"]);
  });
});

describe("the tree of spaces", () => {
  test("has children by their order, then by when they came, and none without a server", () => {
    const { store, space } = setUp();
    space("!top:one", {
      "!late:one": { via },
      "!later:one": { via, order: "not\nprintable" },
      "!b:one": { via, order: "b" },
      "!a:one": { via, order: "a", suggested: true },
      "!gone:one": {},
      "!none:one": { via: [] },
    });
    const children = readSpaces(store).children("!top:one");
    expect(children.map(({ roomId }) => roomId)).toEqual([
      "!a:one",
      "!b:one",
      "!late:one",
      "!later:one",
    ]);
    expect(children.map(({ suggested }) => suggested)).toEqual([true, false, false, false]);
  });

  test("shows at the top what is in no other, and all that is below", () => {
    const { store, space } = setUp();
    space("!top:one", { "!sub:one": { via }, "!r1:one": { via } });
    space("!sub:one", { "!r2:one": { via } });
    const spaces = readSpaces(store);
    expect(spaces.top.map(({ roomId }) => roomId)).toEqual(["!top:one"]);
    expect([...spaces.below("!top:one")].toSorted()).toEqual(["!r1:one", "!r2:one", "!sub:one"]);
  });

  test("of spaces that hold one another shows one, and ends", () => {
    const { store, space } = setUp();
    space("!a:one", { "!b:one": { via } });
    space("!b:one", { "!a:one": { via } });
    space("!self:one", { "!self:one": { via } });
    const spaces = readSpaces(store);
    expect(spaces.top.map(({ roomId }) => roomId)).toEqual(["!a:one", "!self:one"]);
    expect([...spaces.below("!a:one")]).toEqual(["!b:one"]);
    expect([...spaces.below("!self:one")]).toEqual([]);
  });
});

describe("the list", () => {
  test("of a space has its rooms in its order, and those of the spaces in it", () => {
    const { store, space, room } = setUp();
    for (const name of ["!r1:one", "!r2:one", "!r3:one", "!other:one"]) room(name, name);
    space("!top:one", {
      "!r2:one": { via, order: "2" },
      "!r1:one": { via, order: "1" },
      "!sub:one": { via, order: "3" },
      "!unknown:one": { via },
    });
    space("!sub:one", { "!r3:one": { via }, "!top:one": { via } });
    const sections = sectionsOf(store.$list.get(), readSpaces(store), wish({ place: "!top:one" }));
    expect(sections.map(({ heading, rooms }) => [heading, rooms.map((one) => one.roomId)])).toEqual(
      [
        ["Rooms", ["!r1:one", "!r2:one"]],
        ["sub", ["!r3:one"]],
      ],
    );
  });

  test("has favourites and low priority by their places, and searches everywhere", () => {
    const { store, room, space } = setUp();
    const tagged = (tag: string, order?: number) => ({
      account_data: {
        events: [{ type: "m.tag", content: { tags: { [tag]: { ...(order && { order }) } } } }],
      },
    });
    room("!last:one", "Last", tagged("m.favourite"));
    room("!second:one", "Second", tagged("m.favourite", 0.5));
    room("!first:one", "First", tagged("m.favourite", 0.25));
    room("!low:one", "Low", tagged("m.lowpriority", 0.5));
    room("!plain:one", "Plain");
    space("!top:one", { "!plain:one": { via } });
    const parts = (more: Partial<ListWish>) =>
      sectionsOf(store.$list.get(), readSpaces(store), wish(more)).map(({ key, rooms }) => [
        key,
        rooms.map(({ name }) => name),
      ]);
    expect(parts({})).toEqual([
      ["favourites", ["First", "Second", "Last"]],
      ["rooms", ["Plain"]],
      ["low", ["Low"]],
    ]);
    expect(parts({ place: "!top:one", search: "sécond" })).toEqual([["favourites", ["Second"]]]);
  });

  test("of what is unread keeps the room that is open", () => {
    const { store, room } = setUp();
    const counts = { unread_notifications: { notification_count: 2, highlight_count: 0 } };
    room("!new:one", "New", counts);
    room("!read:one", "Read");
    const names = (more: Partial<ListWish>) =>
      sectionsOf(store.$list.get(), readSpaces(store), wish(more)).flatMap(({ rooms }) =>
        rooms.map(({ name }) => name),
      );
    expect(names({ filter: "unread" })).toEqual(["New"]);
    expect(names({ filter: "unread", stays: "!read:one" })).toEqual(["Read", "New"]);
    expect(names({ filter: "mentions" })).toEqual([]);
  });
});

describe("an order between two", () => {
  test("lies between them, and is short and printable", () => {
    for (const [before, after] of [
      ["", undefined],
      ["", "!"],
      ["a", "b"],
      ["a", "aa"],
      ["az", "b"],
      ["~", undefined],
      ["a~", "b"],
    ] as const) {
      const found = between(before, after)!;
      expect(found > before && (after === undefined || found < after)).toBe(true);
      expect(found).toMatch(/^[\x20-\x7e]{1,50}$/);
    }
    expect(between("", " ")).toBeUndefined();
  });

  test("holds through many moves, always by as few changes as can be", () => {
    let keys: (string | undefined)[] = Array.from({ length: 6 }, () => undefined);
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
    let all = 0;
    for (let move = 0; move < 500; move++) {
      const [from, to] = [random(keys.length), random(keys.length)];
      const wanted = keys.map((_, at) => at).filter((at) => at !== from);
      wanted.splice(to, 0, from);
      const changes = placeKeys(keys, from, to);
      if (changes.size > 1) all++;
      const next = keys.map((key, at) => changes.get(at) ?? key);
      keys = wanted.map((at) => next[at]);
      expect(keys.every((key) => /^[\x20-\x7e]{1,50}$/.test(key!))).toBe(true);
      expect([...keys]).toEqual([...new Set(keys)].toSorted((a, b) => (a! < b! ? -1 : 1)));
    }
    // The first move gives all of them an order; hardly any other has to.
    expect(all).toBeLessThan(60);
  });
});
