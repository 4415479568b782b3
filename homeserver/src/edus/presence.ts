import { LRUCache } from "lru-cache";
import type { PresenceEntry, Sighting } from "../cluster/ephemeral-bus.ts";
import { atMost } from "../platform/caches.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { isUserId, serverOf } from "../protocol/identifiers.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import type { EduOutlet, RoomFacts } from "./types.ts";

export type { PresenceEntry } from "../cluster/ephemeral-bus.ts";
export type PresenceValue = PresenceEntry["presence"];

/** Presences, shared by the replicas. */
export interface PresenceStore {
  setPresence(entry: PresenceEntry): void | Promise<void>;
  presence(userId: UserId): PresenceEntry | undefined;
  /** Tells the other replicas that a user syncs here; absent where there are none. */
  seen?(sighting: Sighting): void;
  onSeen?(listener: (sighting: Sighting) => void): () => void;
}

/** Presence. (Client-server and server-server API, "Presence".) */
export interface Presence {
  /** PUT /presence/{userId}/status. */
  set(userId: UserId, presence: PresenceValue, statusMsg: string | undefined): Promise<void>;
  /** A client syncs with this `set_presence`; it counts for so many ms. */
  seen(userId: UserId, presence: PresenceValue, ms: number): Promise<void>;
  of(userId: UserId): PresenceEntry | undefined;
  /** The user is in a room now: its members here and its servers are told how they are, if they sync here. */
  joined(userId: UserId): void;
  /** An m.presence EDU. What is malformed or not the origin's to say is ignored. */
  receive(origin: ServerName, content: JsonObject): Promise<void>;
  stop(): void;
}

const SWEEP_MS = 5_000;
/** Somebody who syncs and does nothing else still counts as active for this long after the last change. */
const ACTIVE_MS = 5 * 60_000;
/** What somebody who does not sync says of themselves holds for so long. */
const SAID_MS = 5 * 60_000;
/** One sync counts for so long at most. */
const MOST_SEEN_MS = 3 * 60_000;
/** Old news of other servers' users is taken as new after so long: it says that they are still there. */
const STILL_MS = 20 * 60_000;
const HEARD_OF = 100_000;
/** Other replicas are told of a user who syncs here once in so long. */
const TELL_SEEN_MS = 10_000;
const EDU_LIFE_MS = 5 * 60_000;
/** Other servers may tell of so many users at once. */
const MOST_UPDATES = 100;
const LONGEST_STATUS = 1024;

/** Until when a user's syncs count, ms since 1970, by what they said. */
interface Seen {
  readonly online: number;
  readonly unavailable: number;
}

const NEVER: Seen = { online: 0, unavailable: 0 };

export function createPresence(deps: {
  readonly store: PresenceStore;
  readonly rooms: RoomFacts;
  readonly outlet: EduOutlet;
  readonly clock: Clock;
  readonly logger: Logger;
}): Presence {
  const { store, rooms, outlet, clock } = deps;
  /** Local users who are there. */
  const present = new Map<UserId, Seen>();
  /** Other servers' users: when news of them was stored last, ms since 1970. */
  const heard = new LRUCache<UserId, number>(atMost(HEARD_OF));
  /** Local users of whom other replicas were told that they sync here: when, ms since 1970, and as what. */
  const toldSeen = new LRUCache<string, number>(atMost(HEARD_OF));
  // Who goes from replica to replica has not gone: whichever saw them before lets them be.
  const unhear = store.onSeen?.(({ userId, presence, ms }) => {
    const seen = present.get(userId);
    if (seen === undefined) return;
    const until = Math.max(seen[presence], clock.now() + Math.min(ms, MOST_SEEN_MS));
    present.set(userId, { ...seen, [presence]: until });
  });
  const sweeper = setInterval(sweep, SWEEP_MS);
  sweeper.unref();

  /** A user is online as long as one of their clients is. */
  function presenceIn({ online, unavailable }: Seen, now: number): PresenceValue {
    if (online > now) return "online";
    return unavailable > now ? "unavailable" : "offline";
  }

  function tellSeen(userId: UserId, presence: Sighting["presence"], ms: number): void {
    const key = `${presence} ${userId}`;
    const now = clock.now();
    if (store.seen === undefined || now - (toldSeen.get(key) ?? 0) < TELL_SEEN_MS) return;
    toldSeen.set(key, now);
    store.seen({ userId, presence, ms });
  }

  function sweep(): void {
    const now = clock.now();
    for (const [userId, seen] of present) {
      const presence = presenceIn(seen, now);
      if (presence === "offline") present.delete(userId);
      const before = store.presence(userId);
      if (!before || before.presence === presence || before.presence === "offline") continue;
      if (presence === "online") continue; // the next sync says so
      void change({ ...before, presence, currentlyActive: false });
    }
  }

  /** Stores it, and tells the servers concerned in the background. */
  async function change(entry: PresenceEntry): Promise<void> {
    await store.setPresence(entry);
    tell(entry).catch((err: unknown) => deps.logger.warn({ err }, "presence was not sent on"));
  }

  async function tell(entry: PresenceEntry): Promise<void> {
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
      const now = clock.now();
      if (presence === "offline") present.delete(userId);
      else present.set(userId, { ...NEVER, [presence]: now + SAID_MS });
      await change({
        userId,
        presence,
        statusMsg: statusMsg?.slice(0, LONGEST_STATUS),
        lastActiveTs: now,
        currentlyActive: presence === "online",
      });
    },

    async seen(userId, said, ms) {
      if (said === "offline") return;
      const now = clock.now();
      const seen = present.get(userId) ?? NEVER;
      const until = Math.max(seen[said], now + Math.min(ms, MOST_SEEN_MS));
      const after = { ...seen, [said]: until };
      present.set(userId, after);
      tellSeen(userId, said, ms);
      const presence = presenceIn(after, now);
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

    joined(userId) {
      const entry = present.has(userId) ? store.presence(userId) : undefined;
      if (entry && entry.presence !== "offline") void change(entry);
    },

    async receive(origin, content) {
      const updates = Array.isArray(content.push) ? content.push.slice(0, MOST_UPDATES) : [];
      for (const update of updates) {
        const entry = isJsonObject(update) ? entryOf(update, clock.now()) : undefined;
        if (!entry || serverOf(entry.userId) !== origin) continue;
        const isRecent = clock.now() - (heard.get(entry.userId) ?? 0) < STILL_MS;
        if (isRecent && isOldNews(store.presence(entry.userId), entry)) continue;
        if (!(await rooms.isKnown(entry.userId))) continue;
        heard.set(entry.userId, clock.now());
        await store.setPresence(entry);
      }
    },

    stop() {
      clearInterval(sweeper);
      unhear?.();
    },
  };
}

/** Who stays active need not be announced again and again. */
function isOldNews(before: PresenceEntry | undefined, now: PresenceEntry): boolean {
  return (
    before !== undefined &&
    before.presence === now.presence &&
    before.statusMsg === now.statusMsg &&
    before.currentlyActive === now.currentlyActive &&
    Math.abs(now.lastActiveTs - before.lastActiveTs) < ACTIVE_MS
  );
}

function entryOf(update: JsonObject, now: number): PresenceEntry | undefined {
  const { user_id: userId, presence, status_msg: status, last_active_ago: ago } = update;
  if (!isUserId(userId)) return undefined;
  if (presence !== "online" && presence !== "offline" && presence !== "unavailable") {
    return undefined;
  }
  const idle = typeof ago === "number" && ago >= 0 ? Math.min(ago, now) : 0;
  return {
    userId,
    presence,
    statusMsg: typeof status === "string" ? status.slice(0, LONGEST_STATUS) : undefined,
    lastActiveTs: now - idle,
    currentlyActive: update.currently_active === true,
  };
}
