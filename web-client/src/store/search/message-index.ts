import { finished, promised } from "../../encryption/indexed-db.ts";
import { openVault, type Sealed, type Vault } from "../../encryption/vault.ts";
import { folded, hasAll } from "../../text/highlight.ts";
import type { Change, IndexedMessage, RoomNote } from "./documents.ts";
import { applyChange } from "./documents.ts";
import { indexName } from "./index-name.ts";

/** Messages of one room lie in so many sealed parts: each one's part follows from its id. */
const PARTS = 16;
/** Messages in a part, and in all rooms together. The oldest, and the rooms read least recently, are let go. */
const MAX_PART = 600;
const MAX_ALL = 100_000;
/** Found messages that are answered. */
const MAX_FOUND = 500;

interface Row {
  roomId: string;
  part: number;
  sealed: Sealed;
}

function partOf(eventId: string): number {
  let hash = 0;
  for (let at = 0; at < eventId.length; at++) hash = (hash * 31 + eventId.charCodeAt(at)) | 0;
  return Math.abs(hash) % PARTS;
}

async function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.addEventListener("upgradeneeded", () => {
    const parts = request.result.createObjectStore("parts", { keyPath: ["roomId", "part"] });
    parts.createIndex("room", "roomId");
    request.result.createObjectStore("rooms", { keyPath: "roomId" });
  });
  const database = await promised(request);
  database.addEventListener("versionchange", () => database.close());
  return database;
}

/**
 * What this device has read of encrypted rooms, to be searched: no server can. It lies in the browser's database, sealed as the
 * messages themselves are, in parts that are opened one after another for a search.
 */
export async function openMessageIndex(userId: string, deviceId: string) {
  const name = indexName(userId, deviceId);
  const database = await openDatabase(name);
  const vault: Vault = await openVault(userId, deviceId);
  /** One tab at a time changes it. */
  const alone = <T>(work: () => Promise<T>): Promise<T> =>
    navigator.locks.request(name, work) as Promise<T>;

  async function read(row: Row | undefined): Promise<IndexedMessage[]> {
    if (row === undefined) return [];
    return ((await vault.open(row.sealed)) as IndexedMessage[] | undefined) ?? [];
  }

  function rowOf(roomId: string, part: number): Promise<Row | undefined> {
    const table = database.transaction("parts").objectStore("parts");
    return promised<Row | undefined>(table.get([roomId, part]));
  }

  /** Changes one part. Answers how many more messages are in it than before. */
  async function changePart(
    roomId: string,
    part: number,
    changes: readonly Change[],
  ): Promise<{ more: number; oldest: number | undefined }> {
    const before = await read(await rowOf(roomId, part));
    const messages = new Map(before.map((message) => [message.id, message]));
    for (const change of changes) applyChange(messages, change);
    const kept = [...messages.values()].toSorted((a, b) => b.ts - a.ts).slice(0, MAX_PART);
    const row: Row = { roomId, part, sealed: await vault.seal(kept) };
    const transaction = database.transaction("parts", "readwrite");
    const done = finished(transaction);
    transaction.objectStore("parts").put(row);
    await done;
    return { more: kept.length - before.length, oldest: kept.at(-1)?.ts };
  }

  async function dropRoom(roomId: string): Promise<void> {
    const transaction = database.transaction(["parts", "rooms"], "readwrite");
    const done = finished(transaction);
    for (let part = 0; part < PARTS; part++) {
      transaction.objectStore("parts").delete([roomId, part]);
    }
    transaction.objectStore("rooms").delete(roomId);
    await done;
  }

  async function note(roomId: string, more: number, oldest: number, now: number): Promise<void> {
    const rooms = database.transaction("rooms").objectStore("rooms");
    const all = await promised<RoomNote[]>(rooms.getAll());
    const known = all.find((room) => room.roomId === roomId);
    const next: RoomNote = {
      roomId,
      count: (known?.count ?? 0) + more,
      oldest: Math.min(known?.oldest ?? oldest, oldest),
      changed: now,
    };
    const transaction = database.transaction("rooms", "readwrite");
    const done = finished(transaction);
    transaction.objectStore("rooms").put(next);
    await done;
    const others = all.filter((room) => room.roomId !== roomId);
    let count = others.reduce((sum, room) => sum + room.count, next.count);
    for (const room of others.toSorted((a, b) => a.changed - b.changed)) {
      if (count <= MAX_ALL) break;
      await dropRoom(room.roomId);
      count -= room.count;
    }
  }

  return {
    /** Takes in what was read, changed or taken back in a room. */
    change: (roomId: string, changes: readonly Change[]): Promise<void> =>
      alone(async () => {
        let more = 0;
        let oldest = Number.POSITIVE_INFINITY;
        for (const [part, own] of Map.groupBy(changes, (change) => partOf(change.id))) {
          const changed = await changePart(roomId, part, own);
          more += changed.more;
          oldest = Math.min(oldest, changed.oldest ?? oldest);
        }
        if (Number.isFinite(oldest)) await note(roomId, more, oldest, Date.now());
      }),

    drop: (roomId: string): Promise<void> => alone(() => dropRoom(roomId)),

    /** The messages of these rooms in which all words stand, the newest first. `words` are folded. */
    async search(
      words: readonly string[],
      roomIds: readonly string[],
      fits: (message: IndexedMessage) => boolean,
      signal: AbortSignal,
    ): Promise<{ roomId: string; message: IndexedMessage }[]> {
      const found: { roomId: string; message: IndexedMessage }[] = [];
      for (const roomId of roomIds) {
        for (let part = 0; part < PARTS; part++) {
          signal.throwIfAborted();
          for (const message of await read(await rowOf(roomId, part))) {
            if (fits(message) && hasAll(words, folded(message.body)))
              found.push({ roomId, message });
          }
        }
      }
      return found.toSorted((a, b) => b.message.ts - a.message.ts).slice(0, MAX_FOUND);
    },

    /** What there is of a room; undefined when nothing. */
    about(roomId: string): Promise<RoomNote | undefined> {
      const rooms = database.transaction("rooms").objectStore("rooms");
      return promised<RoomNote | undefined>(rooms.get(roomId));
    },

    close(): void {
      database.close();
      vault.close();
    },
  };
}

export type MessageIndex = Awaited<ReturnType<typeof openMessageIndex>>;
