/** The engine's federation side, put together. */
import type { Log } from "../log/types.ts";
import type { Logger } from "../platform/logger.ts";
import { createAcl } from "./acl.ts";
import { createBackfill } from "./backfill.ts";
import { createGate } from "./gate.ts";
import { createIngest } from "./ingest.ts";
import { createInvites } from "./invite.ts";
import { createJoinRemote } from "./join-remote.ts";
import { createLeaveRemote } from "./leave-remote.ts";
import type { LocalEvents } from "./local.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { RemoteMembership } from "./members.ts";
import type { FillGap } from "./messages.ts";
import { createOutOfBand } from "./out-of-band.ts";
import { createOutliers } from "./outliers.ts";
import { createFetchMissing, createReceive } from "./receive.ts";
import { createServeEvents } from "./serve-events.ts";
import { createServeMembers } from "./serve-members.ts";
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
  readonly logger: Logger;
}

export interface Federation {
  readonly api: RoomFederation;
  readonly membership: RemoteMembership;
  readonly fillGap: FillGap;
}

export function createFederation(deps: FederationDeps): Federation {
  const { store, mailboxes, local, log, remote, keyRing, logger } = deps;
  const { identity } = local;
  const { serverName } = identity;
  const acl = createAcl(store);
  const gate = createGate(store, acl, serverName);
  const outliers = createOutliers(store, log);
  const told = createToldStates(store, remote, keyRing, outliers);
  const outOfBand = createOutOfBand(store, mailboxes, identity);
  const ask = createFetchMissing(store, remote, keyRing);
  const ingest = createIngest({
    store,
    mailboxes,
    identity,
    told,
    outliers,
    fetchMissing: async (server, room, events) => {
      const tips = await local.work(room, async (work) => work.extremities);
      const earliest = tips.map((tip) => tip.event.eventId);
      const depths = tips.map((tip) => tip.event.depth);
      return ask(server, room, events, earliest, Math.max(0, Math.min(...depths) - 20));
    },
    logger,
  });
  const invites = createInvites({ store, local, ingest, outOfBand, remote, keyRing });
  return {
    api: {
      receive: createReceive({ store, serverName, keyRing, ingest, acl, outOfBand, logger }),
      async aclAllows(roomId, server) {
        const room = await store.registry.byId(roomId);
        return room === undefined || acl.allows(room, server);
      },
      ...createServeMembers({ store, local, ingest, gate, keyRing }),
      ...createServeEvents({ store, gate }),
      invite: invites.receive,
    },
    membership: {
      join: createJoinRemote({ ...deps, identity, outliers, ingest }),
      ...createLeaveRemote({ store, identity, outOfBand, remote, logger }),
      invite: invites.send,
    },
    fillGap: createBackfill({ store, serverName, ingest, remote, keyRing, logger }),
  };
}
