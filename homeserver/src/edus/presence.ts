import { LRUCache } from "lru-cache";
import type { PresenceEntry, PresenceValue } from "../cluster/ephemeral-channel.ts";
import type { Ephemeral } from "../cluster/ephemeral.ts";
import { atMost } from "../platform/caches.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { isUserId, serverOf } from "../protocol/identifiers.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import { wellFormed } from "../protocol/text.ts";
import { createDevicePresences } from "./device-presence.ts";
import type { EduOutlet, RoomFacts } from "./types.ts";

/** Presences, shared by the replicas. */
type PresenceStore = Pick<Ephemeral, "setPresence" | "presence" | "tellDevice" | "onDevice">;

/** Whose device. */
interface OfDevice {
  readonly userId: UserId;
  readonly deviceId: string;
}

/** Presence. (Client-server and server-server API, "Presence".) */
export interface Presence {
  /** PUT /presence/{userId}/status. */
  set(by: OfDevice, presence: PresenceValue, statusMsg: string | undefined): Promise<void>;
  /**
   * A client syncs with this `set_presence`; it counts for so many ms. Each device speaks for itself, by the last that it
   * said here or there, and the best of a user's devices counts.
   */
  seen(by: OfDevice, presence: PresenceValue, ms: number): Promise<void>;
  of(userId: UserId): PresenceEntry | undefined;
  /** The user is in a room now: its members here and its servers are told how they are, if they sync here. */
  joined(userId: UserId): void;
  /** A user of another server is in a room now: their server is told who is there, if it comes in by them. */
  arrived(roomId: RoomId, userId: UserId): void;
  /** An m.presence EDU. What is malformed or not the origin's to say is ignored. */
  receive(origin: ServerName, content: JsonObject): Promise<void>;
  stop(): void;
}

const SWEEP_MS = 5_000;
/** Somebody who syncs and does nothing else still counts as active for this long after the last change. */
const ACTIVE_MS = 5 * 60_000;
/** What somebody who does not sync says of themselves holds for so long. */
const STATUS_MS = 5 * 60_000;
/** One sync counts for so long at most. */
const MAX_SEEN_MS = 3 * 60_000;
/** Old news of other servers' users is taken as new after so long: it says that they are still there. */
const STILL_MS = 20 * 60_000;
const MAX_REMOTE_USERS = 100_000;
const EDU_LIFE_MS = 5 * 60_000;
/** Other servers may tell of so many users at once. */
const MAX_UPDATES = 100;
const MAX_STATUS_LENGTH = 1024;

export function createPresence(deps: {
  readonly store: PresenceStore;
  readonly rooms: RoomFacts;
  readonly outlet: EduOutlet;
  readonly clock: Clock;
  readonly logger: Logger;
}): Presence {
  const { store, rooms, outlet, clock } = deps;
  const devices = createDevicePresences(clock, (statement) => store.tellDevice(statement));
  const unlisten = store.onDevice((statement) => devices.receive(statement));
  /** Other servers' users: when news of them was stored last, ms since 1970. */
  const lastStored = new LRUCache<UserId, number>(atMost(MAX_REMOTE_USERS));
  const sweeper = setInterval(sweep, SWEEP_MS);
  sweeper.unref();

  function sweep(): void {
    for (const userId of devices.swept()) {
      const presence = devices.of(userId);
      const before = store.presence(userId);
      if (!before || before.presence === presence || before.presence === "offline") continue;
      if (presence === "online") continue; // the next sync says so
      change({ ...before, presence, currentlyActive: false });
    }
  }

  /** A device said something: the user is told of where that changes what counts, or is long ago. */
  function said(userId: UserId, own?: { readonly statusMsg: string | undefined }): void {
    const now = clock.now();
    const presence = devices.of(userId);
    const before = store.presence(userId);
    if (before === undefined && presence === "offline" && own === undefined) return;
    const isStale = before === undefined || now - before.lastActiveTs > ACTIVE_MS;
    const isSame = before?.presence === presence && (!isStale || presence === "offline");
    if (isSame && own === undefined) return;
    change({
      userId,
      presence,
      statusMsg: own === undefined ? before?.statusMsg : own.statusMsg,
      lastActiveTs: presence === "offline" ? (before?.lastActiveTs ?? now) : now,
      currentlyActive: presence === "online",
    });
  }

  /** Stores it, and tells the servers concerned in the background. */
  function change(entry: PresenceEntry): void {
    store.setPresence(entry);
    send(entry).catch((err: unknown) => deps.logger.warn({ err }, "presence was not sent on"));
  }

  async function send(entry: PresenceEntry): Promise<void> {
    const key = `m.presence ${entry.userId}`;
    sendToServers(await rooms.serversSharing(entry.userId), key, [entry]);
  }

  function sendToServers(
    servers: Iterable<ServerName>,
    key: string,
    entries: readonly PresenceEntry[],
  ): void {
    const push = entries.map((entry) => ({
      user_id: entry.userId,
      presence: entry.presence,
      status_msg: entry.statusMsg,
      last_active_ago: Math.max(0, clock.now() - entry.lastActiveTs),
      currently_active: entry.currentlyActive,
    }));
    const edu = { key, type: "m.presence", content: { push }, lifeMs: EDU_LIFE_MS };
    outlet.toServers(servers, edu);
  }

  async function arrived(roomId: RoomId, userId: UserId): Promise<void> {
    if (!(await rooms.isOnlyOfServer(roomId, userId))) return;
    const members = await rooms.joinedMembers(roomId);
    const entries = members.filter(devices.isOwn).flatMap((one) => store.presence(one) ?? []);
    const there = entries.filter(({ presence }) => presence !== "offline");
    const server = serverOf(userId);
    for (let at = 0; at < there.length; at += MAX_UPDATES) {
      const key = `m.presence ${roomId} ${at}`;
      sendToServers([server], key, there.slice(at, at + MAX_UPDATES));
    }
  }

  return {
    async set({ userId, deviceId }, presence, statusMsg) {
      devices.set({ userId, deviceId, presence, ms: STATUS_MS });
      said(userId, { statusMsg: statusMsg && wellFormed(statusMsg, MAX_STATUS_LENGTH) });
    },

    async seen({ userId, deviceId }, presence, ms) {
      devices.set({ userId, deviceId, presence, ms: Math.min(ms, MAX_SEEN_MS) });
      said(userId);
    },

    of: (userId) => store.presence(userId),

    joined(userId) {
      const entry = devices.isOwn(userId) ? store.presence(userId) : undefined;
      if (entry && entry.presence !== "offline") change(entry);
    },

    arrived(roomId, userId) {
      arrived(roomId, userId).catch((err: unknown) => {
        deps.logger.warn({ err, roomId }, "a server that came was not told who is there");
      });
    },

    async receive(origin, content) {
      const updates = Array.isArray(content.push) ? content.push.slice(0, MAX_UPDATES) : [];
      for (const update of updates) {
        const entry = isJsonObject(update) ? entryOf(update, clock.now()) : undefined;
        if (!entry || serverOf(entry.userId) !== origin) continue;
        const isRecent = clock.now() - (lastStored.get(entry.userId) ?? 0) < STILL_MS;
        if (isRecent && isOutdated(store.presence(entry.userId), entry)) continue;
        if (!(await rooms.isKnown(entry.userId))) continue;
        lastStored.set(entry.userId, clock.now());
        store.setPresence(entry);
      }
    },

    stop() {
      clearInterval(sweeper);
      unlisten();
    },
  };
}

/** Who stays active need not be announced again and again. */
function isOutdated(before: PresenceEntry | undefined, now: PresenceEntry): boolean {
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
    statusMsg: typeof status === "string" ? wellFormed(status, MAX_STATUS_LENGTH) : undefined,
    lastActiveTs: now - idle,
    currentlyActive: update.currently_active === true,
  };
}
