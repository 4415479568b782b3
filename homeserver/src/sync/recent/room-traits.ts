import { LRUCache } from "lru-cache";
import type { EventRecord } from "../../log/types.ts";
import { atMost } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RoomView } from "../../rooms/api/index.ts";
import type { SyncingUser, SyncingUserRoom } from "../users/syncing-user.ts";

/** What filters ask of a room. undefined: it is not known, or was not asked for. */
export interface RoomTraits {
  /** The type in its create event; null: it has none. */
  type(userRoom: SyncingUserRoom): string | null | undefined;
  isEncrypted(userRoom: SyncingUserRoom): boolean | undefined;
}

/** Reads a trait of rooms that this server is or was in; others are absent. */
type LoadTrait<T> = (roomNids: readonly number[]) => Promise<ReadonlyMap<number, T>>;

interface Stripped {
  readonly type: string | null;
  readonly isEncrypted: boolean;
}

const ROOMS_KEPT = 200_000;

/**
 * Types of rooms and whether they are encrypted, for filters: of a room that the user is not in, by
 * the stripped state that came with the invite.
 */
export function createRoomTraits(deps: {
  readonly view: Pick<RoomView, "strippedState">;
  readonly types: LoadTrait<string | null>;
  readonly encryption: LoadTrait<boolean>;
}) {
  const types = createTrait(deps.types);
  const encryption = createTrait(deps.encryption);
  /** By the nid of the invite. */
  const invites = new LRUCache<number, Stripped>(atMost(ROOMS_KEPT));

  async function strippedOf(
    userId: UserId,
    pending: readonly SyncingUserRoom[],
  ): Promise<Map<number, Stripped>> {
    const found = new Map<number, Stripped>();
    await Promise.all(
      pending.map(async ({ roomNid, eventNid }) => {
        const known = invites.get(eventNid);
        const traits = known ?? strippedTraits(await deps.view.strippedState(roomNid, userId));
        found.set(roomNid, traits);
        invites.set(eventNid, traits);
      }),
    );
    return found;
  }

  return {
    /** Applies an event of the log. */
    event({ roomNid, event }: EventRecord): void {
      if (event.type === "m.room.create") types.forget(roomNid);
      if (event.type === "m.room.encryption") encryption.forget(roomNid);
    },

    /** Reads those traits of the user's rooms that are asked for. */
    async of(
      { userId, rooms }: SyncingUser,
      asked: { readonly type: boolean; readonly isEncrypted: boolean },
    ): Promise<RoomTraits> {
      const others: number[] = [];
      const pending: SyncingUserRoom[] = [];
      for (const userRoom of rooms.values()) {
        if (isPending(userRoom)) pending.push(userRoom);
        else others.push(userRoom.roomNid);
      }
      const [stripped, typeOf, isEncrypted] = await Promise.all([
        strippedOf(userId, pending),
        asked.type ? types.of(others) : () => undefined,
        asked.isEncrypted ? encryption.of(others) : () => undefined,
      ]);
      return {
        type: (userRoom) =>
          isPending(userRoom) ? stripped.get(userRoom.roomNid)?.type : typeOf(userRoom.roomNid),
        isEncrypted: (userRoom) =>
          isPending(userRoom)
            ? stripped.get(userRoom.roomNid)?.isEncrypted
            : isEncrypted(userRoom.roomNid),
      };
    },
  };
}

export type RoomTraitsCache = ReturnType<typeof createRoomTraits>;

const isPending = ({ membership }: SyncingUserRoom) =>
  membership === "invite" || membership === "knock";

function createTrait<T>(load: LoadTrait<T>) {
  const known = new LRUCache<number, { readonly value: T }>(atMost(ROOMS_KEPT));
  /** For each reading that is under way: the rooms that changed since it began. */
  const readings = new Set<Set<number>>();
  return {
    forget(roomNid: number): void {
      known.delete(roomNid);
      for (const changed of readings) changed.add(roomNid);
    },

    /** The trait by room nid. */
    async of(roomNids: readonly number[]): Promise<(roomNid: number) => T | undefined> {
      const missing = roomNids.filter((nid) => !known.has(nid));
      if (missing.length === 0) return (nid) => known.peek(nid)?.value;
      const changed = new Set<number>();
      readings.add(changed);
      try {
        const found = await load(missing);
        for (const [nid, value] of found) if (!changed.has(nid)) known.set(nid, { value });
        return (nid) => (found.has(nid) ? found.get(nid) : known.peek(nid)?.value);
      } finally {
        readings.delete(changed);
      }
    },
  };
}

function strippedTraits(events: readonly JsonObject[]): Stripped {
  const create = events.find((event) => event.type === "m.room.create")?.content as
    | JsonObject
    | undefined;
  return {
    type: typeof create?.type === "string" ? create.type : null,
    isEncrypted: events.some((event) => event.type === "m.room.encryption"),
  };
}
