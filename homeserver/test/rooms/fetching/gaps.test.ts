import { describe, expect, test } from "vitest";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import { createGaps } from "../../../src/rooms/fetching/gaps.ts";
import { newEvent } from "../../../src/rooms/records/new-event.ts";
import type { Outliers } from "../../../src/rooms/fetching/outliers.ts";
import { createPendingIds } from "../../../src/rooms/records/pending.ts";
import type { RoomStore } from "../../../src/rooms/state/store.ts";
import { CREATE, toldEvent } from "../../protocol/event-of-vector.ts";

const VERSION = roomVersion("10")!;

function message(id: string, prev: string) {
  const content = { body: id };
  const told = { type: "m.room.message", sender: CREATE.sender, content, auth_events: ["$create"] };
  return toldEvent({ ...told, prev_events: [prev] }, VERSION, id);
}

describe("an event that is committed while the tables are read", () => {
  test.each(["sort", "withGaps", "withoutAuth"] as const)("is not missing for %s", async (how) => {
    const pendingIds = createPendingIds();
    const pending = pendingIds.begin(1);
    const maker = {};
    const create = newEvent(1, 1, toldEvent(CREATE, VERSION, "$create"), { status: "accepted" });
    const first = newEvent(1, 2, message("$first", "$create"), { status: "accepted" });
    const placed = [create, first].map((one, i) => ({ ...one, position: i + 1 }));
    for (const stored of placed) pending.add(maker, { stored, authNids: [] });
    /** What was read is from before the commit, and is answered after it. */
    const read = async () => {
      pending.settle(maker, placed);
      return new Map();
    };
    const store = { pendingIds, events: { byIds: read, byIdsNow: read } } as unknown as RoomStore;
    const gaps = createGaps(store, {} as Outliers);
    const second = message("$second", "$first");
    const found = await gaps[how]([second]);
    expect(found).toEqual(
      how === "sort" ? { complete: [second], lacking: [], missing: new Set() } : [],
    );
    expect(pendingIds.has("$first" as never)).toBe(false);
  });
});
