import { describe, expect, test } from "vitest";
import type { Content } from "../../src/api/types.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { unreadIn } from "../../src/store/unread.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";
const ANN = "@ann:two";
const ROOM = "!room:one";
const RULES: Content = {
  global: {
    override: [
      {
        rule_id: ".m.rule.is_user_mention",
        enabled: true,
        conditions: [
          { kind: "event_property_contains", key: "content.m\\.mentions.user_ids", value: ME },
        ],
        actions: ["notify", { set_tweak: "highlight" }],
      },
      {
        rule_id: ".m.rule.reaction",
        enabled: true,
        conditions: [{ kind: "event_match", key: "type", pattern: "m.reaction" }],
        actions: [],
      },
    ],
    underride: [
      {
        rule_id: ".m.rule.message",
        enabled: true,
        conditions: [{ kind: "event_match", key: "type", pattern: "m.room.message" }],
        actions: ["notify"],
      },
    ],
  },
};

function roomWith(encrypted: boolean, server = { notification_count: 7, highlight_count: 0 }) {
  const make = createEvents();
  const store = new RoomStore(ME);
  const state = [
    make.member(ME),
    make.member(ANN),
    ...(encrypted
      ? [make.state("m.room.encryption", ME, { algorithm: "m.megolm.v1.aes-sha2" })]
      : []),
  ];
  const read = make.message(ANN, "read");
  const mention = make.event("m.room.message", ANN, {
    msgtype: "m.text",
    body: "you",
    "m.mentions": { user_ids: [ME] },
  });
  const events = [read, make.message(ANN, "one"), mention, make.reaction(ANN, read.event_id, "👍")];
  store.apply(
    syncOf(ROOM, { state: { events: state }, timeline: { events }, unread_notifications: server }),
    0,
  );
  const room = store.room(ROOM)!;
  const readUpTo = (eventId: string, ts = read.origin_server_ts): void =>
    room.receipts.set(ME, { eventId, ts });
  return { store, room, read, mention, make, readUpTo };
}

describe("what is unread", () => {
  test("in an open room is what its server counts", () => {
    const { room, read, readUpTo } = roomWith(false);
    readUpTo(read.event_id);
    expect(unreadIn(room, ME, RULES)).toMatchObject({ notifications: 7, highlights: 0 });
  });

  test("in an encrypted one is what the rules say of what can be read", () => {
    const { room, read, mention, readUpTo } = roomWith(true);
    readUpTo(read.event_id);
    expect(unreadIn(room, ME, RULES)).toMatchObject({ notifications: 2, highlights: 1 });
    readUpTo(mention.event_id);
    expect(unreadIn(room, ME, RULES)).toMatchObject({ notifications: 0, highlights: 0 });
  });

  test("is the server's number when what was read lies further back, with the mentions since", () => {
    const { room, readUpTo } = roomWith(true);
    readUpTo("$long-ago", 1);
    expect(unreadIn(room, ME, RULES)).toMatchObject({ notifications: 7, highlights: 1 });
    readUpTo("$later", Date.UTC(2030, 0, 1));
    expect(unreadIn(room, ME, RULES)).toMatchObject({ notifications: 7, highlights: 0 });
  });

  test("is not what one wrote oneself, or what was taken back", () => {
    const { store, room, read, make, readUpTo } = roomWith(true);
    readUpTo(read.event_id);
    const taken = room.timeline.entries[1]!.event.event_id;
    const events = [make.message(ME, "mine"), make.redaction(ANN, taken)];
    store.apply(syncOf(ROOM, { timeline: { events } }), 0);
    // One's own message is read, and so is all before it.
    expect(unreadIn(room, ME, RULES)).toMatchObject({ notifications: 0, highlights: 0 });
  });
});
