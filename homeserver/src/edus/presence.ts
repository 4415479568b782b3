import type { Clock } from "../platform/clock.ts";
import { parseUserId, serverOf } from "../protocol/identifiers.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import type { EduOutlet, RoomFacts } from "./types.ts";

export type PresenceValue = "online" | "offline" | "unavailable";

/** One user's presence. */
export interface PresenceEntry {
  readonly userId: UserId;
  readonly presence: PresenceValue;
  readonly statusMsg: string | undefined;
  /** ms since 1970. */
  readonly lastActiveTs: number;
  readonly currentlyActive: boolean;
}

/** Presences, shared by the replicas. */
export interface PresenceStore {
  setPresence(entry: PresenceEntry): void | Promise<void>;
  presence(userId: UserId): PresenceEntry | undefined;
}

/** Presence. (Client-server and server-server API, "Presence".) */
export interface Presence {
  /** PUT /presence/{userId}/status. */
  set(userId: UserId, presence: PresenceValue, statusMsg: string | undefined): Promise<void>;
  /** A client syncs with this `set_presence`; it counts for so many ms. */
  seen(userId: UserId, presence: PresenceValue, ms: number): Promise<void>;
  of(userId: UserId): PresenceEntry | undefined;
  /** An m.presence EDU. What is malformed or not the origin's to say is ignored. */
  receive(origin: ServerName, content: JsonObject): Promise<void>;
  stop(): void;
}

const SWEEP_MS = 5_000;
/** Somebody who syncs and does nothing else still counts as active for this long after the last change. */
const ACTIVE_MS = 5 * 60_000;
const EDU_LIFE_MS = 5 * 60_000;
/** Other servers may tell of so many users at once. */
const MOST_UPDATES = 500;
const LONGEST_STATUS = 1024;

export function createPresence(deps: {
  readonly store: PresenceStore;
  readonly rooms: RoomFacts;
  readonly outlet: EduOutlet;
  readonly clock: Clock;
}): Presence {
  const { store, rooms, outlet, clock } = deps;
  /** Local users who sync, and until when that holds. */
  const present = new Map<UserId, number>();
  const sweeper = setInterval(sweep, SWEEP_MS);
  sweeper.unref();

  function sweep(): void {
    const now = clock.now();
    for (const [userId, until] of present) {
      if (until > now) continue;
      present.delete(userId);
      const before = store.presence(userId);
      if (before && before.presence !== "offline") {
        void change({ ...before, presence: "offline", currentlyActive: false });
      }
    }
  }

  /** Stores it and tells the servers concerned. */
  async function change(entry: PresenceEntry): Promise<void> {
    await store.setPresence(entry);
    const { userId, presence, statusMsg, currentlyActive } = entry;
    outlet.toServers(await rooms.serversSharing(userId), {
      key: `m.presence ${userId}`,
      type: "m.presence",
      content: {
        push: [
          {
            user_id: userId,
            presence,
            status_msg: statusMsg,
            last_active_ago: Math.max(0, clock.now() - entry.lastActiveTs),
            currently_active: currentlyActive,
          },
        ],
      },
      lifeMs: EDU_LIFE_MS,
    });
  }

  return {
    async set(userId, presence, statusMsg) {
      await change({
        userId,
        presence,
        statusMsg,
        lastActiveTs: clock.now(),
        currentlyActive: presence === "online",
      });
    },

    async seen(userId, presence, ms) {
      if (presence === "offline") return;
      const now = clock.now();
      present.set(userId, Math.max(present.get(userId) ?? 0, now + ms));
      const before = store.presence(userId);
      const isStale = before === undefined || now - before.lastActiveTs > ACTIVE_MS;
      if (before?.presence === presence && !isStale) return;
      await change({
        userId,
        presence,
        statusMsg: before?.statusMsg,
        lastActiveTs: now,
        currentlyActive: presence === "online",
      });
    },

    of: (userId) => store.presence(userId),

    async receive(origin, content) {
      const updates = Array.isArray(content.push) ? content.push.slice(0, MOST_UPDATES) : [];
      for (const update of updates) {
        const entry = isJsonObject(update) ? entryOf(update, clock.now()) : undefined;
        if (entry && serverOf(entry.userId) === origin) await store.setPresence(entry);
      }
    },

    stop() {
      clearInterval(sweeper);
    },
  };
}

function entryOf(update: JsonObject, now: number): PresenceEntry | undefined {
  const { presence, status_msg: status, last_active_ago: ago } = update;
  if (presence !== "online" && presence !== "offline" && presence !== "unavailable") {
    return undefined;
  }
  const idle = typeof ago === "number" && ago >= 0 ? ago : 0;
  return {
    userId: parseUserId(update.user_id),
    presence,
    statusMsg: typeof status === "string" ? status.slice(0, LONGEST_STATUS) : undefined,
    lastActiveTs: now - idle,
    currentlyActive: update.currently_active === true,
  };
}
