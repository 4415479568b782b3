import { atom, onMount, type ReadableAtom, type WritableAtom } from "nanostores";
import type { Room } from "../store/room.ts";
import type { DeviceTrust, RoomTrust, TrustView, UserTrust } from "./port.ts";

/** Stores that are kept though nobody watches them, at most. */
const KEPT = 500;
/** Members above which a room is not looked through. */
const MAX_MEMBERS = 1000;

export interface TrustDeps {
  users(users: string[]): Promise<UserTrust[]>;
  devices(userId: string): Promise<DeviceTrust[]>;
  accept(userId: string): Promise<void>;
  members(room: Room): Promise<string[]>;
  me: string;
}

interface Watched<T> {
  store: WritableAtom<T>;
  /** Looks it up anew. */
  load(): Promise<void>;
  isWatched: boolean;
}

/** Stores by key, looked up when they are watched. */
function createStores<T>(initial: T) {
  const known = new Map<string, Watched<T>>();

  function of(key: string, look: () => Promise<T>): ReadableAtom<T> {
    const found = known.get(key);
    if (found !== undefined) return found.store;
    const store = atom<T>(initial);
    const watched: Watched<T> = {
      store,
      isWatched: false,
      load: async () => {
        // What cannot be looked up now stays as it was known.
        await look().then(
          (value) => store.set(value),
          () => undefined,
        );
      },
    };
    onMount(store, () => {
      watched.isWatched = true;
      void watched.load();
      return () => {
        watched.isWatched = false;
      };
    });
    known.set(key, watched);
    for (const [old, { isWatched }] of known) {
      if (known.size <= KEPT) break;
      if (!isWatched && old !== key) known.delete(old);
    }
    return store;
  }

  return {
    of,
    refresh(isConcerned: (key: string) => boolean): void {
      for (const [key, watched] of known) {
        if (watched.isWatched && isConcerned(key)) void watched.load();
      }
    },
  };
}

/** What the engine knows of people, as stores. `refresh` is called with the users of whom something changed. */
export function createTrustView(
  deps: TrustDeps,
): TrustView & { refresh(users?: readonly string[]): void } {
  const users = createStores<UserTrust>("unknown");
  const devices = createStores<readonly DeviceTrust[] | undefined>(undefined);
  const rooms = createStores<RoomTrust>({ state: "unknown", changed: [], unverified: [] });
  const membersOf = new Map<string, ReadonlySet<string>>();

  async function lookAtRoom(room: Room): Promise<RoomTrust> {
    const members = (await deps.members(room)).filter((user) => user !== deps.me);
    membersOf.set(room.roomId, new Set(members));
    if (members.length > MAX_MEMBERS) return { state: "unknown", changed: [], unverified: [] };
    const found = await deps.users(members);
    const having = (...states: UserTrust[]): string[] =>
      members.filter((_, at) => states.includes(found[at] ?? "unknown"));
    const changed = having("changed", "violated");
    const unverified = having("unverified", "none", "unknown");
    if (changed.length > 0) return { state: "warning", changed, unverified };
    const isVerified = members.length > 0 && unverified.length === 0;
    return { state: isVerified ? "verified" : "normal", changed, unverified };
  }

  function refresh(changed?: readonly string[]): void {
    const concerns = (user: string): boolean => changed === undefined || changed.includes(user);
    users.refresh(concerns);
    devices.refresh(concerns);
    rooms.refresh((roomId) => {
      const members = membersOf.get(roomId);
      return members === undefined || changed === undefined || changed.some((u) => members.has(u));
    });
  }

  return {
    user: (userId) => users.of(userId, async () => (await deps.users([userId]))[0] ?? "unknown"),
    devices: (userId) => devices.of(userId, () => deps.devices(userId)),
    room: (room) => rooms.of(room.roomId, () => lookAtRoom(room)),
    async accept(userId) {
      await deps.accept(userId);
      refresh([userId]);
    },
    refresh,
  };
}
