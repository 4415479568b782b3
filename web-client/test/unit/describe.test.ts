import { describe, expect, test } from "vitest";
import type { Content } from "../../src/api/types.ts";
import {
  bodyWithoutFallback,
  describeMessage,
  describeNotice,
  isMessage,
  shownContent,
} from "../../src/store/describe.ts";
import { Room } from "../../src/store/room.ts";
import { createEvents } from "./events.ts";

const ANN = "@ann:two";
const BEN = "@ben:two";

function setUp() {
  const room = new Room("!r:one");
  const make = createEvents();
  for (const [userId, name] of [
    [ANN, "Ann"],
    [BEN, "Ben"],
  ] as const) {
    room.setState({ ...make.member(userId, "join", name), state_key: userId });
  }
  return { room, make };
}

describe("a message in one line", () => {
  test.each([
    [{ msgtype: "m.text", body: "two\n  lines " }, "two lines"],
    [{ msgtype: "m.image", body: "cat.png" }, "Image: cat.png"],
    [{ msgtype: "m.video", body: "cat.mp4" }, "Video: cat.mp4"],
    [{ msgtype: "m.audio", body: "cat.ogg" }, "Audio: cat.ogg"],
    [{ msgtype: "m.file", body: "cat.pdf" }, "File: cat.pdf"],
    [{ msgtype: "m.emote", body: "purrs" }, "Ann purrs"],
    [{ msgtype: "org.other", body: "what it says" }, "what it says"],
    [{ msgtype: "m.text", body: " " }, "Empty message"],
    [{ body: 5 }, "Empty message"],
  ])("%j", (content, words) => {
    const { room, make } = setUp();
    expect(describeMessage(room, make.event("m.room.message", ANN, content))).toBe(words);
  });

  test("that has no words: deleted, encrypted, a sticker", () => {
    const { room, make } = setUp();
    const gone = make.message(ANN, "secret");
    gone.unsigned = { redacted_because: make.redaction(ANN, gone.event_id) };
    expect(describeMessage(room, gone)).toBe("Message deleted");
    expect(describeMessage(room, make.event("m.room.encrypted", ANN, {}))).toBe(
      "Encrypted message",
    );
    expect(describeMessage(room, make.event("m.sticker", ANN, { body: "x" }))).toBe("Sticker");
  });

  test("that was edited is what it says now, but not after it was deleted", () => {
    const { room, make } = setUp();
    const said = make.message(ANN, "befroe");
    room.timeline.append([said, make.edit(ANN, said.event_id, "before")], { limited: false });
    expect(describeMessage(room, said)).toBe("before");
    const gone = {
      ...said,
      content: {},
      unsigned: { redacted_because: make.redaction(ANN, "$1") },
    };
    expect(shownContent(room, gone)).toEqual({});
  });

  test("that answers is without the quotation of old clients", () => {
    const { make } = setUp();
    const answer = make.event("m.room.message", ANN, {
      "m.relates_to": { "m.in_reply_to": { event_id: "$1" } },
    });
    const strip = (body: string) => bodyWithoutFallback(answer, body);
    expect(strip("> <@ben:two> hi\n> there\n\nyes\n> no")).toBe("yes\n> no");
    expect(strip("> hi\nyes")).toBe("yes");
    expect(strip("> only a quotation")).toBe("> only a quotation");
    expect(strip("no > quotation")).toBe("no > quotation");
    expect(bodyWithoutFallback(make.message(ANN, ""), "> mine\n\nyes")).toBe("> mine\n\nyes");
  });
});

describe("what happened with members", () => {
  const change = (sender: string, target: string, now: Content, before?: Content) => {
    const { room, make } = setUp();
    const event = make.state("m.room.member", sender, now, target);
    if (before !== undefined) event.unsigned = { prev_content: before };
    return describeNotice(room, event);
  };

  test.each([
    [ANN, ANN, "join", undefined, "Ann joined"],
    [ANN, ANN, "join", "invite", "Ann joined"],
    [ANN, BEN, "invite", undefined, "Ann invited Ben"],
    [ANN, BEN, "ban", "join", "Ann banned Ben"],
    [ANN, BEN, "leave", "ban", "Ann unbanned Ben"],
    [ANN, BEN, "leave", "join", "Ann removed Ben"],
    [ANN, BEN, "leave", "invite", "Ann took back the invitation of Ben"],
    [BEN, BEN, "leave", "join", "Ben left"],
    [BEN, BEN, "leave", "invite", "Ben declined the invitation"],
    [BEN, BEN, "knock", undefined, "Ben asked to join"],
    [ANN, "@eve:two", "invite", undefined, "Ann invited eve"],
  ])("%s to %s: %s after %s", (sender, target, now, before, words) => {
    const prev = before === undefined ? undefined : { membership: before };
    expect(change(sender, target, { membership: now }, prev)).toBe(words);
  });

  test("whoever has left is called as they were called", () => {
    const before = { membership: "join", displayname: "Zoë" };
    expect(change("@z:two", "@z:two", { membership: "leave" }, before)).toBe("Zoë left");
  });

  test("who is there already changes their name or picture, or nothing that is worth a line", () => {
    const profile = (now: Content, before: Content) =>
      change(ANN, ANN, { membership: "join", ...now }, { membership: "join", ...before });
    expect(profile({ displayname: "Anna" }, { displayname: "Ann" })).toBe("Ann is now called Anna");
    expect(profile({ displayname: "Anna" }, {})).toBe("ann is now called Anna");
    expect(profile({}, { displayname: "Ann" })).toBe("Ann removed their name");
    expect(profile({ displayname: "A", avatar_url: "mxc://a/b" }, { displayname: "A" })).toBe(
      "A changed their picture",
    );
    expect(profile({ displayname: "A" }, { displayname: "A" })).toBeUndefined();
  });
});

test.each([
  ["m.room.create", {}, "Ann created this room"],
  ["m.room.name", { name: "N" }, "Ann named the room “N”"],
  ["m.room.name", { name: "" }, "Ann removed the room’s name"],
  ["m.room.topic", { topic: "T" }, "Ann set the topic: T"],
  ["m.room.topic", {}, "Ann removed the topic"],
  ["m.room.avatar", {}, "Ann changed the room’s picture"],
  ["m.room.encryption", {}, "Ann turned on encryption"],
  ["m.room.tombstone", {}, "This room has been replaced"],
  ["m.room.pinned_events", {}, "Ann changed the pinned messages"],
  ["m.room.power_levels", {}, "Ann changed who may do what"],
  ["m.room.canonical_alias", { alias: "#a:b" }, "Ann set the room’s address to #a:b"],
  ["m.room.canonical_alias", { alt_aliases: [7, "#c:d"] }, "Ann set the room’s address to #c:d"],
  ["m.room.canonical_alias", {}, "Ann changed the room’s address"],
  ["m.room.join_rules", { join_rule: "public" }, "Ann made the room public"],
  ["m.room.join_rules", { join_rule: "knock" }, "Ann changed who may join"],
  ["m.room.server_acl", {}, "Ann changed which servers may take part"],
  ["org.other", {}, undefined],
])("what happened with the room: %s %j", (type, content, words) => {
  const { room, make } = setUp();
  expect(describeNotice(room, make.state(type, ANN, content))).toBe(words);
});

test("a request to verify is a note, and not the words that it brings for other apps", () => {
  const { room, make } = setUp();
  const content = { msgtype: "m.key.verification.request", body: "Your client is old", to: BEN };
  const event = make.message(ANN, "", { content });
  expect(isMessage(event)).toBe(false);
  expect(describeNotice(room, event)).toBe("Ann asked to verify Ben");
});
