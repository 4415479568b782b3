import type { Schema } from "@weft/spec/types";
import type { Http } from "./http.ts";
import { createSliding } from "./sliding.ts";
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
  /** The server has no sliding sync. */
  let isPlain = false;

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

  async function begin(options: SyncOptions, signal: AbortSignal): Promise<Synced> {
    const begun = isPlain ? undefined : await sliding.begin(options, signal);
    if (begun !== undefined) return begun;
    isPlain = true;
    const response = await follow(options, signal);
    const joined: JoinedRoomSync[] = Object.values(response.rooms?.join ?? {});
    for (const room of joined) room.initial = true;
    return { response, begins: true, all: roomsIn(response) };
  }

  return {
    async sync(options: SyncOptions, signal: AbortSignal): Promise<Synced> {
      const { since } = options;
      if (since === undefined) return begin(options, signal);
      const slid = await sliding.goOn(since, options, signal);
      return slid ?? { response: await follow(options, signal) };
    },
    /** Says at once what the next `sync` would say, where that may be far off. */
    setPresence: (presence: PresenceState): void => socket?.setPresence(presence),
  };
}

export type SyncApi = ReturnType<typeof createSyncApi>;
