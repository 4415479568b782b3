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
   * A client syncs with this `set_presence`, valid for `ms`. The last state of each device counts,
   * wherever it was set, and the best state of the user's devices is the user's.
   */
  seen(by: OfDevice, presence: PresenceValue, ms: number): Promise<void>;
  of(userId: UserId): PresenceEntry | undefined;
  /**
   * The user has joined a room: its members here, and the servers in it, get the user's presence if
   * the user syncs here.
   */
  joined(userId: UserId): void;
  /**
   * A remote user has joined a room: if that is their server's first user there, the server gets
   * the presence of the room's local members.
   */
  arrived(roomId: RoomId, userId: UserId): void;
  /**
   * Handles an m.presence EDU. Malformed entries, and users of other servers than the origin, are
   * ignored.
   */
  receive(origin: ServerName, content: JsonObject): Promise<void>;
  stop(): void;
}

const SWEEP_MS = 5_000;
/** A user who syncs but does nothing else counts as active for this long after the last change. */
const ACTIVE_MS = 5 * 60_000;
/** How long a status set by a user who does not sync is valid. */
const STATUS_MS = 5 * 60_000;
/** Upper limit on the validity of one sync's state. */
const MAX_SEEN_MS = 3 * 60_000;
/**
 * An unchanged presence of a remote user is stored again after this time, to show that it is still
 * valid.
 */
const STILL_MS = 20 * 60_000;
const MAX_REMOTE_USERS = 100_000;
const EDU_LIFE_MS = 5 * 60_000;
/** Limit on users in one EDU. */
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
  /** Remote users: when their presence was last stored, in ms since 1970. */
  const lastStored = new LRUCache<UserId, number>(atMost(MAX_REMOTE_USERS));
  const sweeper = setInterval(sweep, SWEEP_MS);
  sweeper.unref();

  function sweep(): void {
    for (const userId of devices.swept()) {
      const presence = devices.of(userId);
      const before = store.presence(userId);
      if (!before || before.presence === presence || before.presence === "offline") continue;
      if (presence === "online") continue; // the next sync corrects this
      change({ ...before, presence, currentlyActive: false });
    }
  }

  /**
   * A device has a new state: publishes the user's presence if it changed or was last sent long
   * ago.
   */
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

  /** Stores the presence and sends it to the servers concerned, in the background. */
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

/** Whether the presence has to be published again: not for a user who just stays active. */
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
