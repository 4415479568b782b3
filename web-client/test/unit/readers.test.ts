import { describe, expect, test } from "vitest";
import { PresenceStore } from "../../src/store/presence.ts";
import { Receipts } from "../../src/store/receipts.ts";

const ANN = "@ann:two";
const BEN = "@ben:two";

describe("receipts", () => {
  test("are the newest of each reader, whatever order they come in, public or not", () => {
    const receipts = new Receipts();
    receipts.apply({ $2: { "m.read": { [ANN]: { ts: 20 } } } });
    receipts.apply({
      $1: { "m.read": { [ANN]: { ts: 10 } } },
      $3: { "m.read.private": { [BEN]: { ts: 5 } } },
    });
    expect([...receipts.byUser]).toEqual([
      [ANN, { eventId: "$2", ts: 20 }],
      [BEN, { eventId: "$3", ts: 5 }],
    ]);
    receipts.apply({ $4: { "m.read": { [ANN]: { ts: 20 } } } });
    expect(receipts.of(ANN)?.eventId).toBe("$4");
  });

  test("without a time count as the oldest, and other kinds as none", () => {
    const receipts = new Receipts();
    receipts.apply({ $1: { "m.read": { [ANN]: {} } }, $2: { "org.other": { [BEN]: { ts: 1 } } } });
    expect(receipts.of(ANN)).toEqual({ eventId: "$1", ts: 0 });
    expect(receipts.of(BEN)).toBeUndefined();
  });
});

describe("presence", () => {
  const of = (sender: string | undefined, content: Record<string, string | number>) => ({
    type: "m.presence",
    ...(sender === undefined ? {} : { sender }),
    content,
  });

  test("is the last one told of each user, with the time of their activity where it is known", () => {
    const presence = new PresenceStore();
    presence.apply([of(ANN, { presence: "online", last_active_ago: 30 })], 100);
    presence.apply([of(ANN, { presence: "offline" }), of(BEN, { presence: "unavailable" })], 200);
    expect(presence.all).toEqual([
      [ANN, { state: "offline" }],
      [BEN, { state: "unavailable" }],
    ]);
    expect(presence.$version.get()).toBe(2);
  });

  test("that is none, or nobody's, changes nothing", () => {
    const presence = new PresenceStore();
    presence.apply([of(ANN, { presence: "busy" }), of(undefined, { presence: "online" })], 0);
    presence.apply([of(ANN, { presence: 5 })], 0);
    presence.apply([], 0);
    expect(presence.all).toEqual([]);
  });

  test("comes back from the last visit, and gives way to what is told since", () => {
    const presence = new PresenceStore();
    presence.restore([[ANN, { state: "online", lastActive: 5 }]]);
    expect(presence.of(ANN)).toEqual({ state: "online", lastActive: 5 });
    presence.apply([of(ANN, { presence: "offline" })], 0);
    expect(presence.of(ANN)).toEqual({ state: "offline" });
  });
});
