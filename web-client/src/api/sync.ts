import type { Schema } from "@weft/spec/types";
import { ApiError, isAbort } from "./errors.ts";
import type { Http } from "./http.ts";
import { createSliding, isPart, isPlace } from "./sliding.ts";
import type { Socket } from "./socket.ts";
import { SocketLost } from "./socket-line.ts";
import type { JoinedRoomSync, SyncResponse } from "./types.ts";

export type PresenceState = Schema<"Presence">;

/** What the client wants of /sync: little state, the last messages. */
const FILTER = JSON.stringify({
  room: {
    state: { lazy_load_members: true },
    timeline: { limit: 20, lazy_load_members: true, unread_thread_notifications: true },
    include_leave: false,
  },
});

export interface SyncOptions {
  /** A position to go on from: the `next_batch` of an answer. */
  since?: string | undefined;
  timeout: number;
  presence: PresenceState;
  /** The room that is looked at: it is to come first. */
  open?: string | undefined;
}

/** An answer, and what it means for what is held of before. */
export interface Synced {
  /** As `/sync` gives it, whatever way it came. */
  response: SyncResponse;
  /** Other rooms come by the next answers, and what is for the device comes with the last of them. */
  isPartial?: boolean;
  /** It began anew: nothing that was told the device before counts any more. */
  begins?: boolean;
  /** Where to go on when what is for the device is not kept, without saying that it is. Undefined: where it was. */
  unkept?: string;
  /** The rooms that there are. It is there when they all have come, after it began anew; others are gone. */
  all?: ReadonlySet<string>;
}

/** Failures of sliding sync in a row after which `/sync` is tried: what stands before a server may not let it through. */
const MAX_FAILURES = 3;

/** An error that is of this way to ask, as far as one can tell: the others say who may ask, or how often. */
const isOfTheWay = (error: unknown): boolean =>
  !isAbort(error) && !(error instanceof ApiError && [401, 429].includes(error.status));

/** Nothing is there, by the word of whatever has answered. */
const isGone = (error: unknown): boolean =>
  error instanceof ApiError && [404, 405, 501].includes(error.status);

function roomsIn({ rooms }: SyncResponse): Set<string> {
  return new Set(
    [rooms?.join, rooms?.invite, rooms?.knock].flatMap((some) => Object.keys(some ?? {})),
  );
}

/** Calls `then` when the socket opens. Answers the function that ends it. */
function whenOpen(socket: Socket, then: () => void): () => void {
  return socket.$state.listen((state) => {
    if (state === "open") then();
  });
}

/**
 * What is new, for a device of `me`: sliding sync to begin with, which has the newest rooms at once. Then the socket, where the server
 * offers it; sliding sync otherwise; `/sync` where the server has neither. `http` is asked without the socket.
 */
export function createSyncApi(http: Http, me: string, socket?: Socket) {
  const sliding = createSliding(http, me);
  /** The server has no sliding sync, or it does not work. */
  let isPlain = false;
  /** How often it has failed since it brought all rooms, or news of them. */
  let failures = 0;

  /** One long poll. Both names of `use_state_after` are sent; servers ignore the one they don't know. */
  function poll(options: SyncOptions, signal: AbortSignal): Promise<SyncResponse> {
    return http.call<"sync">("GET", "/_matrix/client/v3/sync", {
      query: {
        since: options.since,
        timeout: options.timeout,
        set_presence: options.presence,
        filter: FILTER,
        use_state_after: true,
        "org.matrix.msc4222.use_state_after": true,
      },
      signal,
      timeout: options.timeout + 60_000,
    });
  }

  /** A long poll that is given up for the socket once that is open. */
  async function pollUntilOpen(options: SyncOptions, signal: AbortSignal): Promise<SyncResponse> {
    if (socket === undefined || options.since === undefined) return poll(options, signal);
    const opened = new AbortController();
    const stop = whenOpen(socket, () => opened.abort());
    try {
      return await poll(options, AbortSignal.any([signal, opened.signal]));
    } catch (error) {
      if (!opened.signal.aborted || signal.aborted) throw error;
      return await follow(options, signal);
    } finally {
      stop();
    }
  }

  /** What is new by positions of `/sync`: pushed over the socket where it is open, by a long poll otherwise. Everything at once is HTTP's, which compresses. */
  async function follow(options: SyncOptions, signal: AbortSignal): Promise<SyncResponse> {
    const { since, presence } = options;
    if (socket?.$state.get() !== "open" || since === undefined) {
      return pollUntilOpen(options, signal);
    }
    try {
      return await socket.sync({ since, presence, filter: FILTER }, signal);
    } catch (error) {
      if (!(error instanceof SocketLost)) throw error;
      return pollUntilOpen(options, signal);
    }
  }

  /** The first rooms by sliding sync; undefined where that is not to be had. */
  async function beginSliding(
    options: SyncOptions,
    signal: AbortSignal,
  ): Promise<Synced | undefined> {
    if (isPlain) return undefined;
    if (failures >= MAX_FAILURES) {
      // Should `/sync` fail as well, it was not the way.
      failures = 0;
      return undefined;
    }
    try {
      return await sliding.begin(options, signal);
    } catch (error) {
      if (isOfTheWay(error)) failures += 1;
      throw error;
    }
  }

  /** What comes after a position of sliding sync. Throws 400 M_UNKNOWN_POS where it is to begin anew. */
  async function goOnSliding(
    position: string,
    options: SyncOptions,
    signal: AbortSignal,
  ): Promise<Synced> {
    const isGrowing = isPart(position);
    const synced = await sliding.goOn(position, options, signal).catch((error: unknown) => {
      const isAnswer = error instanceof ApiError && isOfTheWay(error);
      if (!isGone(error) && !(isGrowing && isAnswer)) throw error;
      failures += 1;
      throw failures < MAX_FAILURES ? error : new ApiError(400, { errcode: "M_UNKNOWN_POS" });
    });
    if (synced === undefined) return begin(options, signal);
    if (synced.isPartial !== true) failures = 0;
    return synced;
  }

  async function begin(given: SyncOptions, signal: AbortSignal): Promise<Synced> {
    const options = { ...given, since: undefined, timeout: 0 };
    const begun = await beginSliding(options, signal);
    if (begun !== undefined) return begun;
    const response = await follow(options, signal);
    isPlain = true;
    const joined: JoinedRoomSync[] = Object.values(response.rooms?.join ?? {});
    for (const room of joined) room.initial = true;
    return { response, begins: true, all: roomsIn(response) };
  }

  return {
    async sync(options: SyncOptions, signal: AbortSignal): Promise<Synced> {
      const { since } = options;
      if (since === undefined) return begin(options, signal);
      if (isPlace(since)) return goOnSliding(since, options, signal);
      return { response: await follow(options, signal) };
    },
    /** Is not asked any more: another page may go on from where this one is. */
    stop: sliding.letGo,
    /** Says at once what the next `sync` would say, where that may be far off. */
    setPresence: (presence: PresenceState): void => socket?.setPresence(presence),
  };
}

export type SyncApi = ReturnType<typeof createSyncApi>;
