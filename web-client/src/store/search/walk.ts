import type { Client } from "../client.ts";
import type { Room } from "../room.ts";
import { Timeline } from "../timeline.ts";

/** The ways back through rooms' histories, by which what is read of them comes into the index. Each goes on where it was left. */
const walks = new WeakMap<Room, Timeline>();

/** Pages that are read at one wish. */
const PAGES = 25;

/**
 * Reads on, further back than before: at most so many pages. Tells after each page how many were read, of how many. Answers
 * whether there is more.
 */
export async function walkBack(
  client: Client,
  room: Room,
  onPage: (done: number, of: number) => void,
  signal: AbortSignal,
): Promise<boolean> {
  let stretch = walks.get(room);
  if (stretch === undefined) {
    client.indexing.note(
      room.roomId,
      room.timeline.entries.map((entry) => entry.event),
    );
    stretch = Timeline.before(room.timeline);
    walks.set(room, stretch);
  }
  for (let page = 0; page < PAGES && !stretch.reachedStart && !signal.aborted; page++) {
    await client.history.older(room, stretch);
    stretch.dropAll();
    onPage(page + 1, PAGES);
  }
  return !stretch.reachedStart;
}
