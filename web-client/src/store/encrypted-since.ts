import type { MatrixEvent } from "../api/types.ts";
import type { Room } from "./room.ts";

/**
 * Whether an event of an encrypted room that came open should have been encrypted: it does not stand before the event that
 * made the room so. What is loaded is one stretch up to the newest event: if that event is not in it, it lies before all.
 */
export function isExpectedEncrypted(room: Room, event: MatrixEvent): boolean {
  const since = room.stateEvent("m.room.encryption");
  const { timeline } = room;
  const turning = since?.event_id === undefined ? undefined : timeline.find(since.event_id);
  // One that changed how it is encrypted did not begin it.
  if (turning === undefined || turning.event.unsigned?.prev_content !== undefined) return true;
  const { entries } = timeline;
  const at = entries.findIndex((entry) => entry.event.event_id === event.event_id);
  return at < 0 || at > entries.indexOf(turning);
}
