/** The pushers of users, in the memory of the replica that sends notifications. */
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { type PusherRow, pushersOfUsers } from "../storage/push/told.ts";
import type { Sql } from "../storage/sql.ts";
import type { PusherState } from "./types.ts";

const USERS_KEPT = 50_000;

export function createPusherStates({ sql }: { readonly sql: Sql }) {
  const byUser = new LRUCache<UserId, readonly PusherState[]>(atMost(USERS_KEPT));
  /** Pushers that something is done about, or noted of: the tables may not say yet how far they are. */
  const busy = new Map<number, { readonly state: PusherState; holders: number }>();

  function stateOf(row: PusherRow): PusherState {
    const known = busy.get(row.pusherId)?.state;
    const { pusherId, toldTo, badge, failures, retryTs, behind, mailedTs, mailPause } = row;
    const state = {
      ...{ pusherId, row, badge, failures, retryTs, mailedTs, mailPause },
      userId: row.userId as UserId,
      toldTo: Math.max(toldTo, known?.toldTo ?? 0),
      isBehind: behind,
      isGone: false,
    };
    if (known === undefined) return state;
    const { isBehind } = known;
    // The one object that others hold. A client that sets its pusher again ends its waiting.
    return Object.assign(known, state, { badge: known.badge, isBehind });
  }

  return {
    /** The pushers of each of these users; an empty list for those who have none. */
    async of(userIds: readonly UserId[]): Promise<Map<UserId, readonly PusherState[]>> {
      const found = new Map<UserId, readonly PusherState[]>();
      const missing: UserId[] = [];
      for (const userId of userIds) {
        const known = byUser.get(userId);
        if (known) found.set(userId, known);
        else missing.push(userId);
      }
      if (missing.length === 0) return found;
      const rows = Map.groupBy(await pushersOfUsers(sql, missing), (row) => row.userId);
      for (const userId of missing) {
        const states = (rows.get(userId) ?? []).map(stateOf);
        byUser.set(userId, states);
        found.set(userId, states);
      }
      return found;
    },

    /** From memory only. */
    peek: (userId: UserId): readonly PusherState[] | undefined => byUser.peek(userId),

    /** The user's pushers changed: reads them again. Those that are gone are marked so. */
    async changed(userId: UserId): Promise<readonly PusherState[]> {
      const before = byUser.peek(userId) ?? [];
      const held = [...busy.values()].flatMap(({ state }) =>
        state.userId === userId ? [state] : [],
      );
      byUser.delete(userId);
      const now = (await this.of([userId])).get(userId)!;
      const ids = new Set(now.map(({ pusherId }) => pusherId));
      for (const state of [...before, ...held]) state.isGone = !ids.has(state.pusherId);
      return now;
    },

    /** Something is done about the pusher, until `rest`. */
    hold(state: PusherState): void {
      const held = busy.get(state.pusherId);
      if (held) held.holders += 1;
      else busy.set(state.pusherId, { state, holders: 1 });
    },
    /** To be called once for each `hold`. */
    rest({ pusherId }: PusherState): void {
      const held = busy.get(pusherId);
      if (held === undefined) return;
      held.holders -= 1;
      if (held.holders === 0) busy.delete(pusherId);
    },
  };
}

export type PusherStates = ReturnType<typeof createPusherStates>;
