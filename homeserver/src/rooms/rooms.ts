/** The room engine, put together. */
import type { Rooms } from "./api/index.ts";
import { createActing } from "./administration/acting.ts";
import { createDropExtremities } from "./administration/drop-extremities.ts";
import { createRoomStatuses } from "./administration/room-status.ts";
import { countSizes } from "./administration/count-sizes.ts";
import { createRoomLists } from "./administration/room-list.ts";
import { createRoomCore } from "./core.ts";
import type { RoomsDeps } from "./deps.ts";
import { createFederation } from "./federation.ts";
import { followLog } from "./follow-log.ts";
import { createHistory } from "./history/history.ts";
import { createPages } from "./history/pages.ts";
import { createPurges, createPurgeSteps, deleteEnded, forgetOldStays } from "./purge/index.ts";
import { createReading } from "./reading.ts";
import { createStickyEvents } from "./receiving/sticky-events.ts";
import { collectState } from "./state/collector.ts";
import { createAccess } from "./visibility/access.ts";
import { accessToAll, createEverything } from "./visibility/everything.ts";
import { createTimelines } from "./visibility/timeline.ts";
import { NO_RETENTION } from "./visibility/retention-rules.ts";
import { createPlaceIn } from "./visibility/tokens.ts";
import { createWriting } from "./writing.ts";

/** Reads and writes rooms. */
export function createRooms(deps: RoomsDeps): Rooms {
  const { log, sql, clock, random, remote, logger, leases, serverName } = deps;
  const core = createRoomCore(deps);
  const { store, mailboxes, partial } = core;
  const reading = createReading(deps, core);
  const { view, withoutIgnored, ignoredBy, lastMemberships, lifetimes } = reading;
  const unfollow = followLog(log, { ...core, ...reading });
  const federation = createFederation(deps, core, reading);
  const { backfill } = federation;
  const writing = createWriting(deps, core, federation.membership);
  const timelines = createTimelines(store);
  const reader = {
    ...{ store, view, timelines, partial, withoutIgnored, ignoredBy, backfill, remote, logger },
    pages: createPages(timelines, backfill),
    access: createAccess(view, lastMemberships),
    placeIn: createPlaceIn({ sql, position: () => log.position }),
  };
  const withAll = createEverything({ store, ...reading });
  const unrestricted = { ...reader, access: accessToAll(view), withoutIgnored: withAll };
  const purges = createPurges({
    ...{ store, sql, log, clock, random, logger, leases, serverName, ...writing },
    isPartial: partial.isPartial,
  });
  const retention = deleteEnded({
    ...{ sql, clock, logger, leases, lifetimes, isPartial: partial.isPartial },
    rules: deps.retention ?? NO_RETENTION,
    steps: createPurgeSteps({ sql, log, clock, serverName, ...writing }),
  });
  const stopCollecting = collectState({ sql, clock, logger, leases });
  const stopCounting = countSizes({ sql, clock, logger, leases });
  const stopForgetting = forgetOldStays({ sql, clock, logger, leases });
  return {
    ...writing,
    view,
    history: createHistory(reader),
    administration: {
      lists: createRoomLists({ sql, serverName, view }),
      statuses: createRoomStatuses({ sql, clock, random, view, purges }),
      actions: createActing({ sql, serverName, view, ...writing }),
      history: createHistory(unrestricted),
      dropExtremities: createDropExtremities({ mailboxes, identity: core.local.identity, view }),
    },
    federation: federation.api,
    purges: { ...purges, ended: retention.round },
    sticky: createStickyEvents({ ...core, log }),
    async stop() {
      await Promise.all([
        lifetimes.stop(),
        retention.stop(),
        purges.stop(),
        federation.stop(),
        stopCollecting(),
        stopForgetting(),
        stopCounting(),
      ]);
      await mailboxes.drained();
      await store.resolver?.close();
      unfollow();
    },
  };
}
