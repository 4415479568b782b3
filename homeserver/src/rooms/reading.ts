/** What readers see of rooms, put together. */
import type { RoomCore } from "./core.ts";
import type { RoomsDeps } from "./deps.ts";
import { createAtRoot } from "./visibility/at-root.ts";
import { createBundledAggregations } from "./visibility/bundled-aggregations.ts";
import { createErasures } from "./visibility/erasures.ts";
import { createLastMemberships } from "./visibility/last-membership.ts";
import { createLifetimes } from "./visibility/lifetimes.ts";
import { createPresenter } from "./visibility/presentation.ts";
import { createRelated } from "./visibility/related.ts";
import { NO_RETENTION } from "./visibility/retention-rules.ts";
import { createRootAt } from "./visibility/root-at.ts";
import { createThreads } from "./visibility/threads.ts";
import { createView } from "./visibility/view.ts";
import { createVisibleEvents } from "./visibility/visible-events.ts";
import { createWithoutIgnored } from "./visibility/without-ignored.ts";

export type Reading = ReturnType<typeof createReading>;

export function createReading(deps: RoomsDeps, core: RoomCore) {
  const { log, serverName } = deps;
  const { store, memberships, partial, eventTransactionIds, local } = core;
  const ignoredBy = deps.ignoredBy ?? (async () => NOBODY);
  const lifetimes = createLifetimes({
    ...{ sql: store.sql, clock: deps.clock, logger: deps.logger },
    rules: deps.retention ?? NO_RETENTION,
  });
  const lastMemberships = createLastMemberships(store);
  const atRoot = createAtRoot(store);
  const rootAt = createRootAt(store.sql);
  const erasures = createErasures({ store, lastMemberships, atRoot, rootAt, serverName });
  const visibleEvents = createVisibleEvents({
    store,
    memberships,
    lastMemberships,
    atRoot,
    erasures,
    lifetimes,
  });
  const withoutIgnored = createWithoutIgnored(visibleEvents, ignoredBy);
  const aggregations = createBundledAggregations({
    ...{ store, withoutIgnored, visibleEvents, ignoredBy },
    position: log.position,
  });
  const { now } = local.identity;
  const presenter = createPresenter({ store, eventTransactionIds, aggregations, erasures, now });
  const view = createView({
    ...{ store, memberships, visibleEvents, presenter, partial, erasures, lastMemberships, rootAt },
    lifetimes,
    related: createRelated({ store, visibleEvents, ignoredBy }),
    threads: createThreads(store),
  });
  return { view, withoutIgnored, ignoredBy, aggregations, erasures, lifetimes, lastMemberships };
}

const NOBODY: ReadonlySet<string> = new Set();
