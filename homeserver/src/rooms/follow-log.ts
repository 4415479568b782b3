/** Keeps the engine's caches up to date with the log, whichever replica wrote to it. */
import type { EventRecord, Log, RecordOf } from "../log/types.ts";
import type { RoomId } from "../protocol/identifiers.ts";
import type { Mailboxes } from "./commands/mailboxes.ts";
import type { BundledAggregations } from "./visibility/bundled-aggregations.ts";
import type { Erasures } from "./visibility/erasures.ts";
import type { Memberships } from "./records/memberships.ts";
import type { PartialRooms } from "./records/partial-rooms.ts";
import { forgetRoom } from "./state/store.ts";
import type { RoomStore } from "./state/store.ts";
import type { StoredEvent } from "./api/index.ts";

export interface RoomCaches {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly memberships: Memberships;
  readonly aggregations: BundledAggregations;
  readonly partial: PartialRooms;
  readonly erasures: Erasures;
}

/** Returns the function that stops it. */
export function followLog(log: Log, caches: RoomCaches): () => void {
  const { memberships, aggregations, partial, erasures } = caches;
  const phase = "caches";
  const stops = [
    log.follow({ phase, kinds: ["partial_state", "purge"], take: partial.follow }),
    log.follow({ phase, kinds: ["event", "membership", "forgotten"], take: memberships.follow }),
    log.follow({ phase, kinds: ["event", "history"], take: aggregations.follow }),
    log.follow({ phase, kinds: ["erasure"], take: erasures.follow }),
    log.follow({
      phase,
      kinds: ["event", "partial_state", "purge"],
      take(records) {
        for (const record of records) {
          if (record.kind === "event") takeEvent(caches.store, record);
          else forget(caches, record);
        }
      },
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

function takeEvent({ events }: RoomStore, record: EventRecord): void {
  events.keep(storedOf(record));
  const { redacts } = record.event;
  if (redacts !== undefined) events.forget(redacts);
}

/** Drops cached events and states of a room whose rows were deleted or recomputed. */
function forget(
  { store, mailboxes, memberships }: RoomCaches,
  record: RecordOf<"partial_state" | "purge">,
): void {
  const { roomNid, roomId } = record;
  forgetRoom(store, roomNid);
  if (record.kind === "purge") {
    mailboxes.forget(roomNid);
    if (!record.whole) return;
    store.registry.forget(roomNid, roomId as RoomId);
  }
  memberships.forgetRoom(roomNid);
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
