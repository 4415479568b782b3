import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { Clock } from "../platform/clock.ts";
import type { RoomId, UserId } from "../protocol/identifiers.ts";
import type {
  EphemeralChannel,
  EphemeralMessage,
  PresenceEntry,
  DeviceStatement,
} from "./ephemeral-channel.ts";

/**
 * A change reported to listeners. Serials rise within a process, and from one process to the next.
 */
export type EphemeralChange =
  | { readonly kind: "typing"; readonly roomId: RoomId; readonly serial: number }
  | { readonly kind: "presence"; readonly userId: UserId; readonly serial: number };

/** Typing and presence: never on disk, and the same on every replica. */
export interface Ephemeral {
  /** Serial of the newest change. */
  readonly serial: number;
  /** Typing for this many ms; 0: stopped. */
  setTyping(roomId: RoomId, userId: UserId, ms: number): void;
  /** The typing users, and the serial of the last change; 0 when nobody typed recently. */
  typing(roomId: RoomId): { users: readonly UserId[]; serial: number };
  setPresence(entry: PresenceEntry): void;
  /** Sends a device's presence state to the other replicas. */
  tellDevice(said: DeviceStatement): void;
  /** Calls the listener with presence states of devices on other replicas. */
  onDevice(listener: (said: DeviceStatement) => void): () => void;
  presence(userId: UserId): PresenceEntry | undefined;
  /** Presences that changed after the serial; with 0, all that are not offline. */
  presenceSince(serial: number): PresenceEntry[];
  onChange(listener: (change: EphemeralChange) => void): () => void;
  stop(): Promise<void>;
}

interface TypingRoom {
  readonly until: Map<UserId, number>;
  serial: number;
}

const SWEEP_MS = 1_000;
const ROOMS_KEPT = 50_000;
const PRESENCES_KEPT = 200_000;
const RECENT_KEPT = 5_000;
/**
 * A presence that is not renewed for this long expires: its server, or the process that set it, is
 * gone.
 */
const PRESENCE_MS = 45 * 60_000;

/** `channel`: to the other replicas; without it, within this process only. */
export function createEphemeral(deps: { clock: Clock; channel?: EphemeralChannel }): Ephemeral {
  const { clock, channel } = deps;
  const rooms = new LRUCache<RoomId, TypingRoom>(atMost(ROOMS_KEPT));
  const typingNow = new Set<RoomId>();
  const presences = new LRUCache<UserId, PresenceEntry>(atMost(PRESENCES_KEPT));
  /** User → when their presence expires unless renewed; the first to expire comes first. */
  const fresh = new Map<UserId, number>();
  /** The latest presence changes, oldest first; complete after `recentFrom`. */
  const recent: { userId: UserId; serial: number }[] = [];
  const listeners = new Set<(change: EphemeralChange) => void>();
  const deviceListeners = new Set<(said: DeviceStatement) => void>();
  let serial = clock.now() * 1000;
  let recentFrom = serial;
  const sweeper = setInterval(sweep, SWEEP_MS);
  sweeper.unref();
  const unsubscribe = channel?.subscribe(apply);

  function next(): number {
    serial = Math.max(serial + 1, clock.now() * 1000);
    return serial;
  }

  function tell(change: EphemeralChange): void {
    for (const listener of listeners) listener(change);
  }

  function typingChanged(roomId: RoomId, room: TypingRoom): void {
    room.serial = next();
    if (room.until.size > 0) typingNow.add(roomId);
    else typingNow.delete(roomId);
    tell({ kind: "typing", roomId, serial: room.serial });
  }

  function sweep(): void {
    const now = clock.now();
    for (const roomId of typingNow) {
      const room = rooms.peek(roomId);
      const over = [...(room?.until ?? [])].filter(([, until]) => until <= now);
      for (const [userId] of over) room!.until.delete(userId);
      if (room && over.length > 0) typingChanged(roomId, room);
      if (!room) typingNow.delete(roomId);
    }
    for (const [userId, until] of fresh) {
      if (until > now) break;
      fresh.delete(userId);
      const entry = presences.peek(userId);
      if (entry) setPresence({ ...entry, presence: "offline", currentlyActive: false });
    }
  }

  /**
   * Applies a message of another replica. Clients that switch replicas bring serials of that one.
   */
  function apply(message: EphemeralMessage): void {
    serial = Math.max(serial, message.serial ?? 0);
    if (message.kind === "device") {
      for (const listener of deviceListeners) listener(message.said);
    } else if (message.kind === "typing") applyTyping(message.roomId, message.userId, message.ms);
    else applyPresence(message.entry);
  }

  function applyTyping(roomId: RoomId, userId: UserId, ms: number): void {
    let room = rooms.get(roomId);
    if (!room) {
      if (ms <= 0) return;
      rooms.set(roomId, (room = { until: new Map(), serial: 0 }));
    }
    const before = room.until.has(userId);
    if (ms > 0) room.until.set(userId, clock.now() + ms);
    else room.until.delete(userId);
    if (before !== ms > 0) typingChanged(roomId, room);
  }

  function applyPresence(entry: PresenceEntry): void {
    const { userId } = entry;
    presences.set(userId, entry);
    fresh.delete(userId);
    if (entry.presence !== "offline") fresh.set(userId, clock.now() + PRESENCE_MS);
    if (fresh.size > PRESENCES_KEPT) fresh.delete(fresh.keys().next().value!);
    recent.push({ userId, serial: next() });
    if (recent.length > RECENT_KEPT * 2) {
      recentFrom = recent.splice(0, recent.length - RECENT_KEPT).at(-1)!.serial;
    }
    tell({ kind: "presence", userId, serial });
  }

  function setPresence(entry: PresenceEntry): void {
    applyPresence(entry);
    channel?.publish({ kind: "presence", entry, serial });
  }

  function changedAfter(after: number): Iterable<PresenceEntry> {
    if (after < recentFrom) return presences.values();
    const users = new Set<UserId>();
    for (let i = recent.length - 1; i >= 0 && recent[i]!.serial > after; i -= 1) {
      users.add(recent[i]!.userId);
    }
    return [...users].flatMap((userId) => presences.peek(userId) ?? []);
  }

  return {
    get serial() {
      return serial;
    },
    setTyping(roomId, userId, ms) {
      applyTyping(roomId, userId, ms);
      channel?.publish({ kind: "typing", roomId, userId, ms, serial });
    },
    typing(roomId) {
      const room = rooms.get(roomId);
      return { users: [...(room?.until.keys() ?? [])], serial: room?.serial ?? 0 };
    },
    setPresence,
    tellDevice: (said) => channel?.publish({ kind: "device", said }),
    onDevice(listener) {
      deviceListeners.add(listener);
      return () => deviceListeners.delete(listener);
    },
    presence: (userId) => presences.get(userId),
    presenceSince(after) {
      const changed = [...changedAfter(after)];
      return after === 0 ? changed.filter((entry) => entry.presence !== "offline") : changed;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      clearInterval(sweeper);
      unsubscribe?.();
    },
  };
}
