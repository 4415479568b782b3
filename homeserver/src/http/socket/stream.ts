import type { Schema } from "@weft/spec/types";
import type { Answered, Cancel } from "./exchange.ts";

type Start = Schema<"SocketSync">;

export interface StreamDeps {
  /** Asks in the client's name; whatever token the socket has by then. */
  readonly ask: (path: string, done: (answer: Answered, isStale: boolean) => void) => Cancel;
  readonly onBatch: (text: string) => void;
  /** It cannot go on; nothing more comes. */
  readonly onEnd: (answer: Answered) => void;
}

/** The sync stream of a socket. */
export interface Stream {
  readonly id: number;
  /** The client has the last batch. False: there is none that it has not acknowledged. */
  acknowledge(nextBatch: string): boolean;
  setPresence(presence: Schema<"Presence">): void;
  end(): void;
}

/** As long as clients wait over HTTP, so that presence and the rest last as long. */
const WAIT_MS = 30_000;
const SYNC = "/_matrix/client/v3/sync";
/** Nothing new is said in less. */
const MAX_NOTHING = 1_024;

/**
 * Asks `/sync` again and again, and hands over whatever it answers but for "nothing new". It asks
 * for the next only when the last batch was acknowledged, by that position: so to-device messages
 * are deleted by the same rule as over HTTP. The first batch comes at once.
 */
export function createStream(start: Start, deps: StreamDeps): Stream {
  let { since, set_presence: presence } = start;
  let isAwaited = false;
  let hasEnded = false;
  let cancel: Cancel | undefined;
  /** What the last batch said that had nothing new; undefined: it had. */
  let told: string | undefined;

  function next(timeout: number): void {
    cancel = deps.ask(pathOf(start, since, presence, timeout), (answer, isStale) => {
      cancel = undefined;
      if (hasEnded) return;
      // The token was renewed while this was under way, and the former one has ended.
      if (answer.status === 401 && isStale) return next(timeout);
      if (answer.status !== 200) {
        hasEnded = true;
        return deps.onEnd(answer);
      }
      take(answer.text, timeout);
    });
  }

  function take(text: string, timeout: number): void {
    const nothing = nothingIn(text);
    if (timeout > 0 && nothing !== undefined && nothing.said === told) {
      since = nothing.nextBatch;
      return next(WAIT_MS);
    }
    told = nothing?.said;
    isAwaited = true;
    deps.onBatch(text);
  }

  next(0);
  return {
    id: start.id,
    acknowledge(nextBatch) {
      if (!isAwaited || hasEnded) return false;
      isAwaited = false;
      since = nextBatch;
      next(WAIT_MS);
      return true;
    },
    setPresence(said) {
      presence = said;
    },
    end() {
      hasEnded = true;
      cancel?.();
    },
  };
}

function pathOf(
  { filter, use_state_after: stateAfter }: Start,
  since: string | undefined,
  presence: string | undefined,
  timeout: number,
): string {
  const query = new URLSearchParams({ timeout: String(timeout) });
  if (since !== undefined) query.set("since", since);
  if (filter !== undefined) query.set("filter", filter);
  if (presence !== undefined) query.set("set_presence", presence);
  if (stateAfter !== undefined) query.set("use_state_after", String(stateAfter));
  return `${SYNC}?${query.toString()}`;
}

/** What every answer says, new or not. */
const ALWAYS = new Set(["device_one_time_keys_count", "device_unused_fallback_key_types"]);

/** An answer with nothing new: what it says of the device's keys, and its position. */
function nothingIn(text: string): { said: string; nextBatch: string } | undefined {
  if (text.length > MAX_NOTHING) return undefined;
  const { next_batch: nextBatch, ...said } = JSON.parse(text) as { next_batch: string };
  if (!Object.keys(said).every((key) => ALWAYS.has(key))) return undefined;
  return { said: JSON.stringify(said), nextBatch };
}
