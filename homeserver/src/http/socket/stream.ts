import type { Schema } from "@weft/spec/types";
import type { Answered, Cancel } from "./exchange.ts";

type Start = Schema<"SocketSync">;

export interface StreamDeps {
  /**
   * Asks in the client's name. `isStale`: the token that it was asked with is not the socket's any
   * more.
   */
  ask(path: string, done: (answer: Answered, isStale: boolean) => void): Cancel;
  onBatch(id: number, text: string): void;
  /** It cannot go on; nothing more comes. */
  onEnd(id: number, answer: Answered): void;
}

/** As long as clients wait over HTTP, so that presence and the rest last as long. */
const WAIT_MS = 30_000;
const SYNC = "/_matrix/client/v3/sync";
/** Nothing new is said in less. */
const MAX_NOTHING = 1_024;

/**
 * The sync stream of a socket: asks `/sync` again and again, and hands over whatever it answers but
 * for "nothing new". It asks for the next only when the last batch was acknowledged, by that
 * position: so to-device messages are deleted by the same rule as over HTTP. The first batch comes
 * at once.
 */
export class Stream {
  readonly #start: Start;
  readonly #deps: StreamDeps;
  #since: string | undefined;
  #presence: Start["set_presence"];
  #isAwaited = false;
  #hasEnded = false;
  #cancel: Cancel | undefined;
  /** What the last batch said that had nothing new; undefined: it had. */
  #told: string | undefined;

  constructor(start: Start, deps: StreamDeps) {
    this.#start = start;
    this.#deps = deps;
    this.#since = start.since;
    this.#presence = start.set_presence;
  }

  get id(): number {
    return this.#start.id;
  }

  begin(): void {
    this.#next(0);
  }

  /** The client has the last batch. False: there is none that it has not acknowledged. */
  acknowledge(nextBatch: string): boolean {
    if (!this.#isAwaited || this.#hasEnded) return false;
    this.#isAwaited = false;
    this.#since = nextBatch;
    this.#next(WAIT_MS);
    return true;
  }

  setPresence(presence: Schema<"Presence">): void {
    this.#presence = presence;
  }

  end(): void {
    this.#hasEnded = true;
    this.#cancel?.();
  }

  #next(timeout: number): void {
    const path = pathOf(this.#start, this.#since, this.#presence, timeout);
    this.#cancel = this.#deps.ask(path, (answer, isStale) => {
      if (this.#hasEnded) return;
      // The token was renewed while this was under way, and the former one has ended.
      if (answer.status === 401 && isStale) return this.#next(timeout);
      if (answer.status === 200) return this.#take(answer.text, timeout);
      this.#hasEnded = true;
      this.#deps.onEnd(this.id, answer);
    });
  }

  #take(text: string, timeout: number): void {
    const nothing = nothingIn(text);
    if (timeout > 0 && nothing !== undefined && nothing.said === this.#told) {
      this.#since = nothing.nextBatch;
      return this.#next(WAIT_MS);
    }
    this.#told = nothing?.said;
    this.#isAwaited = true;
    this.#deps.onBatch(this.id, text);
  }
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
