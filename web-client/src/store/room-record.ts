import type { MatrixEvent } from "../api/types.ts";
import { Relations } from "./relations.ts";
import { ThreadNotes } from "./thread-notes.ts";
import type { Entry, Timeline } from "./timeline.ts";

/** What all stretches of a room's history share, whichever of them an event came with. */
export class RoomRecord {
  readonly relations = new Relations();
  readonly threads = new ThreadNotes();
  /** What was taken back, by the event that it was. */
  readonly redactions = new Map<string, MatrixEvent>();
  /** The stretches that are held: the newest one first. */
  readonly stretches = new Set<Timeline>();

  /** An event that any of them holds. */
  find(eventId: string): Entry | undefined {
    for (const stretch of this.stretches) {
      const found = stretch.find(eventId);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
