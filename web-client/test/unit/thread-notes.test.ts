import { describe, expect, test } from "vitest";
import type { MatrixEvent } from "../../src/api/types.ts";
import { createItemBuilder } from "../../src/store/timeline-items.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";
const ANN = "@ann:two";
const ROOM = "!r:one";

function setUp() {
  const make = createEvents();
  const store = new RoomStore(ME);
  const bring = (...events: MatrixEvent[]) =>
    store.apply(syncOf(ROOM, { timeline: { events } }), 0);
  const reply = (root: MatrixEvent, body: string, more: Partial<MatrixEvent> = {}) =>
    make.event(
      "m.room.message",
      ANN,
      {
        msgtype: "m.text",
        body,
        "m.relates_to": { rel_type: "m.thread", event_id: root.event_id },
      },
      more,
    );
  const bundled = (root: MatrixEvent, latest: MatrixEvent, count: number): MatrixEvent => {
    const thread = { latest_event: latest, count, current_user_participated: false };
    return { ...root, unsigned: { "m.relations": { "m.thread": thread } } };
  };
  return { make, store, bring, reply, bundled, room: () => store.room(ROOM)! };
}

describe("a thread below the message that began it", () => {
  test("is told with its replies, of which none is a line of the room", () => {
    const { make, bring, reply, room } = setUp();
    const root = make.message(ANN, "root");
    bring(root, reply(root, "one"), reply(root, "two"));
    expect(room().record.threads.of(root.event_id)).toMatchObject({
      count: 2,
      latest: { content: { body: "two" } },
    });
    const lines = createItemBuilder(room(), ME).build(undefined);
    expect(lines).toHaveLength(1);
  });

  test("counts on from what its server has put beside the root", () => {
    const { make, bring, reply, bundled, room } = setUp();
    const root = make.message(ANN, "root");
    const old = reply(root, "old");
    bring(bundled(root, old, 7));
    expect(room().record.threads.of(root.event_id)).toMatchObject({ count: 7, latest: old });
    bring(old);
    expect(room().record.threads.of(root.event_id)!.count).toBe(7);
    bring(reply(root, "newer"));
    expect(room().record.threads.of(root.event_id)).toMatchObject({
      count: 8,
      latest: { content: { body: "newer" } },
    });
  });

  test("loses a reply that is taken back, and is none without any", () => {
    const { make, bring, reply, room } = setUp();
    const root = make.message(ANN, "root");
    const only = reply(root, "only");
    bring(root, only);
    bring(make.redaction(ANN, only.event_id));
    expect(room().record.threads.of(root.event_id)).toBeUndefined();
  });

  test("a malformed count of its server's is passed over", () => {
    const { make, bring, room } = setUp();
    const root = make.message(ANN, "root");
    const unsigned = { "m.relations": { "m.thread": { count: "many", latest_event: 3 } } };
    bring({ ...root, unsigned } as unknown as MatrixEvent);
    expect(room().record.threads.of(root.event_id)).toBeUndefined();
  });
});

describe("what is unread in threads", () => {
  test("counts for the room in the list, and is read by its own receipt", () => {
    const { make, store, bring, reply, room } = setUp();
    const root = make.message(ANN, "root");
    const said = reply(root, "one");
    bring(root, said);
    const counts = { notification_count: 2, highlight_count: 1 };
    store.apply(
      syncOf(ROOM, {
        unread_notifications: { notification_count: 1, highlight_count: 0 },
        unread_thread_notifications: { [root.event_id]: counts },
      }),
      0,
    );
    expect(store.summary(ROOM)).toMatchObject({ unread: 3, highlights: 1 });
    const receipt = {
      [said.event_id]: { "m.read": { [ME]: { ts: 5, thread_id: root.event_id } } },
    };
    store.apply(
      syncOf(ROOM, { ephemeral: { events: [{ type: "m.receipt", content: receipt }] } }),
      0,
    );
    expect(room().receipts.of(ME, root.event_id)?.eventId).toBe(said.event_id);
    // What is read in a thread says nothing of the room's own messages.
    expect(room().receipts.of(ME)).toBeUndefined();
    store.apply(
      syncOf(ROOM, { unread_notifications: { notification_count: 1, highlight_count: 0 } }),
      0,
    );
    expect(store.summary(ROOM)).toMatchObject({ unread: 1, highlights: 0 });
  });
});
