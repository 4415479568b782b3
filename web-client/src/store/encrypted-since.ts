import type { MatrixEvent } from "../api/types.ts";
import type { Room } from "./room.ts";

/** Whether `after` stands behind `before` in one stretch of the history; undefined when no stretch holds both. */
function follows(room: Room, before: string, after: string): boolean | undefined {
  for (const stretch of [room.timeline, ...room.record.stretches]) {
    const [first, second] = [stretch.find(before), stretch.find(after)];
    if (first === undefined || second === undefined) continue;
    const [at, then] = [stretch.entries.indexOf(first), stretch.entries.indexOf(second)];
    if (at >= 0 && then >= 0) return then > at;
  }
  return undefined;
}

/**
 * Whether an event of an encrypted room that came open should have been encrypted: it does not stand before the event that
 * made the room so. The stretch up to the newest event begins after it where it does not hold it. In a stretch of the past
 * that holds only one of them, the times that their servers gave them decide: what is new cannot be hidden there.
 */
export function isExpectedEncrypted(room: Room, event: MatrixEvent): boolean {
  const since = room.stateEvent("m.room.encryption");
  if (since?.event_id === undefined) return true;
  const turning = room.record.find(since.event_id)?.event;
  const isAfter = follows(room, since.event_id, event.event_id);
  // One that changed how it is encrypted did not begin it.
  if (turning?.unsigned?.prev_content !== undefined) return true;
  if (isAfter !== undefined) return isAfter;
  if (room.timeline.find(event.event_id) !== undefined) return true;
  return since.origin_server_ts === undefined || event.origin_server_ts >= since.origin_server_ts;
}
