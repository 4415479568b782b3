/** Tells one application service what happens: each thing once, in the order of the log. */
import type { Clock } from "../platform/clock.ts";
import { createKeyedQueue } from "../platform/keyed-queue.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { UserId } from "../protocol/identifiers.ts";
import {
  beginDelivery,
  type DeliveryRow,
  endDelivery,
  loadDelivery,
  postponeDelivery,
} from "../storage/appservices.ts";
import type { Sql } from "../storage/sql.ts";
import { callTo, isSuccess, type ServiceCalls, ServiceUnreachable } from "./calls.ts";
import type { DeviceOfUser, Piece, Pieces, ToldRecord } from "./pieces.ts";
import type { Registration } from "./registration.ts";
import { type BuildDeps, buildTransaction } from "./transaction.ts";

export interface DeliveryDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly service: Registration;
  readonly calls: Pick<ServiceCalls, "ask">;
  readonly pieces: Pieces;
  readonly counts: BuildDeps["counts"];
  /** The service's devices have what was sent to them up to a log position. */
  readonly acknowledged: (device: DeviceOfUser, upTo: number) => void;
  /** Resolves after `ms`, when the signal aborts, or when the service gives a sign of life. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Delivery {
  /** Reads how far the service is. */
  begin(): Promise<void>;
  /** Resolves when everything about these records is delivered. @throws when the signal aborts */
  take(records: readonly ToldRecord[], signal: AbortSignal): Promise<void>;
  /** One attempt; never rejects. Nothing happens while the service is away. */
  tryVolatile(pieces: readonly Piece[], signal: AbortSignal): Promise<void>;
}

const TIMEOUT_MS = 60_000;
/** Whoever types has stopped by then. */
const VOLATILE_MS = 10_000;
const VOLATILE_PAUSE_MS = 30_000;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

export function createDelivery(deps: DeliveryDeps): Delivery {
  const { sql, clock, logger, service, calls, pieces } = deps;
  const { id } = service;
  /** Transactions go one after another. */
  const lane = createKeyedQueue<"">();
  let state: DeliveryRow | undefined;
  let volatileNumber = 0;
  let volatileAfter = 0;

  async function put(
    txnId: string,
    body: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const to = callTo("appserviceSendTransaction", { txnId });
    try {
      const answer = await calls.ask({ to, body, timeoutMs, signal });
      return isSuccess(answer) ? undefined : `it answered ${answer.status}`;
    } catch (error) {
      if (error instanceof ServiceUnreachable) return error.message;
      throw error;
    }
  }

  /** Tries the open transaction until it is taken, with growing pauses that outlive restarts. */
  async function settle(signal: AbortSignal): Promise<void> {
    while (state?.unanswered != null) {
      const { txnNumber, txnPrefix, unanswered, retryTs } = state;
      const wait = Math.min(retryTs - clock.now(), MAX_PAUSE_MS);
      if (wait > 0) await deps.pause(wait, signal);
      signal.throwIfAborted();
      const problem = await put(`${txnPrefix}-${txnNumber}`, unanswered, TIMEOUT_MS, signal);
      // What was aborted may have been taken: it is tried again by whoever comes after this.
      signal.throwIfAborted();
      if (problem === undefined) await taken(state);
      else await postponed(state, problem);
    }
  }

  async function taken(row: DeliveryRow): Promise<void> {
    if (row.failures > 0) logger.info({ service: id }, "an application service is back");
    await endDelivery(sql, id, row.txnNumber);
    state = { ...row, unanswered: null, acknowledges: null, failures: 0, retryTs: 0 };
    if (row.acknowledges === null) return;
    const messages = JSON.parse(row.acknowledges) as [UserId, string, number][];
    for (const [userId, deviceId, upTo] of messages) {
      deps.acknowledged({ userId, deviceId }, upTo);
    }
  }

  async function postponed(row: DeliveryRow, problem: string): Promise<void> {
    if (row.failures === 0) {
      logger.warn({ service: id, problem }, "an application service does not take its events");
    }
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(row.failures, 10), MAX_PAUSE_MS);
    const next = { failures: row.failures + 1, retryTs: clock.now() + pause };
    await postponeDelivery(sql, id, { ...next, problem });
    state = { ...row, ...next };
  }

  /** Sends these pieces; the log up to `upTo` is done with the last of them. */
  async function deliver(all: readonly Piece[], upTo: number, signal: AbortSignal): Promise<void> {
    let left = all;
    while (left.length > 0) {
      const { body, count, devices } = await buildTransaction(left, {
        ...service,
        counts: deps.counts,
      });
      const last = left[count - 1]!.position;
      left = left.slice(count);
      await open(body, left.length === 0 ? upTo : last, devices);
      await settle(signal);
    }
  }

  async function open(
    unanswered: string,
    upTo: number,
    devices: readonly (DeviceOfUser & { readonly position: number })[],
  ): Promise<void> {
    const own = devices.filter(({ userId }) => isServiceAlone(userId));
    const list = own.map(({ userId, deviceId, position }) => [userId, deviceId, position]);
    const acknowledges = list.length === 0 ? null : JSON.stringify(list);
    const txnNumber = state!.txnNumber + 1;
    const next = { txnNumber, upTo, unanswered, acknowledges };
    if (!(await beginDelivery(sql, id, next))) {
      throw new Error("another process tells the application service, too");
    }
    state = { ...state!, ...next, failures: 0, retryTs: 0 };
  }

  /** Nobody else reads the messages of such a user's devices. */
  function isServiceAlone(userId: UserId): boolean {
    return userId === service.sender || service.users.hasExclusively(userId);
  }

  async function load(): Promise<void> {
    state = await loadDelivery(sql, id, deps.random.alphanumeric(8));
  }

  return {
    begin: load,

    take: (records, signal) =>
      lane.run("", async () => {
        const end = records.at(-1)!.position;
        try {
          if (state === undefined) await load();
          await settle(signal);
          const rest = records.filter(({ position }) => position > state!.upTo);
          await deliver(await pieces.of(rest), end, signal);
        } catch (error) {
          // Whether the last statement was committed is not known.
          state = undefined;
          throw error;
        }
      }),

    async tryVolatile(told, signal) {
      const isAway = () =>
        state === undefined || state.failures > 0 || clock.monotonic() < volatileAfter;
      if (isAway()) return;
      await lane.run("", async () => {
        if (state === undefined || isAway() || signal.aborted) return;
        const { body } = await buildTransaction(told, { ...service, counts: deps.counts });
        volatileNumber += 1;
        const txnId = `${state.txnPrefix}-${clock.now()}-${volatileNumber}`;
        const problem = await put(txnId, body, VOLATILE_MS, signal);
        if (problem === undefined) return;
        volatileAfter = clock.monotonic() + VOLATILE_PAUSE_MS;
        logger.debug({ service: id, problem }, "typing was not told");
      });
    },
  };
}
