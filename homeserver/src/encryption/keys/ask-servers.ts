import type { Clock } from "../../platform/clock.ts";
import { createSemaphore } from "../../platform/semaphore.ts";
import { MatrixError, matrixError } from "../../protocol/errors.ts";
import type { ServerName } from "../../protocol/identifiers.ts";

/** Asks other servers what a client wants to know. */
export interface ServerPoll {
  /**
   * Asks servers within a time for all of them, many at once. One that takes long holds up no
   * others. Returns what went wrong, by server.
   * @throws what the work throws that is no MatrixError
   */
  ask(
    servers: Iterable<ServerName>,
    options: PollOptions,
    work: (server: ServerName) => Promise<void>,
  ): Promise<Map<ServerName, MatrixError>>;
}

interface PollOptions {
  /** What the client asks for. */
  readonly timeoutMs: number | undefined;
  /** Servers that share a room with this one. The others are just names. */
  readonly known: ReadonlySet<ServerName>;
}

const DEFAULT_MS = 10_000;
const [MIN_MS, MAX_MS] = [100, 20_000];
/** Servers that are asked at once for one request, as long as they answer within a moment. */
const AT_ONCE = 100;
const MOMENT_MS = 500;
/** Servers that are asked at once for all requests. Mere names keep nobody from known servers. */
const KNOWN_AT_ONCE = 2_000;
const STRANGERS_AT_ONCE = 250;

/** How long a client's request waits for other servers, ms. */
export function waitOf(timeoutMs: number | undefined): number {
  return Math.min(Math.max(timeoutMs ?? DEFAULT_MS, MIN_MS), MAX_MS);
}

export function createServerPoll(clock: Clock): ServerPoll {
  const places = {
    known: createSemaphore(KNOWN_AT_ONCE),
    strangers: createSemaphore(STRANGERS_AT_ONCE),
  };
  return {
    async ask(servers, { timeoutMs, known }, work) {
      const failures = new Map<ServerName, MatrixError>();
      const waiting = new Set(servers);
      if (waiting.size === 0) return failures;
      const unanswered = new Set<ServerName>();
      let broken: { error: unknown } | undefined;
      const over = new AbortController();

      async function askOne(server: ServerName): Promise<void> {
        unanswered.add(server);
        const leave = await places[known.has(server) ? "known" : "strangers"].acquire();
        try {
          if (!over.signal.aborted) await work(server);
        } catch (error) {
          if (error instanceof MatrixError) failures.set(server, error);
          else broken ??= { error };
        } finally {
          leave?.();
        }
        if (!over.signal.aborted) unanswered.delete(server);
      }

      /** Asks one after another; goes on when one takes longer than a moment. */
      async function askNext(): Promise<void> {
        const slow: Promise<void>[] = [];
        for (const server of waiting) {
          if (over.signal.aborted) break;
          waiting.delete(server);
          const moment = new AbortController();
          const asked = askOne(server).finally(() => moment.abort("answered"));
          await Promise.race([asked, clock.sleep(MOMENT_MS, moment.signal)]);
          slow.push(asked);
        }
        await Promise.all(slow);
      }

      const deadline = clock.sleep(waitOf(timeoutMs), over.signal);
      const lanes = Math.min(AT_ONCE, waiting.size);
      await Promise.race([Promise.all(Array.from({ length: lanes }, askNext)), deadline]);
      over.abort("over");
      if (broken !== undefined) throw broken.error;
      for (const server of [...waiting, ...unanswered]) failures.set(server, tooLate(server));
      return failures;
    },
  };
}

function tooLate(server: ServerName): MatrixError {
  return matrixError("M_CONNECTION_TIMEOUT", `${server} did not answer in time`);
}
