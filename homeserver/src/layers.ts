import type { Redis } from "ioredis";
import type { Config } from "./config/load.ts";
import type { FailureCounts } from "./cluster/failures.ts";
import { createEphemeral, type Ephemeral } from "./cluster/ephemeral.ts";
import { createRedisChannel } from "./cluster/redis-channel.ts";
import { createRedisTurns } from "./cluster/redis-turns.ts";
import { createRoomTurns, LEASE_MS, type RoomTurns } from "./cluster/room-turns.ts";
import { createRedisBus } from "./cluster/ephemeral-bus.ts";
import { createEdus, type Edus, roomFacts } from "./edus/index.ts";
import { createFollower } from "./log/follow.ts";
import type { Log } from "./log/types.ts";
import { createMedia } from "./media/media.ts";
import type { Media } from "./media/types.ts";
import type { Clock } from "./platform/clock.ts";
import type { Logger } from "./platform/logger.ts";
import type { Metrics } from "./platform/metrics.ts";
import type { Random } from "./platform/random.ts";
import type { SigningKey } from "./protocol/crypto.ts";
import { serverOf, type UserId } from "./protocol/identifiers.ts";
import type { FederationClient } from "./federation-client/index.ts";
import { createRooms, createUpgradeSettings, leaveAllRooms, type Rooms } from "./rooms/index.ts";
import {
  createEduOutlet,
  createSender,
  type RelayedEdu,
  SENT,
  type Sender,
} from "./sender/index.ts";
import type { Exclusive } from "./storage/exclusive.ts";
import type { Leases } from "./storage/leases.ts";
import type { Sql } from "./storage/sql.ts";
import { createEphemeralSource, createSync, preferencesOf, type Sync } from "./sync/index.ts";
import { createUsers, type Users } from "./users/users.ts";

/** What every layer stands on. */
export interface Foundation {
  readonly config: Config;
  readonly sql: Sql;
  /** Absent: one replica, everything shared is in memory. */
  readonly redis: Redis | undefined;
  /** What one replica at a time does; absent when there is one. */
  readonly seats: Leases | undefined;
  /** What is done for one user, one after another, at whichever replica. */
  readonly exclusive: Exclusive;
  readonly log: Log;
  readonly remote: FederationClient;
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Where wrong passwords are counted; absent: nowhere. */
  readonly failures: FailureCounts | undefined;
}

export interface Layers {
  readonly users: Users;
  readonly rooms: Rooms;
  readonly edus: Edus;
  readonly media: Media;
  readonly sync: Sync;
}

/** Builds the layers of the server, lowest first. `opened` gets what to undo at the end, last first. */
export async function createLayers(on: Foundation, opened: (() => unknown)[]): Promise<Layers> {
  const { config, sql, log, remote, clock, random, logger, signingKey } = on;
  const { serverName } = config;
  const users = await createUsers({
    sql,
    log,
    clock,
    random,
    logger,
    serverName,
    registration: config.registration,
    registrationSharedSecret: config.registrationSharedSecret,
    limits: config.userLimits,
    replicated: on.redis !== undefined,
    exclusive: on.exclusive,
    passwordMinLength: config.passwordMinLength,
    failures: on.failures,
    hooks: {
      profileChanged: (userId) => rooms.members.profileChanged(userId),
      leaveAllRooms: (userId) => leaveAllRooms(rooms, userId),
      remoteProfile: (userId, field) => remote.server.profile(serverOf(userId), userId, field),
      isReserved: () => false,
    },
  });
  opened.push(() => users.stop());
  const rooms = createRooms({
    log,
    sql,
    serverName,
    signingKey,
    clock,
    random,
    profiles: users.profiles,
    remote: remote.server,
    keyRing: remote.keyRing,
    accounts: {
      exists: users.accounts.exists,
      blocksInvites: users.invitePermissions.blocks,
    },
    defaultRoomVersion: config.defaultRoomVersion,
    ignoredBy: users.ignores.of,
    limits: config.userLimits,
    logger,
    metrics: on.metrics,
    seats: on.seats,
    exclusive: on.exclusive,
    turns: await openTurns(on, opened),
  });
  opened.push(() => rooms.stop());
  const media = await createMedia({
    sql,
    clock,
    random,
    logger,
    serverName,
    dataDir: config.dataDir,
    remote: remote.media,
    quotaBytes: config.userLimits.uploadBytes,
  });
  opened.push(() => media.stop());
  followSuccessions(on, rooms, users, opened);
  followProfiles(on, rooms, opened);
  const ephemeral = await openEphemeral(on);
  opened.push(() => ephemeral.stop());
  const sender = await startSender(on, rooms, opened);
  const edus = createEdus({
    log,
    sql,
    state: ephemeral,
    rooms: roomFacts(rooms, serverName),
    outlet: createEduOutlet(sender, clock),
    clock,
    logger,
    serverName,
    exclusive: on.exclusive,
  });
  opened.push(() => edus.stop());
  const sync = createSync({
    log,
    sql,
    view: rooms.view,
    history: rooms.history,
    ephemeral: createEphemeralSource(ephemeral, clock),
    preferences: preferencesOf(users),
    clock,
    logger,
  });
  opened.push(() => sync.stop());
  // Closed accounts that a stop of the server kept in their rooms leave them now, in the background.
  await users.deactivation.resume();
  return { users, rooms, edus, media, sync };
}

/** Among several replicas: whose turn it is to write to a room. */
async function openTurns(
  { config, redis, clock, logger }: Foundation,
  opened: (() => unknown)[],
): Promise<RoomTurns | undefined> {
  if (!redis) return undefined;
  const prefix = `weft:${config.serverName}:`;
  const shared = { leaseMs: LEASE_MS, clock, logger };
  const table = await createRedisTurns(redis, { prefix, ...shared });
  const turns = createRoomTurns({ table, ...shared });
  opened.push(() => turns.close());
  return turns;
}

async function openEphemeral({ config, redis, clock, logger }: Foundation): Promise<Ephemeral> {
  if (!redis) return createEphemeral({ clock });
  const bus = await createRedisBus(redis, { prefix: `weft:${config.serverName}:`, logger });
  return createEphemeral({ clock, bus });
}

/** What users have set for a room moves along with them to its successor. */
function followSuccessions(
  { sql, log, clock, logger, seats, config: { serverName } }: Foundation,
  { view }: Rooms,
  { roomSettings: settings }: Users,
  opened: (() => unknown)[],
): void {
  const take = createUpgradeSettings({ view, serverName, settings });
  const options = { name: "successions", kinds: ["event"], from: "end", handle: take } as const;
  const follower = createFollower({ log, sql, clock, logger, seats }, options);
  opened.push(() => follower.stop());
}

/** Member events follow a changed profile, also where the process that changed it has stopped in between. */
function followProfiles(
  { sql, log, clock, logger, seats }: Foundation,
  { members }: Rooms,
  opened: (() => unknown)[],
): void {
  const follower = createFollower(
    { log, sql, clock, logger, seats },
    {
      name: "profiles",
      kinds: ["profile"],
      from: "end",
      async handle(records) {
        const users = new Set(records.map(({ userId }) => userId as UserId));
        for (const userId of users) await members.profileChanged(userId);
      },
    },
  );
  opened.push(() => follower.stop());
}

/** The sender follows the log from its durable cursor. */
async function startSender(
  on: Foundation,
  rooms: Rooms,
  opened: (() => unknown)[],
): Promise<Sender> {
  const { sql, redis, log, clock, random, logger, remote, config, seats } = on;
  const { serverName } = config;
  const { view } = rooms;
  const relay =
    redis &&
    (await createRedisChannel<RelayedEdu>(redis, { name: `weft:${serverName}:edus`, logger }));
  if (relay) opened.push(() => relay.close());
  const sender = createSender({ sql, log, view, remote, relay, serverName, clock, random, logger });
  opened.push(() => sender.stop());
  const follower = createFollower(
    { log, sql, clock, logger, seats },
    {
      name: "sender",
      kinds: SENT,
      from: "end",
      begin: (signal) => sender.resume(signal),
      handle: (records) => sender.take(records),
    },
  );
  opened.push(() => follower.stop());
  return sender;
}
