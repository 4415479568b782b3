import { expect, test } from "vitest";
import { isExpectedEncrypted } from "../../src/store/encrypted-since.ts";
import { Room } from "../../src/store/room.ts";
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
