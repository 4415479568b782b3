import { atom } from "nanostores";
import { object, text, type MatrixEvent } from "../api/types.ts";
import type { Client } from "./client.ts";
import type { Room } from "./room.ts";
import { isRedacted, Timeline } from "./timeline.ts";

const KINDS = new Set(["m.image", "m.video", "m.audio", "m.file"]);

/** Pages of an encrypted room's history that are read for one wish for more files. */
const MAX_PAGES = 8;

export function isFile(event: MatrixEvent): boolean {
  return (
    event.type === "m.room.message" &&
    KINDS.has(text(event.content, "msgtype") ?? "") &&
    !isRedacted(event) &&
    (text(event.content, "url") !== undefined || object(event.content, "file") !== undefined)
  );
}

/**
 * The files that were sent to a room, the newest first. Of open rooms their server is asked; of encrypted ones, of which it
 * does not know, the history is read as far back as is wished.
 */
export function createRoomFiles(client: Client, room: Room) {
  const $files = atom<readonly MatrixEvent[]>([]);
  const known = new Set<string>();
  let next: string | undefined;
  let isWhole = false;
  /** A stretch of its own: what is read for its files does not fill up the conversation. */
  let history: Timeline | undefined;

  function add(events: readonly MatrixEvent[]): number {
    const fresh = events.filter((event) => isFile(event) && !known.has(event.event_id));
    for (const event of fresh) known.add(event.event_id);
    const all = [...$files.get(), ...fresh];
    $files.set(all.toSorted((a, b) => b.origin_server_ts - a.origin_server_ts));
    return fresh.length;
  }

  async function ask(): Promise<void> {
    const page = await client.api.reading.files(room.roomId, next);
    add(page.chunk);
    isWhole = page.end === undefined || (page.end === next && page.chunk.length === 0);
    next = page.end;
  }

  async function read(): Promise<void> {
    if (history === undefined) {
      add(room.timeline.entries.map((entry) => entry.event));
      history = Timeline.before(room.timeline);
    }
    for (let pages = 0; pages < MAX_PAGES && !history.reachedStart; pages++) {
      await client.history.older(room, history);
      const found = add(history.entries.map((entry) => entry.event));
      history.dropAll();
      if (found > 0) break;
    }
    isWhole = history.reachedStart;
  }

  return {
    $files,
    get isWhole() {
      return isWhole;
    },
    /** Looks further back. */
    more: (): Promise<void> => (room.encryption === undefined ? ask() : read()),
    /** Takes in what has come since. */
    look: (): void => void add(room.timeline.entries.map((entry) => entry.event)),
    close: (): void => history?.close(),
  };
}

export type RoomFiles = ReturnType<typeof createRoomFiles>;
