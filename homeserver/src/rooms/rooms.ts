/** Wires the room engine together. */
import type { RoomTurns } from "../cluster/room-turns.ts";
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { createMetrics } from "../platform/metrics.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Random } from "../platform/random.ts";
import type { SigningKey } from "../protocol/crypto.ts";
import { MatrixError } from "../protocol/errors.ts";
import { DEFAULT_ROOM_VERSION } from "../protocol/room-versions.ts";
import type { RoomAlias, RoomId, ServerName } from "../protocol/identifiers.ts";
import { createExclusive, type Exclusive } from "../storage/exclusive.ts";
import type { Leases } from "../storage/leases.ts";
import type { Sql } from "../storage/sql.ts";
import { createAtRoot } from "./visibility/at-root.ts";
import { createErasures } from "./visibility/erasures.ts";
import { createAccess } from "./visibility/access.ts";
import { createBundledAggregations } from "./visibility/bundled-aggregations.ts";
import { createRoomCreator } from "./creating/create.ts";
import { createDirectory } from "./creating/directory.ts";
import { followLog } from "./follow-log.ts";
import { createFederation } from "./federation.ts";
import { createHistory } from "./history/history.ts";
import { createInvitees } from "./membership/invitees.ts";
import type { LocalAccounts } from "./membership/invitees.ts";
import { createLocalEvents } from "./commands/local-events.ts";
import { createMailboxes } from "./commands/mailboxes.ts";
import { createMembers } from "./membership/members.ts";
import { createMemberships } from "./records/memberships.ts";
import { createIdempotency } from "./records/idempotency.ts";
import { createEndorse } from "./commands/policy-server.ts";
import { createPartialRooms } from "./records/partial-rooms.ts";
import { createPresenter } from "./visibility/presentation.ts";
import { createPages } from "./history/pages.ts";
import { createBlockedRooms } from "./state/blocked-rooms.ts";
import { createPurges } from "./purge/index.ts";
import { createVisibleEvents } from "./visibility/visible-events.ts";
import { createRoomMaker } from "./creating/room-maker.ts";
import { createSend } from "./creating/send.ts";
import { createRelated } from "./visibility/related.ts";
import { createWithoutIgnored } from "./visibility/without-ignored.ts";
import type { IgnoredBy } from "./visibility/without-ignored.ts";
import { createLastMemberships } from "./visibility/last-membership.ts";
import { collectState } from "./state/collector.ts";
import { createRoomStore } from "./state/store.ts";
import { createThreads } from "./visibility/threads.ts";
import { createTimelines } from "./visibility/timeline.ts";
import { createPlaceIn } from "./visibility/tokens.ts";
import { createEventTransactionIds } from "./records/event-transaction-ids.ts";
import type { EventKeys } from "../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../federation-client/types.ts";
import type { MemberProfiles, RoomDirectory, Rooms } from "./api/index.ts";
import { DEFAULT_LIMITS, type UserLimits } from "../users/common/limits.ts";
import { createDirectoryLimits } from "./creating/directory-limits.ts";
import { createUpgrade } from "./creating/upgrade.ts";
import { createView } from "./visibility/view.ts";

export interface RoomsDeps {
  readonly log: Log;
  readonly sql: Sql;
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly profiles: MemberProfiles;
  readonly remote: RemoteRooms;
  readonly keyRing: EventKeys;
  /** Version of rooms whose creator names none; 12 when absent. */
  readonly defaultRoomVersion?: string | undefined;
  /** The accounts of local users; absent: every name counts as one. */
  readonly accounts?: LocalAccounts | undefined;
  /** Limits on a user's aliases and published rooms; the defaults when absent. */
  readonly limits?: UserLimits | undefined;
  /** The users whom a user ignores; nobody when absent. */
  readonly ignoredBy?: IgnoredBy;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
  /** Leases for background work that only one replica does; absent when there is one replica. */
  readonly leases?: Leases | undefined;
  /** Locks for work that must not run twice at once; only within this process unless given. */
  readonly exclusive?: Exclusive | undefined;
  /** The turns of replicas at writing to rooms; absent when there is one replica. */
  readonly turns?: RoomTurns | undefined;
}

/** Reads and writes rooms. */
export function createRooms(deps: RoomsDeps): Rooms {
  const { log, sql, clock, profiles } = deps;
  const store = createRoomStore(sql, deps.random);
  const memberships = createMemberships(sql);
  const partial = createPartialRooms(sql, clock);
  const ignoredBy = deps.ignoredBy ?? (async () => NOBODY);
  const lastMemberships = createLastMemberships(store);
  const atRoot = createAtRoot(store);
  const erasures = createErasures({ store, lastMemberships, atRoot, serverName: deps.serverName });
  const visibleEvents = createVisibleEvents({
    store,
    memberships,
    lastMemberships,
    atRoot,
    erasures,
  });
  const withoutIgnored = createWithoutIgnored(visibleEvents, ignoredBy);
  const aggregations = createBundledAggregations({
    store,
    withoutIgnored,
    visibleEvents,
    ignoredBy,
    position: log.position,
  });
  const eventTransactionIds = createEventTransactionIds(sql);
  const mailboxes = createMailboxes(store, log, deps.turns);
  const unfollow = followLog(log, {
    store,
    mailboxes,
    memberships,
    aggregations,
    partial,
    erasures,
  });
  const checkNotBlocked = createBlockedRooms(sql);
  const invitees = createInvitees(deps.accounts);
  const identity = {
    serverName: deps.serverName,
    signingKey: deps.signingKey,
    now: () => clock.now(),
    endorse: createEndorse(deps.remote),
  };
  const local = createLocalEvents(store, mailboxes, identity, eventTransactionIds);
  const presenter = createPresenter({
    ...{ store, eventTransactionIds, aggregations, erasures, now: identity.now },
  });
  const view = createView({
    ...{
      store,
      memberships,
      visibleEvents,
      related: createRelated({ store, visibleEvents, ignoredBy }),
      presenter,
      partial,
      erasures,
      lastMemberships,
      threads: createThreads(store),
    },
  });
  const directoryLimits = createDirectoryLimits(deps.sql, deps.limits ?? DEFAULT_LIMITS);
  const directory = createDirectory({ store, local, remote: deps.remote, directoryLimits });
  const { remote, keyRing, logger } = deps;
  const federation = createFederation({
    ...{ store, mailboxes, local, log, remote, keyRing, clock, random: deps.random, logger },
    ...{ leases: deps.leases, checkNotBlocked, invitees, partial, erasures, lastMemberships },
    metrics: deps.metrics ?? createMetrics(),
  });
  const stopCollecting = collectState({ sql, clock, logger, leases: deps.leases });
  const members = createMembers({
    partial,
    store,
    local,
    profiles,
    log,
    remote: federation.membership,
    resolveAlias: directory.resolve,
    checkNotBlocked,
    invitees,
  });
  const send = createSend({
    store,
    local,
    idempotency: createIdempotency(sql),
    exclusive: deps.exclusive ?? createExclusive(),
    resolveAlias: (alias) => roomOf(directory, alias),
    memberByState: members.byState,
  });
  const maker = createRoomMaker(store, local, deps.random, directoryLimits);
  const create = createRoomCreator({
    ...{ store, maker, members, profiles, invitees, directoryLimits, now: identity.now },
    defaultVersion: deps.defaultRoomVersion ?? DEFAULT_ROOM_VERSION,
  });
  const timelines = createTimelines(store);
  const { backfill } = federation;
  const history = createHistory({
    partial,
    store,
    view,
    timelines,
    pages: createPages(timelines, backfill),
    access: createAccess(view, lastMemberships),
    withoutIgnored,
    ignoredBy,
    placeIn: createPlaceIn({ sql, position: () => log.position }),
    backfill,
    remote,
    logger,
  });
  const { serverName, random, leases } = deps;
  const purges = createPurges({
    ...{ store, sql, log, clock, random, logger, leases, serverName, members, create, send },
    isPartial: partial.isPartial,
  });
  return {
    send,
    create: { ...create, ...createUpgrade({ store, local, maker, profiles, partial }) },
    members,
    directory,
    view,
    history,
    federation: federation.api,
    purges,
    async stop() {
      await Promise.all([purges.stop(), federation.stop(), stopCollecting()]);
      await mailboxes.drained();
      await store.resolver?.close();
      unfollow();
    },
  };
}

const NOBODY: ReadonlySet<string> = new Set();

async function roomOf(directory: RoomDirectory, alias: RoomAlias): Promise<RoomId | undefined> {
  try {
    return (await directory.resolve(alias)).roomId;
  } catch (error) {
    if (error instanceof MatrixError && error.status === 404) return undefined;
    throw error;
  }
}
