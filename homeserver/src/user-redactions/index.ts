/** Redacting what a user has sent: durable jobs, done one after another, on one replica at a time. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { MatrixError } from "../protocol/errors.ts";
import type { EventId, RoomId, UserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import * as storage from "../storage/administration/user-redactions.ts";
import { type Leases, whileLeader } from "../storage/leases.ts";
import type { Sql } from "../storage/sql.ts";

/** What is to be redacted. Times are ms since 1970, and within the bounds. */
interface UserRedactionWish {
  /** None: those that the user is in, or is banned from. */
  readonly rooms: readonly RoomId[];
  readonly reason: string | undefined;
  /** The newest so many events of each room. */
  readonly limit: number;
  /** In the administrator's name, also where the user could do it. */
  readonly asAdministrator: boolean;
  readonly after: number | undefined;
  readonly before: number | undefined;
}

/** How far it is. */
interface UserRedaction {
  readonly status: storage.UserRedactionRow["status"];
  /** Why it failed. */
  readonly reason: string | undefined;
  /** Events that could not be redacted, and why. */
  readonly failed: readonly { readonly eventId: string; readonly error: string }[];
}

export interface UserRedactions {
  /** Begins to redact what a user, of any server, has sent until now. Answers the job's id. */
  begin(by: UserId, userId: UserId, wish: UserRedactionWish): Promise<string>;
  /** Undefined: there is no such job, or it ended long ago. */
  one(redactionId: string): Promise<UserRedaction | undefined>;
}

export interface UserRedactionsDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly leases: Leases | undefined;
  readonly rooms: {
    readonly send: Pick<Rooms["send"], "redact">;
    readonly administration: {
      readonly actions: Pick<Rooms["administration"]["actions"], "redact">;
    };
  };
}

const LEASE = "user-redactions";
/** How often the replica that does them looks for those that were requested on others. */
const POLL_MS = 3_000;
const MAX_ATTEMPTS = 5;
const PAUSE_MS = 1_000;
/** How long one can ask about those that have ended. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;

export function createUserRedactions(
  deps: UserRedactionsDeps,
): UserRedactions & { stop(): Promise<void> } {
  const { sql, clock, random, logger, leases, rooms } = deps;
  const stopping = new AbortController();
  let wake = new AbortController();
  const attempts = new Map<string, number>();
  const running = whileLeader(leases, LEASE, stopping.signal, async (signal) => {
    while (!signal.aborted) await work(signal);
  });

  async function work(signal: AbortSignal): Promise<void> {
    wake = new AbortController();
    const row = await next().catch((err: unknown) => {
      logger.warn({ err }, "redactions of users can't be looked for; trying again");
      return undefined;
    });
    if (row !== undefined) return attempt(row, signal);
    const pause = leases === undefined ? 60 * POLL_MS : POLL_MS;
    await clock.sleep(pause, AbortSignal.any([signal, wake.signal]));
  }

  async function next(): Promise<storage.UserRedactionRow | undefined> {
    await storage.forgetUserRedactions(sql, clock.now() - REMEMBERED_MS);
    return storage.nextUserRedaction(sql);
  }

  async function attempt(row: storage.UserRedactionRow, signal: AbortSignal): Promise<void> {
    const { redactionId } = row;
    const end = (status: "complete" | "failed", reason: string | null) =>
      storage.endUserRedaction(sql, redactionId, { status, reason, now: clock.now() });
    try {
      if (!(await perform(row, signal))) return;
      await end("complete", null);
      attempts.delete(redactionId);
    } catch (err) {
      if (signal.aborted) return;
      const tried = (attempts.get(redactionId) ?? 0) + 1;
      attempts.set(redactionId, tried);
      logger.error({ err, redaction: redactionId, tried }, "a redaction of a user failed");
      if (tried < MAX_ATTEMPTS) return clock.sleep(PAUSE_MS * tried, signal);
      attempts.delete(redactionId);
      await end("failed", "The server's log tells what went wrong").catch(() => {});
    }
  }

  /** False when it was cut short: it goes on another time. */
  async function perform(row: storage.UserRedactionRow, signal: AbortSignal): Promise<boolean> {
    const wish = JSON.parse(row.request) as UserRedactionWish;
    for (let done = row.roomsDone; done < wish.rooms.length; done += 1) {
      await storage.noteRoomsDone(sql, row.redactionId, done);
      if (!(await redactIn(wish.rooms[done]!, row, wish, signal))) return false;
    }
    return !signal.aborted;
  }

  async function redactIn(
    roomId: RoomId,
    row: storage.UserRedactionRow,
    wish: UserRedactionWish,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { redactionId, userId, upTo } = row;
    const { after, before, limit } = wish;
    const tried = await storage.failedRedactions(sql, redactionId);
    const query = { roomId, userId, upTo, after, before, limit };
    const without = tried.map(({ eventId }) => eventId);
    for (const eventId of await storage.sentEvents(sql, query, without)) {
      if (signal.aborted) return false;
      try {
        await redact(roomId, eventId as EventId, row, wish);
      } catch (error) {
        if (!(error instanceof MatrixError) || error.status >= 500) throw error;
        await storage.noteFailedRedaction(sql, redactionId, eventId, error.message);
      }
    }
    return !signal.aborted;
  }

  async function redact(
    roomId: RoomId,
    eventId: EventId,
    { requestedBy, redactionId }: storage.UserRedactionRow,
    { reason, asAdministrator }: UserRedactionWish,
  ): Promise<void> {
    if (!asAdministrator) {
      await rooms.administration.actions.redact({ roomId, eventId, reason });
      return;
    }
    const by = { userId: requestedBy as UserId };
    await rooms.send.redact({ by, roomId, eventId, reason, txnId: redactionId });
  }

  return {
    async begin(by, userId, wish) {
      const redactionId = random.alphanumeric(16);
      const named = wish.rooms.length > 0 ? wish.rooms : await storage.roomsOfSender(sql, userId);
      const request = JSON.stringify({ ...wish, rooms: [...new Set(named)] });
      const row = { redactionId, userId, requestedBy: by, request };
      await storage.insertUserRedaction(sql, row, clock.now());
      wake.abort();
      return redactionId;
    },
    async one(redactionId) {
      const row = await storage.findUserRedaction(sql, redactionId);
      if (row === undefined) return undefined;
      const failed = await storage.failedRedactions(sql, redactionId);
      return { status: row.status, reason: row.reason ?? undefined, failed };
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
