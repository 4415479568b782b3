/** A room engine and a sync on it, without HTTP, whose queries are counted. */
import { createEphemeral, type Ephemeral } from "../../src/cluster/ephemeral.ts";
import { createLog, type Log } from "../../src/log/log.ts";
import { createMemoryWake } from "../../src/log/wake.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { generateSigningKey } from "../../src/protocol/crypto.ts";
import { parseFilter } from "../../src/protocol/filter.ts";
import type { EventId, RoomId, ServerName, UserId } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { compile, defaultRules } from "../../src/protocol/push/push-rules.ts";
import { createRooms, type Rooms } from "../../src/rooms/index.ts";
import type { RetentionRules } from "../../src/rooms/visibility/retention-rules.ts";
import { connectWriter } from "../../src/storage/append/append.ts";
import type { Sql } from "../../src/storage/sql.ts";
import { deleteMessages, messagesFor } from "../../src/storage/users/to-device.ts";
import { createSync, type Sync, type SyncDeps, type SyncRequest } from "../../src/sync/index.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import type { Body } from "../support/user.ts";

export interface SyncWorld {
  readonly rooms: Rooms;
  readonly log: Log;
  readonly sync: Sync;
  readonly ephemeral: Ephemeral;
  readonly database: TestDatabase;
  /** How many queries the engine and sync have made since the last call. */
  queries(): number;
  /** Whom users ignore. */
  readonly ignored: Map<string, ReadonlySet<string>>;
  user(localpart: string): SyncUser;
  /** Another process on the same database. */
  again(): Promise<SyncWorld>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface SyncUser {
  readonly userId: UserId;
  readonly by: { readonly userId: UserId; readonly deviceId: string };
  sync(since?: string, options?: SyncOptions): Promise<Body>;
  /** The body if it is at hand without a promise; undefined if not. */
  syncNow(since: string, options?: SyncOptions): Body;
  send(roomId: RoomId, text: string, content?: JsonObject): Promise<EventId>;
  read(roomId: RoomId, eventId: EventId, type?: string): Promise<void>;
}

interface SyncOptions {
  readonly filter?: JsonObject;
  readonly fullState?: boolean;
  readonly stateAfter?: boolean;
  readonly timeout?: number;
  readonly device?: string;
}

const SERVER = "test.example" as ServerName;

/** Parts of a world that another one is to share: then they are replicas of one server. */
export interface SharedParts {
  readonly database?: TestDatabase;
  readonly key?: ReturnType<typeof generateSigningKey>;
  readonly wake?: ReturnType<typeof createMemoryWake>;
  readonly parts?: Partial<Pick<SyncDeps, "keyCounts" | "toDevice">>;
  /** Holds statements back until the promise resolves, or fails them with it. */
  readonly hold?: (statement: string) => Promise<void> | undefined;
  /** Messages are kept for ever, unless it says otherwise. */
  readonly retention?: RetentionRules;
}

export async function createSyncWorld(shared: SharedParts = {}): Promise<SyncWorld> {
  const {
    database,
    key = generateSigningKey(systemRandom.bytes),
    wake = createMemoryWake(),
  } = shared;
  const db = database ?? (await freshDatabase());
  let queries = 0;
  const sql: Sql = new Proxy(db.sql, {
    apply(target, self, args) {
      queries += 1;
      const run = () => Reflect.apply<unknown, unknown[], unknown>(target as never, self, args);
      const held = Array.isArray(args[0]) ? shared.hold?.(args[0].join("?")) : undefined;
      return held === undefined ? run() : held.then(run);
    },
  });
  const [clock, random, logger] = [systemClock, systemRandom, silentLogger()];
  const log = await createLog({
    sql,
    writer: connectWriter(db.location),
    wake,
    clock,
    logger,
    serverName: SERVER,
  });
  const rooms = createRooms({
    log,
    sql,
    serverName: SERVER,
    signingKey: key,
    clock,
    random,
    profiles: { get: async () => ({}) },
    remote: {} as never,
    keyRing: { keys: async (wanted) => wanted.map(() => undefined) },
    logger,
    ...(shared.retention && { retention: shared.retention }),
  });
  const parts = { ...deviceParts(db.sql), ...shared.parts };
  const engine = { log, rooms, sql, serverName: SERVER, parts };
  const { sync, ephemeral, ignored, user } = syncOn(engine);

  async function stop(): Promise<void> {
    sync.stop();
    await ephemeral.stop();
    await rooms.stop();
    await log.stop();
  }

  return {
    rooms,
    log,
    sync,
    ephemeral,
    database: db,
    ignored,
    user,
    queries() {
      const count = queries;
      queries = 0;
      return count;
    },
    again: () => createSyncWorld({ ...shared, database: db, key }),
    stop,
    async close() {
      await stop();
      await db.close();
    },
  };
}

/** Sync, and its users, on an engine that is there. */
export function syncOn(engine: {
  readonly log: Log;
  readonly rooms: Rooms;
  readonly sql: Sql;
  readonly serverName: string;
  readonly parts?: SharedParts["parts"];
}): Pick<SyncWorld, "sync" | "ephemeral" | "ignored" | "user"> {
  const { log, rooms, sql, serverName } = engine;
  const ephemeral = createEphemeral({ clock: systemClock });
  const ignored = new Map<string, ReadonlySet<string>>();
  const sync = createSync({
    log,
    sql,
    clock: systemClock,
    view: rooms.view,
    history: rooms.history,
    ephemeral,
    preferences: {
      rulesOf: async (userId) => compile(defaultRules(userId)),
      ignoredBy: async (userId) => ignored.get(userId) ?? new Set(),
      peekRules: (userId) => compile(defaultRules(userId)),
      peekIgnored: (userId) => ignored.get(userId) ?? new Set(),
    },
    ...deviceParts(sql),
    ...engine.parts,
    logger: silentLogger(),
  });

  function user(localpart: string): SyncUser {
    const userId = `@${localpart}:${serverName}` as UserId;
    const by = { userId, deviceId: "DEVICE" };
    const request = (since?: string, options: SyncOptions = {}): SyncRequest => ({
      userId,
      deviceId: options.device ?? by.deviceId,
      since,
      filter: parseFilter(options.filter ?? {}),
      fullState: options.fullState ?? false,
      stateAfter: options.stateAfter ? "state_after" : undefined,
      timeout: options.timeout ?? 0,
      signal: () => new AbortController().signal,
    });
    return {
      userId,
      by,
      sync: async (since, options) => JSON.parse(await sync.sync(request(since, options))),
      syncNow(since, options) {
        const text = sync.sync(request(since, options));
        if (typeof text === "string") return JSON.parse(text);
        text.catch(() => undefined);
      },
      send: (roomId, text, content = {}) =>
        rooms.send.message({
          by,
          roomId,
          type: "m.room.message",
          content: { msgtype: "m.text", body: text, ...content },
        }),
      async read(roomId, eventId, type = "m.read") {
        const stored = (await rooms.view.eventsById([eventId])).get(eventId)!;
        const { roomNid, position } = stored;
        const key = { roomNid, roomId, userId, receiptType: type, threadId: "" };
        await log.append({
          records: [{ kind: "receipt", ...key, eventId, eventPosition: position, ts: 1 }],
        });
      },
    };
  }

  return { sync, ephemeral, ignored, user };
}

/** What devices have: messages from the tables, and no keys. */
function deviceParts(sql: Sql): Pick<SyncDeps, "keyCounts" | "toDevice"> {
  const none = { oneTimeKeys: {}, unusedFallbackTypes: [] };
  return {
    keyCounts: { counts: async () => none, peekCounts: () => none },
    toDevice: {
      waiting: (which) => messagesFor(sql, which),
      delivered(userId, deviceId, upTo) {
        deleteMessages(sql, [{ userId, deviceId, upTo }]).catch(() => undefined);
      },
    },
  };
}

/** What every sync says of a device without keys. */
export const NO_KEYS = {
  device_one_time_keys_count: { signed_curve25519: 0 },
  device_unused_fallback_key_types: [],
};

export const joinedRoom = (body: Body, roomId: string): Body => body.rooms?.join?.[roomId];
export const leftRoom = (body: Body, roomId: string): Body => body.rooms?.leave?.[roomId];

/** Texts of the messages of a room's section. */
export function texts(room: Body): string[] {
  const events = (room?.timeline.events ?? []) as Body[];
  return events.filter((e) => e.type === "m.room.message").map((e) => e.content.body);
}
