import type { Log } from "../../log/types.ts";
import { errors, matrixError } from "../../protocol/errors.ts";
import type { EventId, UserId } from "../../protocol/identifiers.ts";
import type { Exclusive } from "../../storage/exclusive.ts";
import type { Sql } from "../../storage/sql.ts";
import type { ThreadSubscriptionState } from "../../storage/streams/thread-subscriptions.ts";
import * as storage from "../../storage/push/thread-subscriptions.ts";
import type { PushRules } from "./push-rules.ts";

export type { ThreadSubscriptionChange } from "../../storage/push/thread-subscriptions.ts";

/** A thread of a room, by its root. */
interface Thread {
  readonly roomNid: number;
  readonly root: EventId;
}

/** Threads that users follow. (MSC4306, MSC4308.) */
export interface ThreadSubscriptions {
  /** Whether the user follows it because a client saw a cause. @throws M_NOT_FOUND 404: not at all */
  get(userId: UserId, thread: Thread): Promise<{ readonly automatic: boolean }>;
  /**
   * The user follows the thread from now on. `causedAt`: log position of the event for which a client
   * does that by itself; undefined: the user wants it.
   * @throws MatrixError 409 when the user ceased to follow it after the cause; 403
   * M_RESOURCE_LIMIT_EXCEEDED for one thread too many
   */
  follow(userId: UserId, thread: Thread, causedAt: number | undefined): Promise<void>;
  /** The user does not follow it from now on. */
  cease(userId: UserId, thread: Thread): Promise<void>;
  /** What changed with after < log position ≤ upTo, the newest first. */
  changes(
    userId: UserId,
    range: { readonly after: number; readonly upTo: number; readonly limit: number },
  ): Promise<readonly storage.ThreadSubscriptionChange[]>;
}

/** Threads that one user follows. */
const MAX_FOLLOWED = 5_000;

export function createThreadSubscriptions(deps: {
  sql: Sql;
  log: Log;
  exclusive: Exclusive;
  pushRules: Pick<PushRules, "switchOnThreads">;
  max?: number;
}): ThreadSubscriptions {
  const { sql, log, exclusive, pushRules, max = MAX_FOLLOWED } = deps;

  /** Decisions about one user's threads are made one after another, on all replicas. */
  const alone = (userId: UserId, task: () => Promise<void>) =>
    exclusive.run(`thread subscriptions ${userId}`, task);

  async function write(
    userId: UserId,
    { roomNid, root }: Thread,
    state: ThreadSubscriptionState,
  ): Promise<void> {
    await log.append({ records: [{ kind: "thread_subscription", userId, roomNid, root, state }] });
  }

  async function followAlone(
    userId: UserId,
    thread: Thread,
    causedAt: number | undefined,
  ): Promise<void> {
    const before = await storage.findThreadSubscription(sql, { userId, ...thread });
    const isFollowed = before !== undefined && before.state !== "none";
    const state = causedAt === undefined ? "manual" : "automatic";
    // What the user wanted is not made automatic.
    if (isFollowed && (before.state === "manual" || before.state === state)) return;
    if (before?.state === "none" && causedAt !== undefined && causedAt <= before.position) {
      throw matrixError(
        "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION",
        "The user has ceased to follow the thread since",
      );
    }
    if (!isFollowed && (await storage.countThreadSubscriptions(sql, userId)) >= max) {
      throw matrixError("M_RESOURCE_LIMIT_EXCEEDED", `A user follows at most ${max} threads`);
    }
    await write(userId, thread, state);
  }

  return {
    async get(userId, thread) {
      const found = await storage.findThreadSubscription(sql, { userId, ...thread });
      if (found === undefined || found.state === "none") {
        throw errors.notFound("You do not follow this thread");
      }
      return { automatic: found.state === "automatic" };
    },

    async follow(userId, thread, causedAt) {
      // Before the first one is written: after a stop in between, the rules are switched on again.
      if (!(await storage.hasThreadSubscriptions(sql, userId))) {
        await pushRules.switchOnThreads(userId);
      }
      await alone(userId, () => followAlone(userId, thread, causedAt));
    },

    cease: (userId, thread) =>
      alone(userId, async () => {
        const before = await storage.findThreadSubscription(sql, { userId, ...thread });
        if (before === undefined || before.state === "none") return;
        await write(userId, thread, "none");
      }),

    changes: (userId, range) => storage.threadSubscriptionChanges(sql, { userId, ...range }),
  };
}
