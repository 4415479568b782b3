/** Wires the federation side of the room engine together. */
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Random } from "../platform/random.ts";
import { serverIsJoined } from "../storage/rooms/members.ts";
import type { Leases } from "../storage/leases.ts";
import { createAcl } from "./state/server-acl.ts";
import { createBackfill } from "./history/backfill.ts";
import type { Backfill } from "./history/backfill.ts";
import { createGaps } from "./fetching/gaps.ts";
import { createFederationAccess } from "./serving/federation-access.ts";
import { createIngest } from "./receiving/ingest.ts";
import { createInvites } from "./membership/invites.ts";
import type { Invitees } from "./membership/invitees.ts";
import { createJoinRemote } from "./membership/remote-join.ts";
import { createLeaveRemote } from "./membership/remote-leave.ts";
import type { LocalEvents } from "./commands/local-events.ts";
import type { Mailboxes } from "./commands/mailboxes.ts";
import type { RemoteMembership } from "./membership/remote-membership.ts";
import { createOutOfBand } from "./commands/out-of-band.ts";
import { createOutliers } from "./fetching/outliers.ts";
import { createMergeExtremities } from "./receiving/merge-extremities.ts";
import type { Erasures } from "./visibility/erasures.ts";
import { createFetchMissing } from "./fetching/missing-events.ts";
import { createOriginThrottle } from "./receiving/origin-throttle.ts";
import { createGraphWriter } from "./receiving/graph-writer.ts";
import { createReceive } from "./receiving/receive.ts";
import { createPduRejections } from "./receiving/pdu-rejections.ts";
import { retryStaged } from "./receiving/retry-staged.ts";
import { createServeEvents } from "./serving/events.ts";
import { createServeMembers } from "./serving/members.ts";
import { createPeerQueries } from "./fetching/peer-queries.ts";
import { createStaging } from "./receiving/staging.ts";
import type { CheckNotBlocked } from "./state/blocked-rooms.ts";
import { createApplyJoin } from "./partial/apply-join.ts";
import { abandonPartialJoin, finishPartialJoin } from "./partial/finish-partial-join.ts";
import { createFetchState } from "./partial/fetch-state.ts";
import type { PartialRooms } from "./records/partial-rooms.ts";
import { startResync } from "./partial/resync.ts";
import { createStateImporter } from "./fetching/state-importer.ts";
import { createStateAnswers } from "./serving/state-answers.ts";
import type { LastMemberships } from "./visibility/last-membership.ts";
import type { RoomStore } from "./state/store.ts";
import { createRemoteStates } from "./fetching/remote-state.ts";
import type { EventKeys } from "../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../federation-client/types.ts";
import type { RoomFederation } from "./api/federation.ts";

export interface FederationDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly local: LocalEvents;
  readonly log: Log;
  readonly remote: RemoteRooms;
  readonly keyRing: EventKeys;
  readonly clock: Clock;
  readonly random: Random;
  readonly leases: Leases | undefined;
  readonly metrics: Metrics;
  readonly checkNotBlocked: CheckNotBlocked;
  readonly invitees: Invitees;
  readonly logger: Logger;
  readonly partial: PartialRooms;
  readonly erasures: Erasures;
  readonly lastMemberships: LastMemberships;
}

export interface Federation {
  readonly api: RoomFederation;
  readonly membership: RemoteMembership;
  readonly backfill: Backfill;
  /** Starts no further requests to other servers. */
  stop(): Promise<void>;
}

export function createFederation(deps: FederationDeps): Federation {
  const { store, mailboxes, local, log, remote, keyRing, clock, random, leases, logger, partial } =
    deps;
  const { checkNotBlocked, invitees } = deps;
  const { identity } = local;
  const { serverName } = identity;
  const acl = createAcl(store);
  const access = createFederationAccess({
    store,
    partial,
    serverName,
    lastMemberships: deps.lastMemberships,
  });
  const outliers = createOutliers(mailboxes, identity);
  const answers = createStateAnswers(store, deps.erasures);
  const gaps = createGaps(store, outliers);
  const stopping = new AbortController();
  const stop = stopping.signal;
  const peerQueries = createPeerQueries({ store, serverName, clock, logger, stop });
  const beginImport = createStateImporter({ store, outliers, keyRing, logger });
  const remoteStates = createRemoteStates(
    store,
    remote,
    keyRing,
    outliers,
    peerQueries,
    beginImport,
  );
  const outOfBand = createOutOfBand(mailboxes, identity, log);
  const rejections = createPduRejections(logger, deps.metrics);
  const mergeIfMany = createMergeExtremities({ store, local, clock, random, logger, stop });
  const graphWriter = createGraphWriter({
    ...{ store, mailboxes, identity, outliers, mergeIfMany, rejections, remote, logger },
  });
  const ingest = createIngest({
    graphWriter,
    remoteStates,
    gaps,
    peerQueries,
    isPartial: (room) => partial.isPartial(room.nid),
    fetchMissing: createFetchMissing(store, remote, keyRing, peerQueries),
    tips: (room) => local.run(room, async (command) => command.extremities),
  });
  const staging = createStaging({ store, gaps, ingest, clock, random, rejections, logger });
  const throttle = createOriginThrottle(clock, stop);
  const stopRetrying = retryStaged({
    ...{ store, staging, serverName, clock, logger, leases },
    rejudgeRemaining: graphWriter.rejudge.remaining,
  });
  const completing = { store, mailboxes, log, serverName };
  const resync = startResync({
    ...{ store, serverName, clock, logger, leases },
    abandon: (room, row) => abandonPartialJoin(mailboxes, room, row),
    fetchState: createFetchState({ store, mailboxes, remote, beginImport, logger }),
    complete: (room, join, about) => finishPartialJoin(completing, room, join, about),
    async completed(room) {
      await graphWriter.rejudge.all(room);
      await staging.hasten(room);
    },
  });
  const invites = createInvites({
    ...{ store, local, ingest, outOfBand, remote, keyRing, checkNotBlocked, invitees },
  });
  return {
    api: {
      receive: createReceive({
        ...{
          store,
          serverName,
          keyRing,
          ingest,
          staging,
          acl,
          outOfBand,
          throttle,
          clock,
          rejections,
        },
      }),
      async aclAllows(roomId, server) {
        const room = await store.registry.byId(roomId);
        if (room === undefined || (await acl.allows(room, server))) return true;
        // The access list of a room that this server has left is not kept up to date.
        return !(await serverIsJoined(store.sql, room.nid, serverName));
      },
      ...createServeMembers({ store, local, ingest, access, keyRing, answers }),
      ...createServeEvents({ store, access, acl, answers, partial, erasures: deps.erasures }),
      invite: invites.receive,
    },
    membership: {
      join: createJoinRemote({
        ...{ store, identity, remote, keyRing, ingest, partial, logger },
        ...{ beginImport, applyJoin: createApplyJoin(mailboxes, identity) },
        nudge: resync.nudge,
      }),
      ...createLeaveRemote({ store, identity, outOfBand, remote, keyRing, logger }),
      invite: invites.send,
    },
    backfill: createBackfill({
      store,
      serverName,
      ingest,
      remote,
      keyRing,
      peerQueries,
      isPartial: partial.isPartial,
    }),
    async stop() {
      stopping.abort();
      await Promise.all([stopRetrying(), resync.stop(), staging.drained()]);
    },
  };
}
