import type { Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { RoomView } from "../../rooms/api/index.ts";
import {
  accountDataOfTypes,
  lastActivity,
  lastOfTypes,
  roomEncryption,
  roomTypes,
} from "../../storage/rooms/room-activity.ts";
import {
  ownReceiptsAfter,
  receiptsOfRooms,
  roomAccountDataBetween,
} from "../../storage/sync-reads.ts";
import { profiledMembers } from "../../storage/users/profiles.ts";
import { threadSubscriptionChanges } from "../../storage/push/thread-subscriptions.ts";
import { stickyAcross } from "../../storage/sticky-events.ts";
import type { Sql } from "../../storage/sql.ts";
import { createActivity } from "../recent/activity.ts";
import { createSlidingCompute } from "./compute.ts";
import { createConnections } from "./connections.ts";
import { createExtensions, type ExtensionDeps } from "./extensions.ts";
import { createListedRooms } from "./listed-rooms.ts";
import { createSlidingSync, type SlidingDeps } from "./long-poll.ts";
import { createOwnReceipts } from "./own-receipts.ts";
import { createRequiredStates } from "./room-parts.ts";
import { createRoomLabels, LABEL_TYPES } from "../recent/room-labels.ts";
import { createRoomNews, type RoomNewsDeps } from "./room-news.ts";
import { createRoomTraits } from "../recent/room-traits.ts";
import { createWindows } from "./windows.ts";
import type { SentMembers } from "../sections/lazy-members.ts";
import type { UserPreferences } from "../users/preferences.ts";

/** What counts as something that people do in a room. (MSC4186, `bump_stamp`.) */
const BUMPS = [
  ...["m.room.create", "m.room.message", "m.room.encrypted", "m.sticker", "m.call.invite"],
  ...["m.poll.start", "org.matrix.msc3381.poll.start"],
  ...["m.beacon_info", "org.matrix.msc3672.beacon_info"],
];

/** What sliding sync remembers, kept up to date by the log. */
export function createSlidingMemory({ sql, view }: { readonly sql: Sql; readonly view: RoomView }) {
  return {
    activity: createActivity((roomNids) => lastActivity(sql, roomNids)),
    labels: createRoomLabels((userId) => accountDataOfTypes(sql, userId, LABEL_TYPES)),
    traits: createRoomTraits({
      view,
      types: (roomNids) => roomTypes(sql, roomNids),
      encryption: (roomNids) => roomEncryption(sql, roomNids),
    }),
  };
}

export type SlidingMemory = ReturnType<typeof createSlidingMemory>;

/** The computation behind sliding sync. (MSC4186.) */
export function createSliding(
  deps: Omit<SlidingDeps, "windows" | "ownReceipts" | "compute" | "connections" | "preferences"> &
    Omit<RoomNewsDeps, "requiredStates"> &
    Omit<
      ExtensionDeps,
      "receipts" | "roomAccountData" | "threadChanges" | "profiledMembers" | "stickyAcross"
    > & {
      readonly memory: SlidingMemory;
      readonly sent: SentMembers;
      readonly sql: Sql;
      readonly log: Log;
      readonly clock: Clock;
      readonly preferences: UserPreferences;
    },
) {
  const { view, sql, memory, recentEvents, sent } = deps;
  const windows = createWindows({
    ...{ view, ...memory },
    listedRooms: createListedRooms({ view, preferences: deps.preferences }),
  });
  const requiredStates = createRequiredStates({ view, recentEvents, sent });
  return createSlidingSync({
    ...deps,
    windows,
    ownReceipts: createOwnReceipts((range) => ownReceiptsAfter(sql, range)),
    compute: createSlidingCompute({
      ...{ view, windows, activity: memory.activity },
      roomNews: createRoomNews({ ...deps, requiredStates }),
      extensions: createExtensions({
        ...deps,
        receipts: (range) => receiptsOfRooms(sql, range),
        profiledMembers: (roomNids, limit) => profiledMembers(sql, roomNids, limit),
        stickyAcross: (range) => stickyAcross(sql, { ...range, now: deps.clock.now() }),
        threadChanges: (userId, range) => threadSubscriptionChanges(sql, { userId, ...range }),
        roomAccountData: (range) => roomAccountDataBetween(sql, range),
      }),
      bumps: async (roomNids, upTo) =>
        roomNids.length === 0 ? new Map() : lastOfTypes(sql, roomNids, BUMPS, upTo),
    }),
    connections: createConnections({ sql, now: deps.clock.now }),
  });
}
