/** The engine's federation side, put together. */
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Random } from "../platform/random.ts";
import { serverIsJoined } from "../storage/room-members.ts";
import type { Seats } from "../storage/seats.ts";
import { createAcl } from "./acl.ts";
import { createBackfill } from "./backfill.ts";
import type { Backfill } from "./backfill.ts";
import { createGaps } from "./gaps.ts";
import { createGate } from "./gate.ts";
import { createIngest } from "./ingest.ts";
import { createInvites } from "./invite.ts";
import type { Invitees } from "./invitees.ts";
import { createJoinRemote } from "./join-remote.ts";
import { createLeaveRemote } from "./leave-remote.ts";
import type { LocalEvents } from "./local.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { RemoteMembership } from "./members.ts";
import { createOutOfBand } from "./out-of-band.ts";
import { createOutliers } from "./outliers.ts";
import { createMergeExtremities } from "./merge-extremities.ts";
import type { Erasures } from "./erasures.ts";
import { createFetchMissing } from "./missing.ts";
import { createPatience } from "./patience.ts";
import { createPlacer } from "./placer.ts";
import { createReceive } from "./receive.ts";
import { createRefusals } from "./refusals.ts";
import { retryStaged } from "./retry-staged.ts";
import { createServeEvents } from "./serve-events.ts";
import { createServeMembers } from "./serve-members.ts";
import { createSources } from "./sources.ts";
import { createStaging } from "./staging.ts";
import type { MayEnter } from "./purge/doors.ts";
import { createEnterRoom } from "./enter-room.ts";
import { abandonRoom, completeRoom } from "./complete-room.ts";
import { createFetchState } from "./fetch-state.ts";
import type { PartialRooms } from "./partial-rooms.ts";
import { startResync } from "./resync.ts";
import { createStateIntake } from "./state-intake.ts";
import { createStateAnswers } from "./state-answer.ts";
import type { Stays } from "./stays.ts";
import type { RoomStore } from "./store.ts";
import { createToldStates } from "./told-state.ts";
import type { KeyRing, RemoteServer, RoomFederation } from "./types-federation.ts";

export interface FederationDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly local: LocalEvents;
  readonly log: Log;
  readonly remote: RemoteServer;
  readonly keyRing: KeyRing;
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
