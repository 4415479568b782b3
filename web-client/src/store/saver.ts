import type { Persistence } from "./persistence.ts";
import type { RoomStore } from "./room-store.ts";

/** Milliseconds that changes wait for others before they are written to disk. */
const SAVE_DELAY = 1500;

/** Writes what changed a moment after it did, and at once when the page is being left. */
export function createSaver(
  store: RoomStore,
  persistence: Persistence | undefined,
  since: () => string | undefined,
) {
  let dirty = new Set<string>();
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const position = since();
    // What is still being read stands there already.
    if (position === undefined || persistence === undefined || store.isFilling) return;
    const rooms = dirty;
    dirty = new Set();
    persistence.save(store, position, rooms).then(
      (isSaved) => !isSaved && touch(store.rooms.keys()),
      () => {
        for (const roomId of rooms) dirty.add(roomId);
      },
    );
  }

  function touch(roomIds: Iterable<string>): void {
    if (isStopped) return;
    for (const roomId of roomIds) dirty.add(roomId);
    timer ??= setTimeout(flush, SAVE_DELAY);
  }

  return {
    flush,
    touch,
    stop(): void {
      clearTimeout(timer);
      dirty.clear();
      isStopped = true;
    },
  };
}
