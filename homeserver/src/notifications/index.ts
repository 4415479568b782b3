/** What notifies users: counted, listed, and told to gateways by the same evaluation. */
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { RoomView } from "../rooms/api/index.ts";
import type { Sql } from "../storage/sql.ts";
import { readPositions } from "../storage/sync-reads.ts";
import type { FollowedThreads } from "./followed-threads.ts";
import { createNotificationsList, type ListNotifications } from "./list.ts";
import { createNotified, type Notified, type NotifiedDeps } from "./notified.ts";
import type { PushContexts } from "./push-context.ts";
import type { UnreadCounts } from "./unread.ts";

export interface Notifications {
  readonly contexts: PushContexts;
  readonly followedThreads: FollowedThreads;
  readonly unread: UnreadCounts;
  readonly notified: Notified;
  readonly list: ListNotifications;
}

/** From the memory that counts what is unread. */
export function createNotifications(deps: {
  readonly sql: Sql;
  readonly log: Pick<Log, "position">;
  readonly clock: Clock;
  readonly view: RoomView;
  readonly contexts: PushContexts;
  readonly followedThreads: FollowedThreads;
  readonly unread: UnreadCounts;
  readonly rootAt: NotifiedDeps["rootAt"];
  readonly preferences: Pick<NotifiedDeps, "rulesOf" | "ignoredBy" | "inviteVerdict">;
}): Notifications {
  const { sql, log, clock, view, contexts, followedThreads, unread, rootAt, preferences } = deps;
  const { rulesOf, ignoredBy, inviteVerdict } = preferences;
  const reading = { sql, view, contexts, followedThreads };
  const notified = createNotified({
    ...{ ...reading, rootAt, rulesOf, ignoredBy, inviteVerdict },
  });
  const list = createNotificationsList({
    ...{ notified, view, clock },
    readPositions: (userId, roomNids) => {
      const readers = roomNids.map((roomNid) => ({ userId, roomNid }));
      return readPositions(sql, readers);
    },
    position: () => log.position,
  });
  return { contexts, followedThreads, unread, notified, list };
}
