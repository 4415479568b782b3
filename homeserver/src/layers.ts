import type { Masquerade } from "./appservice/masquerade.ts";
import type { Questions } from "./appservice/questions.ts";
import type { ThirdParty } from "./appservice/third-party.ts";
import type { Services } from "./appservice/services.ts";
import { createServerNotices, type ServerNotices } from "./server-notices/index.ts";
import { createEphemeral, type Ephemeral } from "./cluster/ephemeral.ts";
import { openEphemeralChannel } from "./cluster/ephemeral-channel.ts";
import { redisMeetings } from "./cluster/rendezvous.ts";
import { createRedisTurns } from "./cluster/redis-turns.ts";
import { createRoomTurns, LEASE_MS, type RoomTurns } from "./cluster/room-turns.ts";
import { createDelayedEvents, type DelayedEvents } from "./delayed-events/index.ts";
import { createEdus, type Edus, roomFacts } from "./edus/index.ts";
import {
  createEncryption,
  type Encryption,
  inboxBounds,
  outboxBounds,
} from "./encryption/index.ts";
import { type Finding, openFinding } from "./finding-layers.ts";
import type { Foundation } from "./foundation.ts";
import type { RateLimiter } from "./http/access/rate-limit.ts";
import { createFollower, type FollowerOptions } from "./log/follow.ts";
import type { RecordKind } from "./log/types.ts";
import { startHousekeeping } from "./media/housekeeping.ts";
import { createMedia } from "./media/media.ts";
import type { Media } from "./media/types.ts";
import { askingOurselves, openPolicyServer } from "./policy-layer.ts";
import type { PolicyServer } from "./policy/index.ts";
import { createUrlPreviews, type UrlPreviews } from "./previews/index.ts";
import { serverOf } from "./protocol/identifiers.ts";
import { createReportQueue, type ReportQueue } from "./reports/index.ts";
import { createRooms, leaveAllRooms, type Rooms } from "./rooms/index.ts";
import {
  createEduOutlet,
  createPublicKeys,
  createSender,
  type RelayedEdu,
  SENT,
  type Sender,
} from "./sender/index.ts";
import { stickyEvents } from "./sticky-layer.ts";
import { openOversight, type Oversight } from "./oversight-layer.ts";
import { openPush } from "./push-layer.ts";
import { followForRooms, showProfile } from "./room-followers.ts";
import { openCaptcha, openProviders } from "./sign-in-layer.ts";
import { openDeliveries, openMasquerade, openServiceCalls } from "./service-layers.ts";
import { createSync, preferencesOf, type Sync } from "./sync/index.ts";
import { createUserRedactions, type UserRedactions } from "./user-redactions/index.ts";
import { completeDeactivations } from "./users/accounts/complete-deactivations.ts";
import { createUsers, type Users, type UsersOptions } from "./users/users.ts";

export interface Layers extends Finding, Oversight {
  readonly services: Services;
  readonly masquerade: Masquerade;
  readonly questions: Questions;
  readonly thirdParty: ThirdParty;
  readonly users: Users;
  readonly rooms: Rooms;
  readonly policyServer: PolicyServer | undefined;
  readonly edus: Edus;
  readonly delayedEvents: DelayedEvents;
  readonly encryption: Encryption;
  readonly media: Media;
  readonly notices: ServerNotices;
  readonly userRedactions: UserRedactions;
  readonly reportQueue: ReportQueue;
  readonly previews: UrlPreviews;
  readonly sync: Sync;
}

type Opened = (() => unknown)[];

/**
 * Builds the layers of the server, lowest first. `opened` receives undo steps for the end; they run
 * in reverse order.
 */
export async function createLayers(
  on: Foundation,
  opened: Opened,
  { services, rateLimiter }: { readonly services: Services; readonly rateLimiter: RateLimiter },
): Promise<Layers> {
  const { log, sql, clock, logger, exclusive, remote } = on;
  const { serverName } = on.config;
  const asking = openServiceCalls(on, opened, services);
  const users = await openUsers(on, opened, {
    profileChanged: (userId) => showProfile({ rooms, users }, userId),
    leaveAllRooms: (userId) => leaveAllRooms(rooms, userId),
    remoteProfile: (userId, field) => remote.server.profile(serverOf(userId), userId, field),
    isReserved: (userId, service) => services.reservesUser(userId, service),
    wanted: (userId) => asking.questions.user(userId),
  });
  const masquerade = await openMasquerade(on, opened, services, users);
  const inRooms = await openRooms(on, opened, users, { services, ...asking });
  const { rooms, notices } = inRooms;
  const reportQueue = createReportQueue({ sql, clock, rooms, users, notices });
  const files = await openFiles(on, opened);
  followForRooms(on, opened, { rooms, users });
  const ephemeral = await openEphemeral(on, opened);
  const sender = await openSender(on, opened, rooms, users);
  const encryption = openEncryption(on, opened, users);
  const edus = createEdus({
    ...{ log, sql, clock, logger, serverName, exclusive },
    state: ephemeral,
    rooms: roomFacts(rooms, serverName),
    outlet: createEduOutlet(sender, clock),
    encryption,
  });
  opened.push(() => edus.stop());
  const sync = createSync({
    ...{ log, sql, clock, logger },
    view: rooms.view,
    history: rooms.history,
    ephemeral,
    preferences: preferencesOf(users),
    keyCounts: users.keys,
    toDevice: encryption.toDevice,
  });
  opened.push(() => sync.stop());
  const finding = openFinding(on, opened, { users, rooms });
  const told = { services, masquerade, users, rooms, encryption, ephemeral };
  const retries = await openDeliveries(on, opened, told, asking.calls);
  openPush(on, opened, { users, rooms, sync });
  const delayedEvents = openDelayedEvents(on, opened, { users, rooms, rateLimiter });
  opened.push(completeDeactivations({ ...on, deactivation: users.deactivation }));
  return {
    ...{ services, masquerade, ...asking },
    ...{ users, encryption },
    ...inRooms,
    ...{ edus, delayedEvents, reportQueue, userRedactions: redactUsers(on, opened, rooms) },
    ...files,
    ...finding,
    ...openOversight(on, opened, { services, retries }),
    sync,
  };
}

function redactUsers(
  { sql, clock, random, logger, leases }: Foundation,
  opened: Opened,
  rooms: Rooms,
): UserRedactions {
  const redactions = createUserRedactions({ sql, clock, random, logger, leases, rooms });
  opened.push(() => redactions.stop());
  return redactions;
}

/** Events that users have this server send later. */
function openDelayedEvents(
  { sql, clock, random, logger, exclusive, config }: Foundation,
  opened: Opened,
  layers: { readonly users: Users; readonly rooms: Rooms; readonly rateLimiter: RateLimiter },
): DelayedEvents {
  const { users, rooms, rateLimiter } = layers;
  const delayedEvents = createDelayedEvents({
    ...{ sql, clock, random, logger, exclusive },
    limits: () => config.delayedEventLimits,
    send: rooms.send,
    ...{ accounts: users.accounts, devices: users.devices },
    async checkRate(userId) {
      const own = (await users.accounts.find(userId))?.rate;
      await rateLimiter.check("message", { user: userId, ip: "", own });
    },
  });
  opened.push(() => delayedEvents.stop());
  return delayedEvents;
}

function openEncryption(on: Foundation, opened: Opened, users: Users): Encryption {
  const { log, sql, clock, random, logger, leases, metrics, remote, config } = on;
  const encryption = createEncryption({
    ...{ log, sql, clock, logger, random, leases, serverName: config.serverName },
    ...{ remote: remote.server, backoff: remote.backoff, rateLimits: () => config.rateLimits },
    localKeys: users.keys,
  });
  opened.push(() => encryption.stop());
  const { inboxBytes: bytes } = config.userLimits;
  followLog(on, opened, inboxBounds({ sql, log, logger, metrics, bytes }));
  followLog(on, opened, outboxBounds({ sql, logger, metrics }));
  return encryption;
}

async function openUsers(
  on: Foundation,
  opened: Opened,
  hooks: UsersOptions["hooks"],
): Promise<Users> {
  const { config, sql, log, clock, random, logger, exclusive, failures, outbox } = on;
  const users = await createUsers({
    ...{ sql, log, clock, random, logger, exclusive, failures, hooks },
    serverName: config.serverName,
    // Read at each use: they change while the server runs.
    get registration() {
      return config.registration;
    },
    get registrationSharedSecret() {
      return config.registrationSharedSecret;
    },
    get registrationEmail() {
      return config.registrationEmail;
    },
    get passwordMinLength() {
      return config.passwordMinLength;
    },
    mail: outbox && { outbox, baseUrl: config.publicBaseUrl, secret: on.signingKey.seedBase64 },
    identityServers: on.remote.identityServers,
    limits: config.userLimits,
    meetings: on.replicas && redisMeetings(on.replicas.redis, { ...on.replicas, now: clock.now }),
    replicated: on.replicas !== undefined,
    isPlain: config.publicBaseUrl.startsWith("http:"),
    allowPrivateGateways: config.allowPrivateAddresses,
    sso: openProviders(on, opened),
    jwt: config.signIn.jwt,
    policies: config.signIn.policies,
    captcha: openCaptcha(on),
  });
  opened.push(() => users.stop());
  return users;
}

async function openRooms(
  on: Foundation,
  opened: Opened,
  users: Users,
  { services, questions }: { readonly services: Services; readonly questions: Questions },
): Promise<Pick<Layers, "rooms" | "policyServer" | "notices">> {
  const { config, sql, log, clock, random, logger, metrics, exclusive, remote, leases } = on;
  const rooms = createRooms({
    ...{ log, sql, clock, random, logger, metrics, leases, exclusive },
    serverName: config.serverName,
    signingKey: on.signingKey,
    profiles: users.profiles,
    remote: askingOurselves(remote.server, config.serverName, () => policyServer),
    keyRing: remote.keyRing,
    accounts: {
      exists: users.accounts.existsOrIsMade,
      inviteVerdict: users.invitePermissions.verdict,
    },
    rules: config,
    retention: config.retention,
    aliasNamespaces: {
      isReserved: (alias, service) => services.reservesAlias(alias, service),
      isOf: (alias, service) => services.byId(service)?.aliases.has(alias) === true,
      ask: questions.alias,
    },
    ignoredBy: users.ignores.of,
    limits: config.userLimits,
    turns: await openTurns(on, opened),
  });
  opened.push(() => rooms.stop());
  followLog(on, opened, stickyEvents(rooms));
  const policyServer = openPolicyServer(on, opened, rooms);
  const { serverName } = config;
  const noticesOf = { sql, clock, logger, leases, serverName, exclusive, rooms, users };
  const notices = createServerNotices(noticesOf);
  opened.push(() => notices.stop());
  return { rooms, policyServer, notices };
}

/** Users' files, and previews of web pages. */
async function openFiles(
  on: Foundation,
  opened: Opened,
): Promise<Pick<Layers, "media" | "previews">> {
  const { config, sql, clock, random, logger, remote } = on;
  const media = await createMedia({
    ...{ sql, clock, random, logger, remote: remote.media },
    serverName: config.serverName,
    dataDir: config.dataDir,
    get quotaBytes() {
      return config.userLimits.uploadBytes;
    },
    get maxUploadBytes() {
      return config.userLimits.fileBytes;
    },
    ...config.media,
    keptUris: config.signIn.sso.providers.flatMap(({ icon }) => icon ?? []),
    alone: on.leases === undefined,
  });
  opened.push(() => media.stop());
  const housekeeping = startHousekeeping({ media, clock, logger, leases: on.leases });
  opened.push(() => housekeeping.stop());
  const { serverName, publicBaseUrl } = config;
  const previews = createUrlPreviews({
    ...{ sql, clock, logger, serverName, publicBaseUrl, agent: remote.agent, media },
  });
  opened.push(() => previews.stop());
  return { media, previews };
}

/** With several replicas: the turns at writing to rooms. */
async function openTurns(
  { replicas, clock, random, logger }: Foundation,
  opened: Opened,
): Promise<RoomTurns | undefined> {
  if (!replicas) return undefined;
  const shared = { leaseMs: LEASE_MS, clock, logger };
  const table = await createRedisTurns(replicas.redis, { prefix: replicas.prefix, ...shared });
  const turns = createRoomTurns({ table, random, ...shared });
  opened.push(() => turns.close());
  return turns;
}

async function openEphemeral(on: Foundation, opened: Opened): Promise<Ephemeral> {
  const { replicas, clock, logger } = on;
  const channel =
    replicas &&
    (await openEphemeralChannel(replicas.bus, replicas.redis, {
      prefix: replicas.prefix,
      logger,
    }));
  const ephemeral = createEphemeral({ clock, ...(channel && { channel }) });
  opened.push(() => ephemeral.stop());
  return ephemeral;
}

/** Follows the log from a durable cursor, one replica at a time. */
function followLog<K extends RecordKind>(
  { sql, log, clock, logger, leases }: Foundation,
  opened: Opened,
  options: FollowerOptions<K>,
): void {
  const follower = createFollower({ log, sql, clock, logger, leases }, options);
  opened.push(() => follower.stop());
}

async function openSender(
  on: Foundation,
  opened: Opened,
  rooms: Rooms,
  users: Users,
): Promise<Sender> {
  const { sql, replicas, log, clock, random, logger, remote, config } = on;
  const sender = createSender({
    ...{ sql, log, remote, clock, random, logger },
    view: rooms.view,
    served: rooms.federation,
    keys: createPublicKeys(sql, users.keys.readKeys),
    serverName: config.serverName,
    relay: await replicas?.bus.channel<RelayedEdu>("edus"),
  });
  opened.push(() => sender.stop());
  followLog(on, opened, {
    name: "sender",
    kinds: SENT,
    from: "end",
    begin: (signal) => sender.resume(signal),
    handle: (records) => sender.take(records),
  });
  return sender;
}
