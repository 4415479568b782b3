import { describe, expect, test } from "vitest";
import type { Client } from "../../src/store/client.ts";
import { notifyLevels, type NotifyLevel } from "../../src/store/notify-level.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { placesFor, setTag } from "../../src/store/room-order.ts";
import { setNotifyLevel } from "../../src/store/set-notify-level.ts";
import { isMarkedUnread, markUnread } from "../../src/store/unread-mark.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";
const ROOM = "!room:one";

const roomRule = (actions: unknown[]) => ({ rule_id: ROOM, actions, enabled: true });
const override = (conditions: unknown[], more: object = {}) => ({
  rule_id: ROOM,
  actions: [],
  conditions,
  enabled: true,
  ...more,
});
const ofRoom = { kind: "event_match", key: "room_id", pattern: ROOM };
const global = (rules: object) => ({ global: rules }) as never;

/** A client in one room, whose notes go nowhere, or are refused. */
function setUp(refuse = false) {
  const store = new RoomStore(ME);
  const make = createEvents();
  const asked: unknown[][] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      asked.push([name, ...args]);
      return refuse ? Promise.reject(new Error("no")) : Promise.resolve({});
    };
  const notes = Object.fromEntries(
    ["setTag", "removeTag", "setAccountData", "setRule", "removeRule"].map((name) => [
      name,
      note(name),
    ]),
  );
  store.apply(syncOf(ROOM, { timeline: { events: [make.member(ME)] } }), 0);
  const client = { store, api: { notes } } as unknown as Client;
  return { client, store, asked };
}

describe("what one is told of in a room", () => {
  test.each<[string, object, NotifyLevel | undefined]>([
    ["nothing said", {}, undefined],
    ["every message", { room: [roomRule(["notify"])] }, "all"],
    ["mentions", { room: [roomRule([])] }, "mentions"],
    ["nothing", { override: [override([ofRoom])] }, "mute"],
    ["a rule that is off", { override: [override([ofRoom], { enabled: false })] }, undefined],
    ["a rule with more conditions", { override: [override([ofRoom, ofRoom])] }, undefined],
    [
      "both: silence wins",
      { room: [roomRule(["notify"])], override: [override([ofRoom])] },
      "mute",
    ],
    ["nonsense", { override: 5, room: [null, "x"] }, undefined],
  ])("%s", (_, rules, level) => {
    expect(notifyLevels(global(rules)).get(ROOM)).toBe(level);
  });

  test("is set by a rule of its own, and the rule before goes", async () => {
    const { client, store, asked } = setUp();
    store.accountData.set("m.push_rules", global({ room: [roomRule(["notify"])] }));
    await setNotifyLevel(client, ROOM, "mute");
    expect(asked).toEqual([
      ["setRule", "override", ROOM, { actions: [], conditions: [ofRoom] }],
      ["removeRule", "room", ROOM],
    ]);
    asked.length = 0;
    store.accountData.set("m.push_rules", global({ override: [override([ofRoom])] }));
    await setNotifyLevel(client, ROOM, "default");
    expect(asked).toEqual([["removeRule", "override", ROOM]]);
  });

  test("is seen in the list as soon as sync brings the rules", () => {
    const { store } = setUp();
    const events = [{ type: "m.push_rules", content: global({ override: [override([ofRoom])] }) }];
    store.apply({ next_batch: "s", account_data: { events } }, 0);
    expect(store.summary(ROOM)?.notify).toBe("mute");
    store.apply(
      { next_batch: "s", account_data: { events: [{ type: "m.push_rules", content: {} }] } },
      0,
    );
    expect(store.summary(ROOM)?.notify).toBe("default");
  });
});

describe("tags", () => {
  test("a favourite is no longer of low priority", async () => {
    const { client, store, asked } = setUp();
    await setTag(client, ROOM, "m.lowpriority");
    await setTag(client, ROOM, "m.favourite");
    expect(store.summary(ROOM)).toMatchObject({ favourite: true, tag: "m.favourite" });
    expect(store.room(ROOM)?.tags()).toEqual({ "m.favourite": {} });
    expect(asked.map(([name, , tag]) => [name, tag])).toEqual([
      ["setTag", "m.lowpriority"],
      ["removeTag", "m.lowpriority"],
      ["setTag", "m.favourite"],
    ]);
  });

  test("that are refused are taken back", async () => {
    const { client, store } = setUp(true);
    await expect(setTag(client, ROOM, "m.favourite")).rejects.toThrow("no");
    expect(store.summary(ROOM)?.favourite).toBe(false);
  });

  test("a move sets one place where there is room, else all of them", () => {
    expect([...placesFor([0.2, 0.4, 0.6], 2, 0)]).toEqual([[2, 0.1]]);
    const middle = placesFor([0.2, 0.4, 0.6], 0, 1);
    expect([...middle.keys()]).toEqual([0]);
    expect(middle.get(0)).toBeCloseTo(0.5);
    const all = placesFor([0.2, undefined, Infinity], 2, 1);
    expect([...all].toSorted((a, b) => a[1] - b[1]).map(([at]) => at)).toEqual([0, 2, 1]);
  });
});

test("a room is marked unread at once, and a refusal takes the mark off", async () => {
  const { client, store, asked } = setUp();
  const room = store.room(ROOM)!;
  await markUnread(client, room, true);
  expect([isMarkedUnread(room), store.summary(ROOM)?.markedUnread]).toEqual([true, true]);
  await markUnread(client, room, true);
  expect(asked).toEqual([["setAccountData", ROOM, "m.marked_unread", { unread: true }]]);
  const refused = setUp(true);
  const other = refused.store.room(ROOM)!;
  await expect(markUnread(refused.client, other, true)).rejects.toThrow("no");
  expect(isMarkedUnread(other)).toBe(false);
});
