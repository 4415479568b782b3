/** What fetches events of other servers and takes them in, put together. */
import { createMetrics } from "../platform/metrics.ts";
import type { Room } from "./api/index.ts";
import { createOutOfBand } from "./commands/out-of-band.ts";
import type { RoomCore } from "./core.ts";
import type { RoomsDeps } from "./deps.ts";
import { createGaps } from "./fetching/gaps.ts";
import { createFetchMissing } from "./fetching/missing-events.ts";
import { createOutliers } from "./fetching/outliers.ts";
import { createPeerQueries } from "./fetching/peer-queries.ts";
import { createRemoteStates } from "./fetching/remote-state.ts";
import { createStateImporter } from "./fetching/state-importer.ts";
import { createGraphWriter } from "./receiving/graph-writer.ts";
import { createIngest } from "./receiving/ingest.ts";
import { createMergeExtremities } from "./receiving/merge-extremities.ts";
import { createOriginThrottle } from "./receiving/origin-throttle.ts";
import { createPduRejections } from "./receiving/pdu-rejections.ts";
import { createReceiveOutOfBand } from "./receiving/out-of-band-ends.ts";
import { createReceive } from "./receiving/receive.ts";
import { retryStaged } from "./receiving/retry-staged.ts";
import { createRejectPdus } from "./receiving/room-part.ts";
import { createStaging } from "./receiving/staging.ts";
import { createAcl } from "./state/server-acl.ts";

/** Works until `stop` aborts; `stopped` resolves once nothing is under way. */
export function createIngestion(deps: RoomsDeps, core: RoomCore, stop: AbortSignal) {
  const { log, remote, keyRing, clock, random, logger, leases } = deps;
  const { store, mailboxes, local, partial } = core;
  const { identity } = local;
  const { serverName } = identity;
  const outliers = createOutliers(mailboxes, identity);
  const gaps = createGaps(store, outliers);
  const peerQueries = createPeerQueries({ store, serverName, clock, logger, stop });
  const beginImport = createStateImporter({ store, outliers, keyRing, logger });
  const remoteStates = createRemoteStates({
    ...{ store, remote, keyRing, outliers, peerQueries, beginImport },
  });
  const rejections = createPduRejections(logger, deps.metrics ?? createMetrics());
  const mergeIfMany = createMergeExtremities({ store, local, clock, random, logger, stop });
  const graphWriter = createGraphWriter({
    ...{ store, mailboxes, identity, outliers, mergeIfMany, rejections, remote, logger },
  });
  const ingest = createIngest({
    ...{ graphWriter, remoteStates, gaps, peerQueries },
    isPartial: (room) => partial.isPartial(room.nid),
    fetchMissing: createFetchMissing(store, remote, keyRing, peerQueries),
    tips: (room) => local.run(room, async (command) => command.extremities),
  });
  const staging = createStaging({ store, gaps, ingest, clock, random, rejections, logger });
  const { rejudge } = graphWriter;
  const acl = createAcl(store);
  const outOfBand = createOutOfBand(mailboxes, identity, log);
  const rejectPdus = createRejectPdus(rejections);
  const ends = { store, serverName, keyRing, outOfBand };
  const receiveOutOfBand = createReceiveOutOfBand(ends, rejectPdus);
  const retry = retryStaged({
    ...{ store, staging, acl, receiveOutOfBand, serverName, clock, logger, leases },
    rejudgeRemaining: rejudge.remaining,
  });
  const throttle = createOriginThrottle(clock, stop);
  const receive = createReceive({
    ...{ store, serverName, keyRing, ingest, staging, acl, throttle, clock, rejections },
    ...{ rejectPdus, receiveOutOfBand, retryNow: retry.now },
  });
  return {
    ...{ acl, ingest, outOfBand, peerQueries, beginImport, receive },
    /** A room's whole state is known now: what was judged by a part of it is judged again. */
    async completed(room: Room): Promise<void> {
      await rejudge.all(room);
      await staging.makeAllDue(room);
    },
    retryNow: retry.now,
    stopped: () => Promise.all([retry.stop(), staging.drained()]),
  };
}
