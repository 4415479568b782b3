import type { Content } from "../api/types.ts";
import { finished, promised } from "../encryption/indexed-db.ts";
import { openVault, type Sealed, type Vault } from "../encryption/vault.ts";
import { packList, unpackList, type KeptList } from "./kept-list.ts";
import { createShelf } from "./shelf.ts";
import type { Presence } from "./presence.ts";
import type { Room } from "./room.ts";
import type { RoomStore } from "./room-store.ts";
import { restore, snapshot, type StoredRoom } from "./stored-room.ts";

/** A room whose content is sealed: its messages came encrypted, and are not written openly here either. */
interface SealedRoom {
  roomId: string;
  sealed: Sealed;
}

interface StoredMeta {
  version: number;
  since: string;
  accountData: [string, Content][];
  presence: [string, Presence][];
}

/** Rooms that are not kept any more, and were encrypted: they stay so, whatever their server says later. */
const ENCRYPTED = "encrypted";
const MAX_ENCRYPTED = 10_000;

/** The list of rooms, to be seen before they are read. */
const LIST = "list";
/** Rooms that are read in one task; and spaces that are read before the list is shown, at most. */
const AT_ONCE = 40;
const MAX_SPACES = 100;

const VERSION = 1;
/** Takes in what is not of rooms. */
function restoreMeta(store: RoomStore, sync: StoredMeta): void {
  store.presence.restore(sync.presence);
  const events = sync.accountData.map(([type, content]) => ({ type, content }));
  store.apply({ next_batch: sync.since, account_data: { events } }, Date.now());
}

/** Takes a room for encrypted of which no more is known. */
function restoreEncrypted(store: RoomStore, roomId: string): void {
  store.ensure(roomId).encryption ??= { algorithm: "m.megolm.v1.aes-sha2" };
}

/** What is kept sealed is of encrypted rooms, whether or not it can be opened. */
function markSealed(store: RoomStore, rows: readonly (StoredRoom | SealedRoom)[]): boolean {
  for (const row of rows) if ("sealed" in row) restoreEncrypted(store, row.roomId);
  return true;
}

/** Notes in a transaction that these rooms were encrypted. */
async function noteEncrypted(meta: IDBObjectStore, roomIds: readonly string[]): Promise<void> {
  if (roomIds.length === 0) return;
  const known = (await promised<string[] | undefined>(meta.get(ENCRYPTED))) ?? [];
  const all = [...new Set([...known, ...roomIds])];
  meta.put(all.slice(-MAX_ENCRYPTED), ENCRYPTED);
}

async function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, VERSION);
  request.addEventListener("upgradeneeded", () => {
    request.result.createObjectStore("rooms", { keyPath: "roomId" });
    request.result.createObjectStore("meta");
  });
  return promised(request);
}

/** Keeps rooms and the sync position together, so that a start begins with what was there. All failures are borne. */
export async function openPersistence(userId: string, deviceId: string) {
  const name = `weft ${userId} ${deviceId}`;
  const database = await open(name);
  // Another tab signs out: let go, else its deletion waits for ever.
  database.addEventListener("versionchange", () => database.close());
  let vault: Promise<Vault> | undefined;
  const unlocked = (): Promise<Vault> => (vault ??= openVault(userId, deviceId));

  /** What is written of a room whose messages are encrypted. */
  async function sealed(room: Room): Promise<SealedRoom> {
    const stored = snapshot(room, userId);
    return { roomId: room.roomId, sealed: await (await unlocked()).seal(stored) };
  }

  async function unsealed(row: StoredRoom | SealedRoom): Promise<StoredRoom | undefined> {
    if (!("sealed" in row)) return row;
    return (await (await unlocked()).open(row.sealed)) as StoredRoom | undefined;
  }

  /** Takes in rooms as they are kept. Answers false where one cannot be opened. */
  async function take(
    store: RoomStore,
    rows: readonly (StoredRoom | SealedRoom)[],
  ): Promise<boolean> {
    markSealed(store, rows);
    const stored = await Promise.all(rows.map(unsealed));
    for (const room of stored) if (room !== undefined) restore(store, room);
    return !stored.includes(undefined);
  }

  /** Asks for all rows, some at a time: each portion is a task of its own. */
  async function eachPortion(
    table: IDBObjectStore,
    keys: readonly IDBValidKey[],
    work: (rows: (StoredRoom | SealedRoom)[]) => Promise<boolean>,
  ): Promise<boolean> {
    const portions: Promise<boolean>[] = [];
    for (let at = 0; at < keys.length; at += AT_ONCE) {
      const last = Math.min(at + AT_ONCE, keys.length) - 1;
      const range = IDBKeyRange.bound(keys[at], keys[last]);
      portions.push(promised<(StoredRoom | SealedRoom)[]>(table.getAll(range)).then(work));
    }
    return !(await Promise.all(portions)).includes(false);
  }

  /** What `glance` has taken in already. */
  let early: ReadonlySet<string> | undefined;
  /** The rooms that have not changed stand there, by what this page has read or written. */
  let isThere = false;

  return {
    /**
     * Shows the list as it was kept, with its spaces and the room that is open: what is seen first. Answers the sync token; undefined
     * when all rooms are to be read before anything is shown. `load` is to follow.
     */
    async glance(store: RoomStore, open: string | undefined): Promise<string | undefined> {
      const meta = database.transaction("meta").objectStore("meta");
      const [sync, kept] = await Promise.all([
        promised<StoredMeta | undefined>(meta.get("sync")),
        promised<KeptList | undefined>(meta.get(LIST)),
      ]);
      const list = sync?.version === VERSION ? await unpackList(kept, unlocked) : undefined;
      if (sync === undefined || list === undefined) return undefined;
      const spaces = list.filter(({ isSpace }) => isSpace).slice(0, MAX_SPACES);
      const first = new Set(spaces.map(({ roomId }) => roomId));
      if (open !== undefined) first.add(open);
      const table = database.transaction("rooms").objectStore("rooms");
      const rows = await Promise.all(
        [...first].map((id) => promised<StoredRoom | SealedRoom | undefined>(table.get(id))),
      );
      const known = rows.filter((row) => row !== undefined);
      if (!(await take(store, known))) return undefined;
      early = new Set(known.map(({ roomId }) => roomId));
      restoreMeta(store, sync);
      store.foretell(list);
      return sync.since;
    },

    /** Fills the store and answers the sync token, or undefined when there is nothing of use. */
    async load(store: RoomStore): Promise<string | undefined> {
      const transaction = database.transaction(["rooms", "meta"]);
      const meta = transaction.objectStore("meta");
      const table = transaction.objectStore("rooms");
      const [sync, keys, encrypted = []] = await Promise.all([
        promised<StoredMeta | undefined>(meta.get("sync")),
        promised(table.getAllKeys()),
        promised<string[] | undefined>(meta.get(ENCRYPTED)),
      ]);
      for (const roomId of encrypted) restoreEncrypted(store, roomId);
      const isKnown = sync?.version === VERSION;
      const isWhole = await eachPortion(table, keys, async (rows) => {
        const others = rows.filter(({ roomId }) => early?.has(roomId) !== true);
        return isKnown ? take(store, others) : markSealed(store, others);
      });
      // What cannot be opened is asked of the server: without the token it tells everything anew.
      if (!isKnown || !isWhole) return undefined;
      isThere = true;
      if (early === undefined) restoreMeta(store, sync);
      store.filled();
      return sync.since;
    },

    /**
     * Writes the rooms that changed, and how far they go, in one transaction. Answers false, and writes nothing, where those that have not
     * changed do not stand there any more, since another page has thrown all away: then all rooms are to be written.
     */
    async save(store: RoomStore, since: string, roomIds: Iterable<string>): Promise<boolean> {
      const meta: StoredMeta = {
        version: VERSION,
        since,
        accountData: [...store.accountData],
        presence: store.presence.all,
      };
      const rows: [string, StoredRoom | SealedRoom | undefined][] = [];
      const gone: string[] = [];
      for (const roomId of roomIds) {
        const room = store.room(roomId);
        const isGone =
          room === undefined || (room.membership === "leave" && room.removal === undefined);
        if (isGone && room?.encryption !== undefined) gone.push(roomId);
        if (isGone) rows.push([roomId, undefined]);
        else rows.push([roomId, room.encryption ? await sealed(room) : snapshot(room, userId)]);
      }
      const list = store.isFilling ? undefined : await packList(store, unlocked);
      const transaction = database.transaction(["rooms", "meta"], "readwrite");
      const done = finished(transaction);
      const [table, metaTable] = [
        transaction.objectStore("rooms"),
        transaction.objectStore("meta"),
      ];
      let isLost = false;
      if (isThere) {
        const found: IDBRequest<unknown> = metaTable.get("sync");
        found.addEventListener("success", () => {
          isLost = found.result === undefined;
          if (isLost) transaction.abort();
        });
      }
      // Asked for at once: the page may be about to close.
      for (const [roomId, row] of rows) {
        if (row === undefined) table.delete(roomId);
        else table.put(row);
      }
      metaTable.put(meta, "sync");
      if (list !== undefined) metaTable.put(list, LIST);
      try {
        await Promise.all([noteEncrypted(metaTable, gone), done]);
      } catch (error) {
        if (!isLost) throw error;
      }
      isThere = !isLost;
      return isThere;
    },

    /** Throws all away, but for which rooms were encrypted. */
    async clear(): Promise<void> {
      isThere = false;
      const transaction = database.transaction(["rooms", "meta"], "readwrite");
      const done = finished(transaction);
      const [table, meta] = [transaction.objectStore("rooms"), transaction.objectStore("meta")];
      done.catch(() => undefined);
      const rows = await promised<(StoredRoom | SealedRoom)[]>(table.getAll());
      const encrypted = rows.filter((row) => "sealed" in row).map(({ roomId }) => roomId);
      table.clear();
      meta.delete("sync");
      meta.delete(LIST);
      await Promise.all([noteEncrypted(meta, encrypted), done]);
    },

    /** What belongs to rooms but is known to this browser only: words that are not sent yet. */
    shelf: createShelf(database, unlocked),

    async destroy(): Promise<void> {
      database.close();
      await promised(indexedDB.deleteDatabase(name));
    },
  };
}

export type Persistence = Awaited<ReturnType<typeof openPersistence>>;
