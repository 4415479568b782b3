import { expect, test } from "vitest";
import { isExpectedEncrypted } from "../../src/store/encrypted-since.ts";
import { Room } from "../../src/store/room.ts";
import { Timeline } from "../../src/store/timeline.ts";
import { createEvents } from "./events.ts";

const ME = "@me:one";

test("what stands before the turn to encryption was rightly open, what comes after it was not", () => {
  const make = createEvents();
  const room = new Room("!r:one");
  const before = make.message(ME, "before");
  const turn = make.state("m.room.encryption", ME, { algorithm: "m.megolm.v1.aes-sha2" });
  const after = make.message(ME, "after");
  room.apply({ timeline: { events: [before, turn, after] } });
  expect(isExpectedEncrypted(room, before)).toBe(false);
  expect(isExpectedEncrypted(room, after)).toBe(true);
});

test("all is after a turn that is not loaded, or that changed what was encrypted before", () => {
  const make = createEvents();
  const room = new Room("!r:one");
  const said = make.message(ME, "said");
  const turn = make.state("m.room.encryption", ME, { algorithm: "m.megolm.v1.aes-sha2" });
  room.apply({ state: { events: [turn] }, timeline: { events: [said] } });
  expect(isExpectedEncrypted(room, said)).toBe(true);
  const changed = { ...turn, event_id: "$again", unsigned: { prev_content: turn.content } };
  room.apply({ timeline: { events: [changed] } });
  expect(isExpectedEncrypted(room, said)).toBe(true);
});

test("in the past its place in one stretch decides, and else the times that were given", () => {
  const make = createEvents();
  const room = new Room("!r:one");
  const long = make.message(ME, "long ago");
  const before = make.message(ME, "before");
  const turn = make.state("m.room.encryption", ME, { algorithm: "m.megolm.v1.aes-sha2" });
  const after = make.message(ME, "after");
  const much = make.message(ME, "much later");
  const newest = make.message(ME, "newest");
  room.apply({ state: { events: [turn] }, timeline: { events: [newest], limited: true } });
  const around = (...events: (typeof long)[]): void => {
    const stretch = new Timeline(room.record);
    stretch.fill(events, "before", "after");
  };
  around(long);
  around(before, turn, after);
  around(much);
  expect([long, before, after, much, newest].map((one) => isExpectedEncrypted(room, one))).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
  // A time that was made up hides nothing where the order is known.
  const forged = { ...make.message(ME, "forged"), origin_server_ts: 1 };
  room.apply({ timeline: { events: [forged] } });
  expect(isExpectedEncrypted(room, forged)).toBe(true);
});
