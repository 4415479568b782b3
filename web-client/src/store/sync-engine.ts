import { atom, type ReadableAtom } from "nanostores";
import { ApiError, NetworkError } from "../api/errors.ts";
import type { PresenceState, SyncApi, Synced } from "../api/sync.ts";

/** `starting`: the first answer is awaited; `live`: all is well; `offline`: retrying. */
export type SyncStatus = "starting" | "live" | "offline";

export interface SyncDeps {
  api: SyncApi;
  /**
   * Takes in a response before the next one is asked for, and before its token counts. Answers false when the token may not
   * count yet: the server would delete what it holds for this device.
   */
  apply(synced: Synced): boolean | Promise<boolean>;
  /** The room that is looked at. */
  open?(): string | undefined;
  /** The position to go on from. */
  since: string | undefined;
  /** Called when the server no longer knows our token: all that is held is to be thrown away. */
  onReset(): void;
  /** Milliseconds to wait after the n-th failure in a row (n from 1). */
  backOff?: (failures: number) => number;
}

/** Milliseconds until the same is asked for once more when a token may not count; and for all there is, which is much. */
const HELD = 10_000;
const HELD_WHOLE = 120_000;

/** 1 s, 2 s, 4 s … 10 s, each up to a third longer so that clients don't return in step. */
export function defaultBackOff(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 10_000) * (1 + Math.random() / 3);
}

/** The server forgot or never knew the `since` token. */
function lostPosition(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    (error.errcode === "M_UNKNOWN_POS" ||
      // What the position is of, the server has no more.
      error.errcode === "M_UNRECOGNIZED" ||
      (error.status === 400 && error.errcode !== "M_UNKNOWN_TOKEN"))
  );
}

/** Follows `/sync` for as long as it is started, whatever happens to the server meanwhile. */
export function createSyncEngine(deps: SyncDeps) {
  const $status = atom<SyncStatus>("starting");
  const $presence = atom<PresenceState>("online");
  const backOff = deps.backOff ?? defaultBackOff;
  let since = deps.since;
  const $hasAll = atom(false);
  let running: AbortController | undefined;
  let wake: (() => void) | undefined;
  let cut: AbortController | undefined;
  $presence.listen((presence) => deps.api.setPresence(presence));

  function pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      wake = end;
      signal.addEventListener("abort", end, { once: true });
    });
  }

  async function round(failures: number, signal: AbortSignal, request: AbortSignal): Promise<void> {
    // The first answer, and the first after a failure, must come at once: it says that all is well again.
    const timeout = since === undefined || failures > 0 || $status.get() !== "live" ? 0 : 30_000;
    const options = { since, timeout, presence: $presence.get(), open: deps.open?.() };
    const synced = await deps.api.sync(options, request);
    if (signal.aborted) return;
    const counts = await deps.apply(synced);
    if (signal.aborted) return;
    since = counts ? synced.response.next_batch : (synced.unkept ?? since);
    $hasAll.set(synced.isPartial !== true);
    $status.set("live");
    if (!counts) await pause(since === undefined ? HELD_WHOLE : HELD, signal);
  }

  async function loop(signal: AbortSignal): Promise<void> {
    let failures = 0;
    /** How often it has begun anew since all rooms were there. */
    let losses = 0;
    while (!signal.aborted) {
      cut = new AbortController();
      try {
        await round(failures, signal, AbortSignal.any([signal, cut.signal]));
        failures = 0;
        if ($hasAll.get()) losses = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && error.status === 401) return;
        if (since !== undefined && lostPosition(error)) {
          since = undefined;
          $hasAll.set(false);
          deps.onReset();
          losses++;
          if (losses > 1) await pause(backOff(losses - 1), signal);
          continue;
        }
        failures++;
        $status.set("offline");
        const asked = error instanceof ApiError ? error.retryAfter : undefined;
        await pause(asked ?? backOff(failures), signal);
      }
    }
  }

  return {
    $status,
    $presence,
    /** Whether all rooms are there. They come in parts to who begins with nothing; others have read theirs when it starts. */
    $hasAll: $hasAll as ReadableAtom<boolean>,
    /** Resolves when they are. Rejects with a NetworkError after so many milliseconds in which they have not come. */
    async hasAll(within?: number): Promise<void> {
      if ($hasAll.get()) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const unlisten = $hasAll.listen((has) => has && resolve());
      const timer =
        within !== undefined && setTimeout(() => reject(new NetworkError("too slow")), within);
      await promise.finally(() => {
        unlisten();
        if (timer !== false) clearTimeout(timer);
      });
    },
    /** The position from which another visit can go on with what is held; undefined: there is none yet. */
    get since() {
      return $hasAll.get() ? since : undefined;
    },
    start(): void {
      if (running !== undefined) return;
      $hasAll.set(since !== undefined);
      running = new AbortController();
      void loop(running.signal);
    },
    stop(): void {
      running?.abort();
      running = undefined;
      deps.api.stop();
    },
    /** The network is gone: says so at once, and gives up the request that is under way. */
    lost(): void {
      if (running === undefined) return;
      $status.set("offline");
      cut?.abort();
    },
    /** Ends a wait for the next attempt: the network came back, or the person asks. */
    retryNow(): void {
      wake?.();
    },
  };
}

export type SyncEngine = ReturnType<typeof createSyncEngine>;
