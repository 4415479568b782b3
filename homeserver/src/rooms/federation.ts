/** The engine's federation side, put together. */
import { serverIsJoined } from "../storage/rooms/members.ts";
import type { RoomFederation } from "./api/federation.ts";
import type { RoomCore } from "./core.ts";
import type { RoomsDeps } from "./deps.ts";
import { createBackfill } from "./history/backfill.ts";
import type { Backfill } from "./history/backfill.ts";
import { createIngestion } from "./ingestion.ts";
import { createInvites } from "./membership/invites.ts";
import { createJoinsUnderWay } from "./membership/joins-under-way.ts";
import { createJoinRemote } from "./membership/remote-join.ts";
import { createLeaveRemote } from "./membership/remote-leave.ts";
import type { RemoteMembership } from "./membership/remote-membership.ts";
import { createApplyJoin } from "./partial/apply-join.ts";
import { createFetchState } from "./partial/fetch-state.ts";
import { abandonPartialJoin, finishPartialJoin } from "./partial/finish-partial-join.ts";
import { startResync } from "./partial/resync.ts";
import type { Reading } from "./reading.ts";
import { createServeEvents } from "./serving/events.ts";
import { createFederationAccess } from "./serving/federation-access.ts";
import { createServeMembers } from "./serving/members.ts";
import { createStateAnswers } from "./serving/state-answers.ts";

export interface Federation {
  readonly api: RoomFederation;
  readonly membership: RemoteMembership;
  readonly backfill: Backfill;
  /** Starts no further requests to other servers. */
  stop(): Promise<void>;
}

export function createFederation(deps: RoomsDeps, core: RoomCore, reading: Reading): Federation {
  const { log, remote, keyRing, clock, leases, logger } = deps;
  const { store, mailboxes, local, partial, checkNotBlocked, invitees } = core;
  const { erasures, lifetimes, lastMemberships } = reading;
  const { identity } = local;
  const { serverName } = identity;
  const { isPartial } = partial;
  const stopping = new AbortController();
  const ingestion = createIngestion(deps, core, stopping.signal);
  const { acl, ingest, outOfBand, peerQueries, beginImport } = ingestion;
  const completing = { store, mailboxes, log, serverName };
  const resync = startResync({
    ...{ store, serverName, clock, logger, leases },
    abandon: (room, row) => abandonPartialJoin(mailboxes, room, row),
    fetchState: createFetchState({ store, mailboxes, remote, beginImport, logger }),
    complete: (room, join, about) => finishPartialJoin(completing, room, join, about),
    completed: ingestion.completed,
  });
  const invites = createInvites({
    ...{ store, local, ingest, outOfBand, remote, keyRing, checkNotBlocked, invitees },
  });
  const joinsUnderWay = createJoinsUnderWay({
    ...{ sql: store.sql, clock, logger, retryNow: ingestion.retryNow },
  });
  const access = createFederationAccess({ store, partial, serverName, lastMemberships });
  const answers = createStateAnswers(store, erasures);
  return {
    api: {
      receive: ingestion.receive,
      async aclAllows(roomId, server) {
        const room = await store.registry.byId(roomId);
        if (room === undefined || (await acl.allows(room, server))) return true;
        // The access list of a room that this server has left is not kept up to date.
        return !(await serverIsJoined(store.sql, room.nid, serverName));
      },
      ...createServeMembers({ store, local, ingest, access, keyRing, answers }),
      ...createServeEvents({ store, access, acl, answers, partial, erasures, lifetimes }),
      invite: invites.receive,
    },
    membership: {
      join: createJoinRemote({
        ...{ store, identity, remote, keyRing, ingest, joinsUnderWay, partial, logger },
        ...{ beginImport, applyJoin: createApplyJoin(mailboxes, identity) },
        nudge: resync.nudge,
      }),
      ...createLeaveRemote({ store, identity, outOfBand, remote, keyRing, logger }),
      invite: invites.send,
    },
    backfill: createBackfill({
      ...{ store, serverName, ingest, remote, keyRing, peerQueries, isPartial },
    }),
    async stop() {
      stopping.abort();
      await Promise.all([ingestion.stopped(), resync.stop()]);
    },
  };
}
