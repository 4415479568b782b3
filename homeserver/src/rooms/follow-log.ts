/** Keeps the engine's caches in step with the log, whichever replica wrote to it. */
import type { EventRecord, Log } from "../log/types.ts";
import type { BundledAggregations } from "./visibility/bundled-aggregations.ts";
import type { Erasures } from "./visibility/erasures.ts";
import type { Memberships } from "./records/memberships.ts";
import type { PartialRooms } from "./records/partial-rooms.ts";
import { forgetRoom } from "./state/store.ts";
import type { RoomStore } from "./state/store.ts";
import type { StoredEvent } from "./api/index.ts";

/** Returns what stops it. Register it before the log's other readers: they ask for what it keeps. */
export function followLog(
  log: Log,
  store: RoomStore,
  memberships: Memberships,
  aggregations: BundledAggregations,
  partial: PartialRooms,
  erasures: Erasures,
): () => void {
  return log.onAdvance((records) => {
    partial.follow(records);
    memberships.follow(records);
    aggregations.follow(records);
    erasures.follow(records);
    for (const record of records) {
      if (record.kind === "partial_state") {
        forgetRoom(store, record.roomNid);
        memberships.forgetRoom(record.roomNid);
      }
      if (record.kind !== "event") continue;
      store.events.keep(storedOf(record));
      const redacted = record.event.redacts;
      if (redacted !== undefined) store.events.forget(redacted);
    }
  });
}

function storedOf(record: EventRecord): StoredEvent {
  return {
    nid: record.eventNid,
    roomNid: record.roomNid,
    event: record.event,
    position: record.position,
    ordinal: 0,
    status: record.status,
    stateBefore: record.stateBefore,
    stateAfter: record.stateAfter,
    roomState: record.stateRoot,
    redactedBy: record.redactedBy,
  };
}
