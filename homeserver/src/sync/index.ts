import type { Ephemeral } from "../cluster/ephemeral.ts";
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { RoomHistory, RoomView } from "../rooms/api/index.ts";
import type { Sql } from "../storage/sql.ts";
import { logPosition } from "../storage/streams/log-head.ts";
import {
  accountDataBetween,
  readPositions,
  receiptsBetween,
  touchedRooms,
} from "../storage/streams/sync-reads.ts";
import { type Compute, createCompute } from "./v3/compute.ts";
import { createAccountDataChanges } from "./recent/account-data-changes.ts";
import { createEphemeralChanges } from "./users/ephemeral-changes.ts";
import { createEphemeralSections, type SectionSources } from "./sections/ephemeral-sections.ts";
import { createFromMemory } from "./v3/from-memory.ts";
import { createJoinedRoom } from "./v3/joined-room.ts";
import { createSentMembers } from "./sections/lazy-members.ts";
import { createOtherRooms } from "./v3/other-rooms.ts";
import { createSharedTimelines } from "./sections/shared-timelines.ts";
import { createSyncingUsers } from "./users/syncing-users.ts";
import { createPresenceSection } from "./sections/presence-section.ts";
import type { UserPreferences } from "./users/preferences.ts";
import { createPresent } from "./sections/present.ts";
import { createPushContexts } from "../notifications/push-context.ts";
import { createStateSection } from "./sections/state-section.ts";
import { createLongPoll, type SyncRequest } from "./v3/long-poll.ts";
import { createRecentEvents } from "./recent/recent-events.ts";
import { createTimelines } from "./sections/timeline.ts";
import { createUnread } from "../notifications/unread.ts";
import { createWaker } from "./users/wake.ts";
import { followLog } from "./follow-log.ts";

export { preferencesOf } from "./users/preferences.ts";
export type { SyncRequest } from "./v3/long-poll.ts";

export interface SyncDeps {
  readonly log: Log;
  readonly sql: Sql;
  readonly view: RoomView;
  readonly history: RoomHistory;
  readonly ephemeral: Ephemeral;
  readonly preferences: UserPreferences;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The computation behind GET /sync. (Client-server API, "Syncing".) */
export interface Sync {
  /**
   * The response body as JSON text; without a promise when it is in memory.
   * @throws MatrixError 400 M_INVALID_PARAM for an unknown token
   */
  sync(request: SyncRequest): string | Promise<string>;
  stop(): void;
}

export function createSync(deps: SyncDeps): Sync {
  const { log, sql, view, ephemeral, preferences, clock } = deps;
  const memory = createMemory(deps);
  const { syncingUsers, waker } = memory;
  const sources = sourcesOf(deps);
  const unfollow = followLog({ log, ...memory });
  const takeEphemeral = createEphemeralChanges({ view, syncingUsers, waker });
  const unlisten = ephemeral.onChange((change) => {
    takeEphemeral(change).catch((error: unknown) => {
      deps.logger.warn({ err: error }, "typing or presence did not reach the clients");
    });
  });
  return {
    sync: createLongPoll({
      log,
      syncingUsers,
      waker,
      compute: createComputation(deps, memory, sources),
      fromMemory: createFromMemory({
        ...memory,
        view,
        sharedTimelines: createSharedTimelines({ view, now: clock.now }),
      }),
      preferences,
      end: () => logPosition(sql),
      ephemeralSerial: () => ephemeral.serial,
      now: clock.now,
    }),
    stop() {
      unfollow();
      unlisten();
    },
  };
}

type Memory = ReturnType<typeof createMemory>;

/** Caches about users and rooms, kept up to date by the log. */
function createMemory({ log, sql, view, history, ephemeral, preferences }: SyncDeps) {
  const position = (): number => log.position;
  const ephemeralSerial = () => ephemeral.serial;
  const recentEvents = createRecentEvents({ history, view, position });
  const contexts = createPushContexts(view);
  return {
    syncingUsers: createSyncingUsers({ view, position, ephemeralSerial }),
    waker: createWaker(),
    recentEvents,
    accountDataChanges: createAccountDataChanges(position),
    contexts,
    unread: createUnread({
      recent: recentEvents,
      view,
      contexts,
      rulesOf: preferences.rulesOf,
      peekRules: preferences.peekRules,
      readPositions: (userId, roomNid) => readPositions(sql, userId, roomNid),
    }),
    sent: createSentMembers(),
  };
}

/** Data that is read from the tables, or ephemeral. */
function sourcesOf({ sql, ephemeral }: SyncDeps): SectionSources {
  return {
    receipts: (roomNid, reader, after, upTo) =>
      receiptsBetween(sql, { roomNid, reader, after, upTo }),
    accountData: (userId, roomNid, after, upTo) =>
      accountDataBetween(sql, { userId, roomNid: roomNid ?? 0, after, upTo }),
    typing: ephemeral.typing,
    changedRooms: (userId, roomNids, after) => touchedRooms(sql, { userId, roomNids, after }),
  };
}

/** The full computation of a sync. */
function createComputation(deps: SyncDeps, memory: Memory, sources: SectionSources): Compute {
  const { view, ephemeral, clock, preferences } = deps;
  const { recentEvents, accountDataChanges, unread, sent } = memory;
  const shared = {
    view,
    recentEvents,
    timelines: createTimelines({ view, recentEvents }),
    stateSection: createStateSection({ view, recentEvents, sent }),
    present: createPresent(view),
  };
  const ephemeralSections = createEphemeralSections({ recentEvents, sources, accountDataChanges });
  return createCompute({
    view,
    recentEvents,
    joinedRoom: createJoinedRoom({ ...shared, ephemeralSections, unread }),
    otherRooms: createOtherRooms(shared),
    sources,
    presence: createPresenceSection({ view, ephemeral, now: clock.now }),
    accountDataChanges,
    blocksInvites: preferences.blocksInvites,
  });
}
