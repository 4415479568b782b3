import type { Session } from "../../api/session.ts";
import type { MatrixEvent } from "../../api/types.ts";
import { changeOf, type Change, type RoomNote } from "./documents.ts";
import { indexName } from "./index-name.ts";
import type { MessageIndex } from "./message-index.ts";

/** Milliseconds that changes wait for others. */
const DELAY = 1500;
/** Changes that wait at most: those that come beyond are not found by a search. */
const MAX_WAITING = 5000;

/** Notes down what this device reads of encrypted rooms. The index itself is loaded when there is something for it. */
export interface Indexing {
  /** Events of an encrypted room that were read. */
  note(roomId: string, events: readonly MatrixEvent[]): void;
  /** One is not in the room any more. */
  drop(roomId: string): void;
  /** The index, with all that was noted. Rejects where this browser cannot keep one. */
  open(): Promise<MessageIndex>;
  about(roomId: string): Promise<RoomNote | undefined>;
  /** With `forget`, what is kept goes. */
  close(forget: boolean): Promise<void>;
}

export function createIndexing({ userId, deviceId }: Session): Indexing {
  let opened: Promise<MessageIndex> | undefined;
  let waiting = new Map<string, Change[]>();
  let count = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let writing: Promise<void> = Promise.resolve();
  let isClosed = false;

  function index(): Promise<MessageIndex> {
    if (isClosed) return Promise.reject(new Error("closed"));
    opened ??= import("./message-index.ts").then((module) =>
      module.openMessageIndex(userId, deviceId),
    );
    opened.catch(() => (opened = undefined));
    return opened;
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const changes = waiting;
    waiting = new Map();
    count = 0;
    writing = writing.then(async () => {
      for (const [roomId, all] of changes) await (await index()).change(roomId, all);
    });
    // Where nothing can be kept, nothing is found: the search says so.
    writing = writing.catch(() => undefined);
    return writing;
  }

  return {
    note(roomId, events) {
      const changes = events.map(changeOf).filter((change) => change !== undefined);
      if (changes.length === 0 || isClosed || count > MAX_WAITING) return;
      waiting.set(roomId, [...(waiting.get(roomId) ?? []), ...changes]);
      count += changes.length;
      timer ??= setTimeout(() => void flush(), DELAY);
    },

    drop(roomId) {
      waiting.delete(roomId);
      writing = writing.then(async () => (await index()).drop(roomId)).catch(() => undefined);
    },

    async open() {
      await flush();
      return index();
    },

    about: async (roomId) => (await index()).about(roomId),

    async close(forget) {
      if (!forget) await flush();
      isClosed = true;
      clearTimeout(timer);
      await writing;
      (await opened?.catch(() => undefined))?.close();
      if (!forget) return;
      await new Promise((resolve) => {
        const request = indexedDB.deleteDatabase(indexName(userId, deviceId));
        for (const end of ["success", "error", "blocked"]) request.addEventListener(end, resolve);
      });
    },
  };
}
