import { expect, test } from "vitest";
import { differences } from "./compare.ts";

const event = (id: string, body: string) => ({
  type: "m.room.message",
  event_id: id,
  sender: "@a:x",
  origin_server_ts: 1,
  content: { body },
  unsigned: { age: Math.random() },
});

test("the same events in another order, with another age, do not differ", () => {
  const [one, two] = [event("$1", "x"), event("$2", "y")];
  expect(differences([one, two], [event("$2", "y"), event("$1", "x")], ["a", "b"])).toEqual([]);
});

test("an event that one side lacks, and one of another content, are told", () => {
  const wrong = differences([event("$1", "x"), event("$2", "y")], [event("$1", "z")], ["a", "b"]);
  expect(wrong).toHaveLength(2);
  expect(wrong[0]).toMatch(/^\$1: a has .*'x'.*, b has .*'z'/s);
  expect(wrong[1]).toMatch(/^b lacks .*'\$2'/s);
  expect(differences([], [event("$1", "x")], ["a", "b"])[0]).toMatch(/^a lacks/);
});
