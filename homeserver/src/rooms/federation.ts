/** The engine's federation side, put together. */
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Random } from "../platform/random.ts";
import { serverIsJoined } from "../storage/rooms/members.ts";
import type { Seats } from "../storage/leases.ts";
import { createAcl } from "./state/server-acl.ts";
import { createBackfill } from "./history/backfill.ts";
import type { Backfill } from "./history/backfill.ts";
import { createGaps } from "./fetching/gaps.ts";
import { createGate } from "./serving/federation-access.ts";
import { createIngest } from "./receiving/ingest.ts";
import { createInvites } from "./membership/invites.ts";
import type { Invitees } from "./membership/invitees.ts";
import { createJoinRemote } from "./membership/remote-join.ts";
import { createLeaveRemote } from "./membership/remote-leave.ts";
import type { LocalEvents } from "./commands/local-events.ts";
import type { Mailboxes } from "./commands/mailboxes.ts";
import type { RemoteMembership } from "./membership/members.ts";
import { createOutOfBand } from "./commands/out-of-band.ts";
import { createOutliers } from "./fetching/outliers.ts";
import { createMergeExtremities } from "./receiving/merge-extremities.ts";
import type { Erasures } from "./visibility/erasures.ts";
import { createFetchMissing } from "./fetching/missing-events.ts";
import { createPatience } from "./receiving/origin-throttle.ts";
import { createPlacer } from "./receiving/graph-writer.ts";
import { createReceive } from "./receiving/receive.ts";
import { createRefusals } from "./receiving/pdu-rejections.ts";
import { retryStaged } from "./receiving/retry-staged.ts";
import { createServeEvents } from "./serving/events.ts";
import { createServeMembers } from "./serving/members.ts";
import { createSources } from "./fetching/peer-queries.ts";
import { createStaging } from "./receiving/staging.ts";
import type { MayEnter } from "./state/blocked-rooms.ts";
import { createEnterRoom } from "./partial/apply-join.ts";
import { abandonRoom, completeRoom } from "./partial/finish-partial-join.ts";
import { createFetchState } from "./partial/fetch-state.ts";
import type { PartialRooms } from "./records/partial-rooms.ts";
import { startResync } from "./partial/resync.ts";
import { createStateIntake } from "./fetching/state-importer.ts";
import { createStateAnswers } from "./serving/state-answers.ts";
import type { Stays } from "./visibility/last-membership.ts";
import type { RoomStore } from "./state/store.ts";
import { createToldStates } from "./fetching/remote-state.ts";
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
  readonly seats: Seats | undefined;
  readonly metrics: Metrics;
  readonly mayEnter: MayEnter;
  readonly invitees: Invitees;
  readonly logger: Logger;
  readonly partial: PartialRooms;
  readonly erasures: Erasures;
  readonly stays: Stays;
}

export interface Federation {
  readonly api: RoomFederation;
  readonly membership: RemoteMembership;
  readonly backfill: Backfill;
  /** Asks other servers for nothing more. */
  stop(): Promise<void>;
}

export function createFederation(deps: FederationDeps): Federation {
  const { store, mailboxes, local, log, remote, keyRing, clock, random, seats, logger, partial } =
    deps;
  const { mayEnter, invitees } = deps;
  const { identity } = local;
  const { serverName } = identity;
  const acl = createAcl(store);
  const gate = createGate({ store, partial, serverName, stays: deps.stays });
  const outliers = createOutliers(mailboxes, identity);
  const answers = createStateAnswers(store, deps.erasures);
  const gaps = createGaps(store, outliers);
  const stopping = new AbortController();
  const stop = stopping.signal;
  const sources = createSources({ store, serverName, clock, logger, stop });
  const beginIntake = createStateIntake({ store, outliers, keyRing, logger });
  const told = createToldStates(store, remote, keyRing, outliers, sources, beginIntake);
  const outOfBand = createOutOfBand(mailboxes, identity, log);
  const refusals = createRefusals(logger, deps.metrics);
  const crowded = createMergeExtremities({ store, local, clock, random, logger, stop });
  const placer = createPlacer({
    ...{ store, mailboxes, identity, outliers, crowded, refusals, remote, logger },
  });
  const ingest = createIngest({
    placer,
    told,
    gaps,
    sources,
    isPartial: (room) => partial.isPartial(room.nid),
    fetchMissing: createFetchMissing(store, remote, keyRing, sources),
    tips: (room) => local.work(room, async (work) => work.extremities),
  });
  const staging = createStaging({ store, gaps, ingest, clock, random, refusals, logger });
  const patience = createPatience(clock, stop);
  const stopRetrying = retryStaged({
    ...{ store, staging, serverName, clock, logger, seats },
    rejudgeLeft: placer.rejudge.left,
  });
  const completing = { store, mailboxes, log, serverName };
  const resync = startResync({
    ...{ store, serverName, clock, logger, seats },
    abandon: (room, row) => abandonRoom(mailboxes, room, row),
    fetchState: createFetchState({ store, mailboxes, remote, beginIntake, logger }),
    complete: (room, join, about) => completeRoom(completing, room, join, about),
    async completed(room) {
      await placer.rejudge.all(room);
      await staging.hasten(room);
    },
  });
  const invites = createInvites({
    ...{ store, local, ingest, outOfBand, remote, keyRing, mayEnter, invitees },
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
          patience,
          clock,
          refusals,
        },
      }),
      async aclAllows(roomId, server) {
        const room = await store.registry.byId(roomId);
        if (room === undefined || (await acl.allows(room, server))) return true;
        // Nobody tells this server of the list of a room that it has left.
        return !(await serverIsJoined(store.sql, room.nid, serverName));
      },
      ...createServeMembers({ store, local, ingest, gate, keyRing, answers }),
      ...createServeEvents({ store, gate, acl, answers, partial, erasures: deps.erasures }),
      invite: invites.receive,
    },
    membership: {
      join: createJoinRemote({
        ...{ store, identity, remote, keyRing, ingest, partial, logger },
        ...{ beginIntake, enterRoom: createEnterRoom(mailboxes, identity) },
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
      sources,
      isPartial: partial.isPartial,
    }),
    async stop() {
      stopping.abort();
      await Promise.all([stopRetrying(), resync.stop(), staging.drained()]);
    },
  };
}
