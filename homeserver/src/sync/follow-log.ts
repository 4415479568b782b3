import type { Log } from "../log/types.ts";
import type { PushContexts } from "../notifications/push-context.ts";
import type { UnreadCounts } from "../notifications/unread.ts";
import type { AccountDataChanges } from "./recent/account-data-changes.ts";
import type { StickyChanges } from "./recent/sticky-changes.ts";
import type { RecentEvents } from "./recent/recent-events.ts";
import type { SharerLookUps } from "./users/sharer-lookups.ts";
import { SYNC_KINDS, type SyncRecord } from "./users/syncing-user.ts";
import type { SlidingMemory } from "./sliding/index.ts";
import type { SyncingUsers } from "./users/syncing-users.ts";
import type { Waker } from "./users/wake.ts";

/** Account data on which unread counts depend. */
const AFFECTS_COUNTS: ReadonlySet<string> = new Set(["m.push_rules", "m.ignored_user_list"]);

/** What concerns all who share a room with a user. */
function concernsSharers(record: SyncRecord) {
  return record.kind === "device_list" || record.kind === "profile_field";
}

/**
 * Keeps the caches that syncs are answered from up to date with the log, and wakes waiting syncs.
 * Returns the function that stops it.
 */
export function followLog(deps: {
  readonly log: Log;
  readonly recentEvents: RecentEvents;
  readonly contexts: PushContexts;
  readonly unread: UnreadCounts;
  readonly accountDataChanges: AccountDataChanges;
  readonly syncingUsers: SyncingUsers;
  readonly sharerLookUps: SharerLookUps;
  readonly waker: Waker;
  readonly sliding: SlidingMemory;
  readonly stickyChanges: StickyChanges;
}): () => void {
  const { log, recentEvents, contexts, unread, accountDataChanges } = deps;
  const { syncingUsers, sharerLookUps, waker, sliding, stickyChanges } = deps;
  return log.follow({
    phase: "readers",
    kinds: SYNC_KINDS,
    take(records) {
      for (const record of records) {
        switch (record.kind) {
          case "event":
            recentEvents.event(record);
            sliding.activity.event(record);
            sliding.traits.event(record);
            if (record.event.redacts !== undefined) contexts.redacted(record.roomNid);
            for (const { userId, roomNid, membership } of record.memberships) {
              if (membership !== "join") unread.forget(userId, roomNid);
            }
            break;
          case "partial_state":
            recentEvents.statesRecomputed(record.roomNid, record.position);
            break;
          case "receipt":
            recentEvents.receipt(record);
            unread.forget(record.userId, record.roomNid);
            break;
          case "thread_subscription":
            unread.forget(record.userId, record.roomNid);
            break;
          case "sticky":
            if (!record.hasFailed) stickyChanges.take(record);
            break;
          case "account_data":
            accountDataChanges.take(record);
            sliding.labels.accountData(record);
            if (AFFECTS_COUNTS.has(record.type)) unread.forgetUser(record.userId);
        }
      }
      waker.wake(syncingUsers.take(records));
      sharerLookUps.take(records.filter(concernsSharers));
    },
  });
}
