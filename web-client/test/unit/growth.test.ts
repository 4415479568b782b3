import { describe, expect, test } from "vitest";
import { findMembers, queryAt } from "../../src/text/mentions.ts";
import { bodyWithoutFallback, describeMessage } from "../../src/store/describe.ts";
import { localName, Room } from "../../src/store/room.ts";
import { loadRenderer } from "../../src/text/markdown.ts";
import { parseMatrixLink, splitLinks } from "../../src/text/links.ts";
import { lineOf, plainLine } from "../../src/text/plain.ts";
import { wholeText } from "../../src/text/whole.ts";
import { sourceOf } from "../../src/text/source.ts";
import { growthOf, pumped } from "./growth.ts";
import { createEvents } from "./events.ts";

const TEXTS = [
  ["full stops in an address", pumped("https://a", ".", "b")],
  ["brackets after an address", pumped("https://a", ")")],
  ["both", pumped("https://a", ".)", "b")],
  ["addresses", pumped("", "https://a.b ")],
  ["beginnings of addresses", pumped("", "https://")],
  ["quotations", pumped("", "> a\n")],
  ["blank space", pumped("", " ", "x")],
  ["lines", pumped("", "\n")],
  ["at signs", pumped("", "@")],
  ["ids", pumped("", "@a:b ")],
  ["links to people", pumped("https://matrix.to/#/@a:", "b/")],
  ["via servers", pumped("https://matrix.to/#/!a:b?", "via=c&")],
  ["matrix addresses", pumped("matrix:u/", "a:")],
  ["www", pumped("", "www.")],
  ["mail addresses", pumped("", "a.b@")],
  ["half rooms", pumped("", "#a")],
  ["long names", pumped("#", "a", ":b")],
  ["hosts", pumped("@a:", "b.", "c")],
  ["half a link", pumped("", '<a href="')],
  ["hidden words", pumped("", "||a")],
  ["formulas", pumped("", "$a")],
  ["emoticons", pumped("", ":a")],
  ["emoji", pumped("", "😀 ", "x")],
  ["joined emoji", pumped("", "👩‍👩‍👧‍👦\u200d")],
  ["marks", pumped("a", "\u0301")],
  ["markup", pumped("", "*_`[](")],
] as const;

const room = new Room("!r:one");
const make = createEvents();
const message = (body: string) => make.message("@a:b", body);
const answer = (body: string) => {
  const relation = { "m.in_reply_to": { event_id: "$a" } };
  const event = make.message("@a:b", body);
  return { ...event, content: { ...event.content, "m.relates_to": relation } };
};
const render = await loadRenderer();
const works: Record<string, (text: string) => unknown> = {
  splitLinks,
  parseMatrixLink,
  localName,
  describeMessage: (text) => describeMessage(room, message(text)),
  bodyWithoutFallback: (text) => bodyWithoutFallback(answer(text), text),
  queryAt: (text) => queryAt(text, text.length),
  findMembers: (text) => findMembers([{ userId: "@a:b", displayName: text } as never], "x"),
  render,
  lineOf,
  wholeText,
  plainLine: (text) => plainLine({ body: text }, true, text.length),
  sourceOf: (text) => sourceOf({ body: "x", formatted_body: text }),
};

describe.each(Object.entries(works))(
  "the work of %s grows with the text and no faster",
  (_, work) => {
    test.each(TEXTS)("of %s", (_name, text) => {
      expect(growthOf(work, text)).toBeLessThan(4);
    });
  },
);

test("what grows with the square is found", () => {
  expect(growthOf((text) => /\.+$/.test(text), pumped("", ".", "b"))).toBeGreaterThan(4);
});
