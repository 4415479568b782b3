import type { Content, MatrixEvent } from "../api/types.ts";
import type { Presence } from "./presence.ts";
import type { Receipt } from "./receipts.ts";
import type { Membership, Room, StateEvent } from "./room.ts";
import type { RoomStore } from "./room-store.ts";

/** A room as it is kept between visits. */
interface StoredRoom {
  roomId: string;
  membership: Membership;
  state: StateEvent[];
  events: MatrixEvent[];
  prevToken?: string;
  reachedStart: boolean;
  heroes: string[];
  counts: [joined?: number, invited?: number];
  unread: [notifications: number, highlights: number];
  accountData: [string, Content][];
  receipts: [string, Receipt][];
}

interface StoredMeta {
  version: number;
  since: string;
  accountData: [string, Content][];
  presence: [string, Presence][];
}

const VERSION = 1;
const KEPT_EVENTS = 30;
/** Big rooms' members are asked for again rather than kept. */
const KEPT_MEMBERS = 200;

function snapshot(room: Room): StoredRoom {
  const tail = room.timeline.tail(KEPT_EVENTS);
  const speakers = new Set(tail.events.map((event) => event.sender));
  let members = 0;
  const state = room.allState().filter((event) => {
    if (event.type !== "m.room.member" || speakers.has(event.state_key)) return true;
    return room.heroes.includes(event.state_key) || members++ < KEPT_MEMBERS;
  });
  return {
    roomId: room.roomId,
    membership: room.membership,
    state,
    ...tail,
    heroes: room.heroes,
    counts: [room.joinedCount, room.invitedCount],
    unread: [room.notificationCount, room.highlightCount],
    accountData: [...room.accountData],
    receipts: [...room.receipts.byUser].slice(-KEPT_MEMBERS),
  };
}

function restore(store: RoomStore, stored: StoredRoom): void {
  const room = store.ensure(stored.roomId);
  room.membership = stored.membership;
  for (const event of stored.state) room.setState(event);
  room.timeline.append(stored.events, { limited: false, prevToken: stored.prevToken });
  room.timeline.reachedStart = stored.reachedStart;
  room.heroes = stored.heroes;
  [room.joinedCount, room.invitedCount] = stored.counts;
  [room.notificationCount, room.highlightCount] = stored.unread;
  for (const [type, content] of stored.accountData) room.accountData.set(type, content);
  for (const [userId, receipt] of stored.receipts) room.receipts.set(userId, receipt);
}

function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => reject(transaction.error));
    transaction.addEventListener("error", () => reject(transaction.error));
  });
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

  return {
    /** Fills the store and answers the sync token, or undefined when there is nothing of use. */
    async load(store: RoomStore): Promise<string | undefined> {
      const transaction = database.transaction(["rooms", "meta"]);
      const meta = promised<StoredMeta | undefined>(transaction.objectStore("meta").get("sync"));
      const rooms = promised<StoredRoom[]>(transaction.objectStore("rooms").getAll());
      const [sync, stored] = await Promise.all([meta, rooms]);
      if (sync?.version !== VERSION) return undefined;
      for (const room of stored) restore(store, room);
      store.presence.restore(sync.presence);
      const events = sync.accountData.map(([type, content]) => ({ type, content }));
      store.apply({ next_batch: sync.since, account_data: { events } }, Date.now());
      store.refresh(store.rooms.keys());
      return sync.since;
    },

    /** Writes the rooms that changed, and how far they go, in one transaction. */
    async save(store: RoomStore, since: string, roomIds: Iterable<string>): Promise<void> {
      const transaction = database.transaction(["rooms", "meta"], "readwrite");
      const done = finished(transaction);
      const table = transaction.objectStore("rooms");
      for (const roomId of roomIds) {
        const room = store.room(roomId);
        if (room === undefined || room.membership === "leave") table.delete(roomId);
        else table.put(snapshot(room));
      }
      const meta: StoredMeta = {
        version: VERSION,
        since,
        accountData: [...store.accountData],
        presence: store.presence.all,
      };
      transaction.objectStore("meta").put(meta, "sync");
      await done;
    },

    async clear(): Promise<void> {
      const transaction = database.transaction(["rooms", "meta"], "readwrite");
      transaction.objectStore("rooms").clear();
      transaction.objectStore("meta").clear();
      await finished(transaction);
    },

    async destroy(): Promise<void> {
      database.close();
      await promised(indexedDB.deleteDatabase(name));
    },
  };
}

export type Persistence = Awaited<ReturnType<typeof openPersistence>>;
