import type { UserId } from "../protocol/identifiers.ts";
import {
  asksForThread,
  type CompiledRules,
  type PushContext,
} from "../protocol/push/push-rules.ts";
import type { RoomView, StoredEvent } from "../rooms/api/index.ts";
import { followersOfThread, followsThreads } from "../storage/push/thread-subscriptions.ts";
import { shareQuery } from "../storage/shared-query.ts";
import type { Sql } from "../storage/sql.ts";

/** Whether the user follows the threads of events; those that are in no thread are absent. */
export type Followed = ReadonlyMap<StoredEvent, boolean>;

const NONE: Followed = new Map();

/** What push rules ask about threads, read when it is asked for. (MSC4306.) */
export function createFollowedThreads(deps: {
  readonly sql: Sql;
  readonly view: Pick<RoomView, "threadOf" | "events">;
}) {
  const { sql, view } = deps;
  const follows = shareQuery(
    (threads: readonly { userId: string; roomNid: number; root: string }[]) =>
      followsThreads(sql, threads),
  );

  return {
    /** Of one user's events; nothing is read where the rules don't ask. */
    async of(
      userId: UserId,
      rules: CompiledRules,
      events: readonly StoredEvent[],
    ): Promise<Followed> {
      const related = events.filter(({ event }) => event.content["m.relates_to"] !== undefined);
      if (related.length === 0 || !asksForThread(rules)) return NONE;
      const followed = new Map<StoredEvent, boolean>();
      await Promise.all(
        related.map(async (stored) => {
          const root = await view.threadOf(stored);
          if (root === undefined) return;
          followed.set(stored, await follows({ userId, roomNid: stored.roomNid, root }));
        }),
      );
      return followed;
    },

    /**
     * Of one event: which of the users follow its thread; undefined when it is in none, or when
     * nobody's rules ask.
     */
    async followers(
      event: { readonly nid: number; readonly roomNid: number; readonly isRelated: boolean },
      rulesByUser: ReadonlyMap<UserId, CompiledRules>,
    ): Promise<ReadonlySet<string> | undefined> {
      if (!event.isRelated) return undefined;
      const asking = [...rulesByUser].flatMap(([userId, rules]) =>
        asksForThread(rules) ? [userId] : [],
      );
      if (asking.length === 0) return undefined;
      const stored = (await view.events([event.nid])).get(event.nid);
      const root = stored && (await view.threadOf(stored));
      if (root === undefined) return undefined;
      return followersOfThread(sql, { roomNid: event.roomNid, root }, asking);
    },
  };
}

export type FollowedThreads = ReturnType<typeof createFollowedThreads>;

/** The context of an event that is in a thread, or (undefined) in none. */
export function contextInThread(
  context: PushContext,
  followsThread: boolean | undefined,
): PushContext {
  return followsThread === undefined ? context : { ...context, followsThread };
}
