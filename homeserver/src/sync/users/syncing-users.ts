import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { MembershipChange, RecordOf } from "../../log/types.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { Membership, RoomView } from "../../rooms/api/index.ts";

/** What of the log concerns those who sync. */
export const SYNCED = [
  ...(["event", "membership", "receipt", "account_data"] as const),
  ...(["partial_state", "forgotten", "purge"] as const),
] as const;
type SyncedRecord = RecordOf<(typeof SYNCED)[number]>;

/** One room of a person, as of the newest log record. */
export interface PersonRoom {
  readonly roomNid: number;
  readonly roomId: RoomId;
  readonly membership: Membership;
  /** nid of the member event. */
  readonly eventNid: number;
  /** Position at which the membership was last written. */
  readonly position: number;
  /** Position since which this membership has held without a break, as far as memory knows. */
  readonly heldSince: number;
  /** The room's members are not known yet. */
  readonly isPartial: boolean;
  /** Position at which the room's state became whole, where it was not always so; 0. */
  readonly wholeSince: number;
  /** The person forgot the room: their clients are told that it ended, and nothing else. */
  readonly isForgotten: boolean;
  /** Position of the person's own last receipt there, or one that it is not behind. */
  readonly receiptAt: number;
}

/** A local user whose rooms are held in memory because they sync. */
export interface Person {
  readonly userId: UserId;
  readonly rooms: Map<number, PersonRoom>;
  /** Last position of anything that concerns this person: an idle long-poll looks here and nowhere else. */
  changedAt: number;
  /** The same of all that is no plain message: since then a sync cannot be answered by messages alone. */
  otherwiseAt: number;
  /** Serial of the last change outside the log (typing, presence) that concerns this person. */
  ephemeralAt: number;
  /** Called when something changed; each is called once and removed. */
  readonly waiting: Set<() => void>;
}

function wholeness(
  room: { readonly isComplete: boolean; readonly position: number } | undefined,
): Pick<PersonRoom, "isPartial" | "wholeSince"> {
  if (room === undefined) return { isPartial: false, wholeSince: 0 };
  return { isPartial: !room.isComplete, wholeSince: room.isComplete ? room.position : 0 };
}

/** A room's timeline has grown, and nothing else of it has changed. */
function isPlainMessage(record: SyncedRecord): boolean {
  return record.kind === "event" && !record.stateChanged && record.memberships.length === 0;
}

/** Room memberships that a record sets. */
function memberChanges(record: SyncedRecord): readonly MembershipChange[] {
  if (record.kind === "event") return record.memberships;
  return record.kind === "membership" ? [record] : [];
}

/**
 * The people who sync, with their rooms, kept current by the log.
 * Bounded: who has not synced for long and is not waiting leaves memory and is loaded again on return.
 */
export function createPeople(deps: {
  readonly view: RoomView;
  readonly position: () => number;
  /** A person who comes into memory may have missed any change up to now. */
  readonly ephemeralSerial: () => number;
  readonly max?: number;
}) {
  const inRoom = new Map<number, Set<Person>>();
  const loading = new Map<UserId, { promise: Promise<Person>; missed: SyncedRecord[] }>();
  const loaded = new LRUCache<UserId, Person>({
    ...atMost(deps.max ?? 20_000),
    disposeAfter: (person, _userId, reason) => {
      if (reason === "set") return;
      for (const nid of person.rooms.keys()) unindex(person, nid);
      // Whoever waits loads the person anew.
      for (const call of person.waiting) call();
    },
  });

  function index(person: Person, roomNid: number): void {
    let people = inRoom.get(roomNid);
    if (!people) inRoom.set(roomNid, (people = new Set()));
    people.add(person);
  }

  function unindex(person: Person, roomNid: number): void {
    const people = inRoom.get(roomNid);
    people?.delete(person);
    if (people?.size === 0) inRoom.delete(roomNid);
  }

  async function load(userId: UserId, missed: SyncedRecord[]): Promise<Person> {
    const from = deps.position();
    const rows = await deps.view.membershipsOf(userId, { forgotten: true });
    const known = await deps.view.rooms(rows.map((row) => row.roomNid));
    const joined = rows.filter((row) => row.membership === "join");
    const partial = await deps.view.partialRooms(joined.map((row) => row.roomNid));
    const person: Person = {
      userId,
      rooms: new Map(),
      changedAt: from,
      otherwiseAt: from,
      ephemeralAt: deps.ephemeralSerial(),
      waiting: new Set(),
    };
    for (const row of rows) {
      const room = known.get(row.roomNid);
      if (!room) continue;
      const { roomNid, membership, eventNid, position, forgotten: isForgotten } = row;
      person.rooms.set(roomNid, {
        roomNid,
        roomId: room.roomId,
        membership,
        eventNid,
        position,
        heldSince: position,
        isForgotten,
        ...wholeness(partial.get(roomNid)),
        receiptAt: from,
      });
      if (membership === "join") index(person, roomNid);
    }
    loaded.set(userId, person);
    loading.delete(userId);
    for (const record of missed) apply(person, record);
    return person;
  }

  function apply(person: Person, record: SyncedRecord): void {
    person.changedAt = Math.max(person.changedAt, record.position);
    if (!isPlainMessage(record)) {
      person.otherwiseAt = Math.max(person.otherwiseAt, record.position);
    }
    for (const change of memberChanges(record)) {
      if (change.userId === person.userId) setMembership(person, change, record);
    }
    if (record.kind === "partial_state") {
      const room = person.rooms.get(record.roomNid);
      if (room) person.rooms.set(room.roomNid, { ...room, ...wholeness(record) });
    }
    if (record.kind === "forgotten") {
      const room = person.rooms.get(record.roomNid);
      const isOut = room?.membership === "leave" || room?.membership === "ban";
      if (isOut) person.rooms.set(room.roomNid, { ...room, isForgotten: true });
    }
    if (record.kind === "purge" && record.whole) {
      person.rooms.delete(record.roomNid);
      unindex(person, record.roomNid);
    }
    if (record.kind === "receipt" && record.userId === person.userId) {
      const room = person.rooms.get(record.roomNid);
      if (room) person.rooms.set(room.roomNid, { ...room, receiptAt: record.position });
    }
  }

  function setMembership(person: Person, change: MembershipChange, record: SyncedRecord): void {
    if (record.kind !== "event" && record.kind !== "membership") return;
    const { roomNid, eventNid } = change;
    const membership = change.membership as Membership;
    const before = person.rooms.get(roomNid);
    if (before && before.position > record.position) return;
    person.rooms.set(roomNid, {
      roomNid,
      roomId: record.roomId as RoomId,
      membership,
      eventNid,
      position: record.position,
      heldSince: before?.membership === membership ? before.heldSince : record.position,
      ...{ isPartial: before?.isPartial ?? false, wholeSince: before?.wholeSince ?? 0 },
      isForgotten:
        (before?.isForgotten ?? false) && (membership === "leave" || membership === "ban"),
      receiptAt: before?.receiptAt ?? 0,
    });
    if (membership === "join") index(person, roomNid);
    else unindex(person, roomNid);
  }

  return {
    /** The person with their rooms, loaded once however many ask at a time. */
    async get(userId: UserId): Promise<Person> {
      const present = loaded.get(userId);
      if (present) return present;
      const underWay = loading.get(userId);
      if (underWay) return underWay.promise;
      const missed: SyncedRecord[] = [];
      const promise = load(userId, missed).catch((error: unknown) => {
        loading.delete(userId);
        throw error;
      });
      loading.set(userId, { promise, missed });
      return promise;
    },

    /** The people in memory who are joined to a room. */
    inRoom(roomNid: number): Iterable<Person> {
      return inRoom.get(roomNid) ?? [];
    },

    /** The same, if they are in memory. */
    known(userId: UserId): Person | undefined {
      return loaded.get(userId);
    },

    /** A person in memory, without loading or counting as use. */
    peek(userId: string): Person | undefined {
      return loaded.peek(userId as UserId);
    },

    /** Everyone with a request waiting. */
    *waiting(): Iterable<Person> {
      for (const person of loaded.values()) if (person.waiting.size > 0) yield person;
    },

    /** Takes in records of the log; answers whom they concern. */
    take(records: readonly SyncedRecord[]): Set<Person> {
      const concerned = new Set<Person>();
      for (const record of records) {
        for (const { missed } of loading.values()) missed.push(record);
        const concernedBy = new Set(audience(record));
        for (const { userId } of memberChanges(record)) {
          const target = loaded.peek(userId as UserId);
          if (target) concernedBy.add(target);
        }
        for (const person of concernedBy) {
          apply(person, record);
          concerned.add(person);
        }
      }
      return concerned;
    },
  };

  function audience(record: SyncedRecord): Iterable<Person> {
    switch (record.kind) {
      case "event":
      case "partial_state":
        return inRoom.get(record.roomNid) ?? [];
      case "receipt":
        if (record.receiptType !== "m.read.private") return inRoom.get(record.roomNid) ?? [];
        return one(record.userId);
      case "account_data":
      case "forgotten":
      case "membership":
        return one(record.userId);
      case "purge":
        return record.whole ? knowing(record.roomNid) : [];
    }
  }

  function knowing(roomNid: number): Person[] {
    return [...loaded.values()].filter((person) => person.rooms.has(roomNid));
  }

  function one(userId: string): Person[] {
    const person = loaded.peek(userId as UserId);
    return person ? [person] : [];
  }
}

export type People = ReturnType<typeof createPeople>;
