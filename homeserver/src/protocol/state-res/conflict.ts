import type { RoomEvent } from "../events/event.ts";
import type { EventId } from "../identifiers.ts";
import type { RoomVersion } from "../room-versions.ts";

/**
 * A conflict between state sets, everything that resolving it needs being at hand.
 *
 * `events` answers for the conflicted events, the `authDifference`, the auth chains of both, the
 * unconflicted events that `tuplesRead` names, and the auth chain of the unconflicted
 * m.room.power_levels (version 12: for the create event too). What it does not know takes no part.
 */
export interface StateConflict {
  readonly version: RoomVersion;
  /** State tuple → the different events that the sets have there. */
  readonly conflicted: ReadonlyMap<string, readonly EventId[]>;
  /** What all sets agree on. */
  readonly unconflicted: (tuple: string) => EventId | undefined;
  /**
   * Events in the auth chains of some sets only and (resolution v2.1) the conflicted state
   * subgraph. Not used by v1.
   */
  readonly authDifference: Iterable<EventId>;
  readonly events: (eventId: EventId) => RoomEvent | undefined;
  /** Whether an event was rejected on receipt: it then authorises nothing. None when absent. */
  readonly isRejected?: ((eventId: EventId) => boolean) | undefined;
}
