/** How updates of a list of devices follow one another. (Server-server API, "Device Management".) */

/** What is known of a list. */
export interface ListState {
  /** Ids of the snapshot and of the newest updates in it, oldest first; empty: not told. */
  readonly streamIds: readonly number[];
  /** Ms since 1970. */
  readonly readAt: number;
}

interface UpdateIds {
  readonly streamId: number;
  readonly prevIds: readonly number[];
}

/** Ids of updates that are remembered. */
const MAX_IDS = 20;
/**
 * Updates from before a snapshot arrive within this time. Later, a lower id means that the server
 * counts anew, as after it was restored from a backup.
 */
const LATE_MS = 10 * 60_000;
/** A list is read anew at most this often, unless a user waits for it. */
const RESYNC_EVERY_MS = 10_000;
const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 60 * 60_000;

/**
 * Whether an update can be applied: "next" when all that it follows is in the list, "known" when it
 * is in the list itself, and "gap" when the list has to be read anew.
 */
export function judgeUpdate(
  { streamIds, readAt }: ListState,
  { streamId, prevIds }: UpdateIds,
  now: number,
): "next" | "known" | "gap" {
  if (streamIds.includes(streamId)) return "known";
  if (prevIds.length > 0 && prevIds.every((id) => streamIds.includes(id))) return "next";
  const newest = streamIds.at(-1);
  const isOld = newest !== undefined && streamId < newest && now - readAt < LATE_MS;
  return isOld ? "known" : "gap";
}

/** The ids with that of an update that was applied. */
export function withUpdate(streamIds: readonly number[], streamId: number): number[] {
  return [...streamIds, streamId].slice(-MAX_IDS);
}

/** When a list that became stale may be read anew, ms since 1970. */
export function resyncAfterGap({ readAt }: Pick<ListState, "readAt">, now: number): number {
  return Math.max(now, readAt + RESYNC_EVERY_MS);
}

/** Ms until a list may be read anew after so many failures in a row; `chance` is from 0 to 1. */
export function pauseAfterFailures(failures: number, chance: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20), MAX_PAUSE_MS);
  return Math.round(pause * (0.8 + 0.4 * chance));
}
