/** Sends notifications, for as long as this replica is the one that does. */
import type { RecordOf } from "../log/types.ts";
import { createKeyedQueue } from "../platform/keyed-queue.ts";
import { serverOf, type UserId } from "../protocol/identifiers.ts";
import { MAX_AGE_MS } from "./catch-up.ts";
import type { OnItsWay } from "./lanes.ts";
import { createParts } from "./parts.ts";
import type { Item, PushDeps } from "./types.ts";

/** The kinds of records that change what users are told. */
export const PUSHED = [
  ...(["event", "membership", "receipt", "account_data"] as const),
  ...(["pusher", "session", "thread_subscription"] as const),
] as const;
type PushedRecord = RecordOf<(typeof PUSHED)[number]>;

export interface PushSession {
  /** Takes up what was left. `position`: up to where the log has been taken. */
  begin(position: number): Promise<void>;
  /** Resolves when everything that comes of these records is told, or noted as not told. */
  take(records: readonly PushedRecord[]): Promise<void>;
  /** After a stop: resolves when no request is under way, and everything is noted. */
  ended(): Promise<void>;
}

/** Account data on which counts depend. */
const AFFECTS_COUNTS: ReadonlySet<string> = new Set([
  ...["m.push_rules", "m.ignored_user_list"],
  ...["m.invite_permission_config", "org.matrix.msc4155.invite_permission_config"],
]);
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;

/** What comes of a batch of records. */
interface Results {
  readonly items: Item[];
  /** Those whose count may have changed without a notification. */
  readonly recount: Set<UserId>;
  /** Those who have read something, or written. */
  readonly readers: Set<UserId>;
}

export function createSession(deps: PushDeps, signal: AbortSignal): PushSession {
  const { log, clock, logger, serverName } = deps;
  let evaluatedTo = 0;
  /** The log's position at the start. */
  const begunAt = log.position;
  const parts = createParts(deps, signal, () => evaluatedTo);
  const { states, notes, badges, lanes, email, catchUp, activate, audiences, evaluation } = parts;
  /** Records are evaluated in their order. */
  const turns = createKeyedQueue<"">();

  /** It was left by a stop of the server long ago. */
  function isOldNews({ position, event }: RecordOf<"event">): boolean {
    return position <= begunAt && event.originServerTs < clock.now() - MAX_AGE_MS;
  }

  async function evaluate(record: PushedRecord, results: Results): Promise<void> {
    switch (record.kind) {
      case "event": {
        const userId = record.event.sender;
        if (record.local && states.peek(userId)?.length !== 0) {
          badges.changed(userId, record.roomNid);
          results.recount.add(userId);
          results.readers.add(userId);
        }
        if (!isOldNews(record)) results.items.push(...(await evaluation.event(record)));
        else await audiences.take(record);
        await takeMemberships(record, record.memberships, results);
        return;
      }
      case "membership":
        await takeMemberships(record, [record], results);
        return;
      case "receipt":
        badges.changed(record.userId as UserId, record.roomNid);
        results.recount.add(record.userId as UserId);
        results.readers.add(record.userId as UserId);
        return;
      case "account_data":
        if (AFFECTS_COUNTS.has(record.type)) badges.forget(record.userId as UserId);
        return;
      case "thread_subscription":
        badges.changed(record.userId as UserId, record.roomNid);
        return;
      case "session":
        // Sessions end with their pushers: who had none has none.
        if (states.peek(record.userId as UserId)?.length === 0) return;
        await takePushers(record.userId as UserId);
        return;
      case "pusher":
        await takePushers(record.userId as UserId);
    }
  }

  async function takeMemberships(
    record: RecordOf<"event" | "membership">,
    changes: readonly { userId: string; roomNid: number }[],
    results: Results,
  ): Promise<void> {
    for (const { userId: id, roomNid } of changes) {
      const userId = id as UserId;
      badges.changed(userId, roomNid);
      badges.changed(userId, undefined);
      results.recount.add(userId);
    }
    results.items.push(...(await evaluation.invites(record)));
  }

  async function takePushers(userId: UserId): Promise<void> {
    const now = await states.changed(userId);
    if (now.length > 0) await audiences.gained(userId);
    for (const state of now) {
      activate(state);
      // Its client is there again: the gateway may be, too.
      if (state.isBehind) catchUp.plan(state);
    }
  }

  async function evaluateAll(records: readonly PushedRecord[]): Promise<Results> {
    const results: Results = { items: [], recount: new Set(), readers: new Set() };
    for (const record of records) await evaluate(record, results);
    return results;
  }

  /** Nothing after these records may be told before them, so they are tried until it is done. */
  async function evaluated(records: readonly PushedRecord[]): Promise<Results> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      signal.throwIfAborted();
      try {
        return await evaluateAll(records);
      } catch (err) {
        logger.error({ err }, "push rules were not evaluated; trying again");
        await clock.sleep(pause, signal);
      }
    }
  }

  async function dispatch(records: readonly PushedRecord[]): Promise<OnItsWay[]> {
    const { items, recount, readers } = await evaluated(records);
    for (const { userId, room } of items) badges.changed(userId, room.nid);
    const concerned = new Set([...items.map(({ userId }) => userId), ...recount]);
    const told = [...concerned].filter((userId) => serverOf(userId) === serverName);
    const pushers = await states.of(told);
    signal.throwIfAborted();
    const under: (OnItsWay | undefined)[] = [];
    for (const item of items) {
      for (const state of pushers.get(item.userId) ?? []) {
        const way = state.row.kind === "email" ? email : lanes;
        under.push(way.event(state, item));
      }
    }
    for (const userId of recount) {
      for (const state of pushers.get(userId) ?? []) under.push(lanes.badge(state));
    }
    for (const userId of readers) {
      for (const state of pushers.get(userId) ?? []) under.push(email.read(state));
    }
    evaluatedTo = records.at(-1)!.position;
    return under.filter((one) => one !== undefined);
  }

  return {
    async begin(position) {
      evaluatedTo = position;
      await catchUp.begin();
    },
    async take(records) {
      const under = await turns.run("", () => dispatch(records));
      await lanes.secured(under);
    },
    async ended() {
      await Promise.all([lanes.idle(), catchUp.idle()]);
      await notes.settled();
    },
  };
}
