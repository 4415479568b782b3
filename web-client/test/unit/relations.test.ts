import { describe, expect, test } from "vitest";
import type { Json } from "@weft/spec/types";
import { Relations, repliesTo } from "../../src/store/relations.ts";
import { createEvents } from "./events.ts";

const ANN = "@ann:two";
const BEN = "@ben:two";

function setUp() {
  return { make: createEvents(), relations: new Relations() };
}

describe("reactions", () => {
  test("are told by key, the most frequent first, with who gave them in order", () => {
    const { make, relations } = setUp();
    const all = [
      make.reaction(ANN, "$said", "🎉"),
      make.reaction(BEN, "$said", "👍"),
      make.reaction(ANN, "$said", "👍"),
    ];
    for (const event of all) expect(relations.add(event)).toBe(true);
    expect(relations.reactionsTo("$said").map(({ key, by }) => [key, [...by.keys()]])).toEqual([
      ["👍", [BEN, ANN]],
      ["🎉", [ANN]],
    ]);
    expect(relations.reactionsTo("$other")).toEqual([]);
  });

  test("are gone with their last giver, and a key that nobody gives any more too", () => {
    const { make, relations } = setUp();
    const mine = make.reaction(ANN, "$said", "👍");
    relations.add(mine);
    relations.remove(mine.event_id);
    relations.remove(mine.event_id);
    expect(relations.reactionsTo("$said")).toEqual([]);
  });

  test("without a key, or in another type of event, are none", () => {
    const { make, relations } = setUp();
    const relation = { rel_type: "m.annotation", event_id: "$said" };
    expect(relations.add(make.event("m.reaction", ANN, { "m.relates_to": relation }))).toBe(false);
    const keyed = { "m.relates_to": { ...relation, key: "x" } };
    expect(relations.add(make.event("m.room.message", ANN, keyed))).toBe(false);
    expect(relations.reactionsTo("$said")).toEqual([]);
  });
});

describe("edits", () => {
  test("are no lines of their own, the same one twice neither", () => {
    const { make, relations } = setUp();
    const edit = make.edit(ANN, "$said", "b");
    expect(relations.add(edit)).toBe(true);
    expect(relations.add(edit)).toBe(true);
    expect([...relations.about("$said")]).toEqual([edit]);
  });

  test("without new content are lines like others", () => {
    const { make, relations } = setUp();
    const relation = { rel_type: "m.replace", event_id: "$said" };
    const bare = make.event("m.room.message", ANN, { body: "x", "m.relates_to": relation });
    expect(relations.add(bare)).toBe(false);
    expect([...relations.about("$said")]).toEqual([]);
  });

  test("count by their time, whatever order they come in, and the one before when it is redacted", () => {
    const { make, relations } = setUp();
    const said = make.message(ANN, "a");
    const [first, second] = [
      make.edit(ANN, said.event_id, "b"),
      make.edit(ANN, said.event_id, "c"),
    ];
    relations.add(second);
    relations.add(first);
    expect(relations.editOf(said)).toBe(second);
    relations.remove(second.event_id);
    expect(relations.editOf(said)).toBe(first);
    relations.remove(first.event_id);
    expect(relations.editOf(said)).toBeUndefined();
  });

  test("of another type than the original do not count", () => {
    const { make, relations } = setUp();
    const sticker = make.event("m.sticker", ANN, { body: "x" });
    relations.add(make.edit(ANN, sticker.event_id, "forged"));
    expect(relations.editOf(sticker)).toBeUndefined();
  });

  test("that the server put beside the original count where none is loaded, from its sender only", () => {
    const { make, relations } = setUp();
    const bundled = (sender: string, edit = make.edit(sender, "$1", "b")) => {
      const said = make.message(ANN, "a");
      said.unsigned = { "m.relations": { "m.replace": edit } };
      return said;
    };
    expect(relations.editOf(bundled(ANN))?.content["m.new_content"]).toEqual({
      msgtype: "m.text",
      body: "b",
    });
    expect(relations.editOf(bundled(BEN))).toBeUndefined();
    expect(relations.editOf(bundled(ANN, make.message(ANN, "no edit")))).toBeUndefined();
  });
});

test("an answer names its event, what is malformed names none", () => {
  const { make } = setUp();
  const relating = (relation: Json) =>
    repliesTo(make.event("m.room.message", ANN, { "m.relates_to": relation }));
  expect(relating({ "m.in_reply_to": { event_id: "$a" } })).toBe("$a");
  expect(relating({ "m.in_reply_to": { event_id: 5 } })).toBeUndefined();
  expect(relating({ "m.in_reply_to": ["$a"] })).toBeUndefined();
  expect(relating("$a")).toBeUndefined();
});
