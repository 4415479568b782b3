import { describe, expect, test } from "vitest";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import { createCommandStore } from "../../../src/rooms/commands/command-store.ts";
import type { Identity } from "../../../src/rooms/commands/drafting.ts";
import type { Command } from "../../../src/rooms/commands/mailbox.ts";
import type { Mailboxes } from "../../../src/rooms/commands/mailboxes.ts";
import { createPendingIds } from "../../../src/rooms/records/pending.ts";
import { newEvent } from "../../../src/rooms/records/new-event.ts";
import { rejectionByAuthEvents } from "../../../src/rooms/checks/authorisation.ts";
import { createOutliers } from "../../../src/rooms/fetching/outliers.ts";
import type { RoomStore } from "../../../src/rooms/state/store.ts";
import type { Room, StoredEvent } from "../../../src/rooms/api/index.ts";
import { CREATE, toldEvent } from "../../protocol/event-of-vector.ts";

const FOUNDER = "@founder:alpha";
const FIRST_JOIN = {
  type: "m.room.member",
  state_key: FOUNDER,
  sender: FOUNDER,
  content: { membership: "join" },
  prev_events: ["$create"],
};

function stored(event: RoomEvent, status: "accepted" | "rejected") {
  return newEvent(1, 1, event, { status });
}

describe("the create event of version 12, which no event names", () => {
  test.each(["accepted", "rejected"] as const)("counts when it was accepted: %s", (status) => {
    const version = roomVersion("12")!;
    const create = stored(toldEvent(CREATE, version, "$create"), status);
    const join = toldEvent(FIRST_JOIN, version, "$join");
    const reason = rejectionByAuthEvents(join, [], [create]);
    if (status === "accepted") expect(reason).toBeUndefined();
    else expect(reason).toMatch(/no m.room.create/);
  });
});

test("events of which the auth events come later are left out, and in the order they need stored, with one look-up each time", async () => {
  const version = roomVersion("11")!;
  const create = toldEvent(CREATE, version, "$create");
  const join = toldEvent({ ...FIRST_JOIN, auth_events: ["$create"] }, version, "$join");
  const auth_events = ["$create", "$join"];
  const topics = Array.from({ length: 50 }, (_, i) =>
    toldEvent(
      { type: "m.room.topic", state_key: "", sender: FOUNDER, content: {}, auth_events },
      version,
      `$topic${i}`,
    ),
  );
  const known = new Map<string, StoredEvent>();
  let lookUps = 0;
  const same = { over: () => same, add() {}, forget() {} };
  const pendingIds = createPendingIds();
  const store = {
    sql: async () => [],
    events: {
      async byIds(ids: readonly string[]) {
        lookUps += 1;
        return new Map([...known].filter(([id]) => ids.includes(id)));
      },
      keep: (one: StoredEvent) => known.set(one.event.eventId, one),
    },
    registry: { eventNids: async (count: number) => Array.from({ length: count }, (_, i) => i) },
    ...{ authChains: same, state: same, tree: { release() {} }, pendingIds },
  } as unknown as RoomStore;
  const room = { nid: 1, roomId: create.roomId, version };
  const mailboxes = {
    async run(_room: Room, command: Command<unknown>) {
      const head = {
        ...{ room, version: 0, extremities: [], stateRoot: null, depth: 0, state: new Map() },
        store: createCommandStore(store, pendingIds.begin(1)),
      };
      const { value, settled } = await command(head);
      settled?.({ position: 1, positions: new Map(), returned: [] });
      return value;
    },
  } as unknown as Mailboxes;
  const outliers = createOutliers(mailboxes, {} as Identity);

  expect(await outliers.store(room, topics)).toEqual(topics);
  expect([known.size, lookUps]).toEqual([0, 1]);
  expect(await outliers.store(room, [...topics, join, create])).toEqual([]);
  expect([known.size, lookUps]).toEqual([52, 2]);
  expect([...known.keys()].slice(0, 2)).toEqual(["$create", "$join"]);
  expect([...known.values()].every(({ status }) => status === "accepted")).toBe(true);
});
