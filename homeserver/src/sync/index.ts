import type { Ephemeral } from "../cluster/ephemeral.ts";
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { RoomHistory, RoomView } from "../rooms/api/index.ts";
import { shareQuery } from "../storage/shared-query.ts";
import type { Sql } from "../storage/sql.ts";
import { logPosition } from "../storage/streams/log-head.ts";
import { keysChanged, signedBy } from "../storage/streams/encryption-keys.ts";
import { staysKnownSince } from "../storage/rooms/old-stays.ts";
import { usersWithChanges } from "../storage/streams/device-lists.ts";
import {
  type Between,
  comingsIn,
  roomsAt,
  roomsOfStays,
  roomsSince,
  sharers,
  sharersProfileFields,
  sharersWithChanges,
  sharing,
} from "../storage/rooms/stays.ts";
import {
  accountDataBetween,
  readPositions,
  receiptsBetween,
  type RoomRange,
  touchedRooms,
} from "../storage/sync-reads.ts";
import { findProfiles } from "../storage/users/profiles.ts";
import { changedProfileFields } from "../storage/streams/profiles.ts";
import { profileObject } from "../users/data/profile-fields.ts";
import { createProfilesSection, type ProfileSources } from "./sections/profiles.ts";
import { publishedAmong } from "../storage/rooms/published-rooms.ts";
import { type ComputeDeps, createCompute } from "./v3/compute.ts";
import { createStickyChanges } from "./recent/sticky-changes.ts";
import { createStickySection } from "./sections/sticky.ts";
import {
  stickyBetween as stickyEventsBetween,
  type StickyRange,
} from "../storage/sticky-events.ts";
import { createAccountDataChanges } from "./recent/account-data-changes.ts";
import {
  createDeviceListsSection,
  type DeviceListChanges,
  deviceListChanges,
  type DeviceListSources,
} from "./sections/device-lists.ts";
import { sharedAnswers } from "./sections/shared-answers.ts";
import { createSharerLookUps } from "./users/sharer-lookups.ts";
import { createKeyChanges, type DeviceKeyCounts } from "./sections/key-counts.ts";
import { createToDeviceSection, type ToDeviceMessages } from "./sections/to-device.ts";
import { parseSyncToken } from "../log/token.ts";
import type { UserId } from "../protocol/identifiers.ts";
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
import { createKnownSince } from "./sections/stays-known.ts";
import { createStateSection } from "./sections/state-section.ts";
import { createLongPoll, type SyncRequest } from "./v3/long-poll.ts";
import { createRecentEvents } from "./recent/recent-events.ts";
import { createSliding, createSlidingMemory } from "./sliding/index.ts";
import type { SlidingRequest } from "./sliding/long-poll.ts";
import { createOldSync, type OldSync } from "./old/index.ts";
import { createTimelines } from "./sections/timeline.ts";
import { createNotifications, type Notifications } from "../notifications/index.ts";
import { createFollowedThreads } from "../notifications/followed-threads.ts";
import { createUnread } from "../notifications/unread.ts";
import { createWaker } from "./users/wake.ts";
import { followLog } from "./follow-log.ts";

export { preferencesOf } from "./users/preferences.ts";
export {
  MAX_THREAD_CHANGES,
  readThreadsToken,
  threadChangesPage,
} from "./sliding/thread-subscriptions.ts";
export { parseSlidingBody } from "./sliding/request.ts";
export type { SyncRequest } from "./v3/long-poll.ts";

export interface SyncDeps {
  readonly log: Log;
  readonly sql: Sql;
  readonly view: RoomView;
  readonly history: RoomHistory;
  readonly ephemeral: Ephemeral;
  readonly preferences: UserPreferences;
  readonly keyCounts: DeviceKeyCounts;
  readonly toDevice: ToDeviceMessages;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The computation behind GET /sync and its sisters. (Client-server API, "Syncing".) */
export interface Sync {
  /**
   * The response body as JSON text; without a promise when it is in memory.
   * @throws MatrixError 400 M_INVALID_PARAM for an unknown token
   */
  sync(request: SyncRequest): string | Promise<string>;
  /**
   * Sliding sync: the response body as JSON text.
   * @throws MatrixError 400 M_UNKNOWN_POS for a position that is not known (any more)
   */
  sliding(request: SlidingRequest): Promise<string>;
  /** What was there before GET /sync: `/events` and `/initialSync`. */
  readonly old: OldSync;
  /**
   * GET /keys/changes: what changed for a user between two sync tokens.
   * @throws MatrixError 400 M_INVALID_PARAM for an unknown token
   */
  deviceListChanges(userId: UserId, from: string, to: string): Promise<DeviceListChanges>;
  /** What notifies users, from the memory that counts what is unread. */
  readonly notifications: Notifications;
  stop(): void;
}

/** Log positions after which there may be more changes of devices than sharers of rooms. */
const LONG_AGO = 20_000;

export function createSync(deps: SyncDeps): Sync {
  const { log, sql, view, ephemeral, preferences, clock, keyCounts, toDevice } = deps;
  const memory = createMemory(deps);
  const { syncingUsers, waker } = memory;
  const sources = sourcesOf(deps);
  const deviceLists = deviceListSourcesOf(deps);
  const unfollow = followLog({ log, ...memory });
  const takeEphemeral = createEphemeralChanges({ view, syncingUsers, waker });
  const unlisten = ephemeral.onChange((change) => {
    takeEphemeral(change).catch((error: unknown) => {
      deps.logger.warn({ err: error }, "typing or presence did not reach the clients");
    });
  });
  const shared = createShared(deps, memory, deviceLists);
  const computing = computationOf(deps, memory, shared, sources);
  const polling = {
    ...memory,
    ...{ log, keyCounts, preferences, now: clock.now },
    end: () => logPosition(sql),
    ephemeralSerial: () => ephemeral.serial,
  };
  return {
    sliding: createSliding({
      ...shared,
      ...{ typing: sources.typing, accountData: sources.accountData },
      ...{ sql, clock },
      ...polling,
      ...{ memory: memory.sliding, keyCounts, toDevice },
    }),
    sync: createLongPoll({
      ...polling,
      toDevice,
      compute: createCompute(computing),
      fromMemory: createFromMemory({
        ...memory,
        keyCounts,
        view,
        sharedTimelines: createSharedTimelines({ view, now: clock.now }),
      }),
    }),
    old: createOldSync({
      ...{ ...polling, computing, view, history: deps.history, present: shared.present },
      published: (roomNids) => publishedAmong(sql, roomNids),
    }),
    async deviceListChanges(userId, from, to) {
      const [{ position: after }, { position: upTo }] = [
        parseSyncToken(from, "from"),
        parseSyncToken(to, "to"),
      ];
      return deviceListChanges(deviceLists, userId, { after, upTo });
    },
    notifications: createNotifications({
      ...{ ...memory, rootAt: memory.recentEvents.rootAt },
      ...{ sql, log, clock, view, preferences },
    }),
    stop() {
      unfollow();
      unlisten();
    },
  };
}

type Memory = ReturnType<typeof createMemory>;

/** Caches about users and rooms, kept up to date by the log. */
function createMemory({ log, sql, view, history, ephemeral, preferences, logger }: SyncDeps) {
  const position = (): number => log.position;
  const ephemeralSerial = () => ephemeral.serial;
  const recentEvents = createRecentEvents({ history, view, position });
  const contexts = createPushContexts(view);
  const followedThreads = createFollowedThreads({ sql, view });
  const syncingUsers = createSyncingUsers({ view, position, ephemeralSerial });
  const waker = createWaker();
  return {
    ...{ syncingUsers, waker },
    sharerLookUps: createSharerLookUps({
      roomsSince: (userIds, after) => roomsSince(sql, userIds, after),
      ...{ syncingUsers, waker, logger },
    }),
    recentEvents,
    accountDataChanges: createAccountDataChanges(position),
    stickyChanges: createStickyChanges(position),
    contexts,
    followedThreads,
    unread: createUnread({
      recent: recentEvents,
      view,
      ...{ contexts, followedThreads },
      rulesOf: preferences.rulesOf,
      peekRules: preferences.peekRules,
      readPositions: shareQuery((readers) => readPositions(sql, readers)),
    }),
    sent: createSentMembers(),
    sliding: createSlidingMemory({ sql, view }),
  };
}

/** Data that is read from the tables, or ephemeral. */
function sourcesOf({ sql, ephemeral }: SyncDeps): SectionSources {
  const receipts = shareQuery((ranges: readonly RoomRange[]) => receiptsBetween(sql, ranges));
  const accountData = shareQuery((ranges: readonly RoomRange[]) => accountDataBetween(sql, ranges));
  return {
    receipts: (roomNid, userId, after, upTo) => receipts({ userId, roomNid, after, upTo }),
    accountData: (userId, roomNid, after, upTo) =>
      accountData({ userId, roomNid: roomNid ?? 0, after, upTo }),
    typing: ephemeral.typing,
    changedRooms: (userId, roomNids, after) => touchedRooms(sql, { userId, roomNids, after }),
  };
}

function deviceListSourcesOf({ sql, log, clock }: SyncDeps): DeviceListSources {
  const recentlyChanged = sharedAnswers(
    ({ after, upTo }: Between) => `${after} ${upTo}`,
    (between) => usersWithChanges(sql, between),
  );
  const roomsOfChanged = sharedAnswers(
    (users: { readonly ids: readonly string[]; readonly at: number; readonly limit: number }) =>
      `${users.at} ${users.limit} ${users.ids.join("\0")}`,
    ({ ids, at, limit }) => roomsAt(sql, ids, at, limit),
  );
  return {
    roomsOfStays: (userId, between, among) => roomsOfStays(sql, userId, between, among),
    comingsIn: (rooms, between) => comingsIn(sql, rooms, between),
    sharing: (userId, others, between) => sharing(sql, userId, others, between),
    roomsAt: (ids, at, limit) => roomsOfChanged({ ids, at, limit }),
    usersWithChanges: async (userId, between) =>
      log.position - between.after > LONG_AGO
        ? sharersWithChanges(sql, userId, between)
        : recentlyChanged(between),
    sharers: (userId, position) => sharers(sql, userId, position),
    knownSince: createKnownSince(() => staysKnownSince(sql), clock),
    signedBy: (userId, after) => signedBy(sql, userId, after),
  };
}

/** Changes of profiles since a token: more of them are looked for among those who share a room. */
const MAX_PROFILE_CHANGES = 1_000;

function profileSources(sql: Sql, log: Log): Pick<ProfileSources, "changedFields" | "profilesOf"> {
  const recentlyChanged = sharedAnswers(
    ({ after, upTo }: Between) => `${after} ${upTo}`,
    (between) => changedProfileFields(sql, between, MAX_PROFILE_CHANGES),
  );
  return {
    async changedFields(userId, between) {
      const isRecent = log.position - between.after <= LONG_AGO;
      const found = isRecent ? await recentlyChanged(between) : undefined;
      if (found !== undefined && found.length < MAX_PROFILE_CHANGES) return found;
      return sharersProfileFields(sql, userId, between);
    },
    async profilesOf(userIds) {
      const rows = await findProfiles(sql, userIds);
      return new Map(rows.map((row) => [row.userId, profileObject(row)]));
    },
  };
}

/** What all presentations have in common. */
function createShared(
  { sql, log, view, clock }: SyncDeps,
  { recentEvents, sent, syncingUsers, stickyChanges }: Memory,
  deviceLists: DeviceListSources,
) {
  const stickyBetween = shareQuery((ranges: readonly StickyRange[]) =>
    stickyEventsBetween(sql, ranges, clock.now()),
  );
  const present = createPresent(view);
  return {
    stickyBetween,
    sticky: createStickySection({ view, present, stickyChanges, stickyBetween }),

    deviceLists: createDeviceListsSection(deviceLists, syncingUsers),
    profiles: createProfilesSection({ ...deviceLists, ...profileSources(sql, log) }, syncingUsers),
    hasKeyChanges: createKeyChanges((device, after) => keysChanged(sql, device, after)),
    view,
    recentEvents,
    timelines: createTimelines({ view, recentEvents }),
    stateSection: createStateSection({ view, recentEvents, sent }),
    present,
  };
}

/** What the full computation of a sync is made from. */
function computationOf(
  deps: SyncDeps,
  memory: Memory,
  shared: ReturnType<typeof createShared>,
  sources: SectionSources,
): ComputeDeps {
  const { view, ephemeral, clock, preferences, keyCounts } = deps;
  const { recentEvents, accountDataChanges, unread } = memory;
  const ephemeralSections = createEphemeralSections({ recentEvents, sources, accountDataChanges });
  return {
    view,
    recentEvents,
    joinedRoom: createJoinedRoom({ ...shared, ephemeralSections, unread }),
    otherRooms: createOtherRooms({ ...shared, preferences }),
    sources,
    presence: createPresenceSection({ view, ephemeral, now: clock.now }),
    ...{ accountDataChanges, stickyChanges: memory.stickyChanges },
    toDevice: createToDeviceSection(deps.toDevice),
    keyCounts,
    ...{ deviceLists: shared.deviceLists, hasKeyChanges: shared.hasKeyChanges },
    profiles: shared.profiles,
    preferences,
  };
}
