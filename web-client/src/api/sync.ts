import type { Schema } from "@weft/spec/types";
import type { Http } from "./http.ts";
import type { Socket } from "./socket.ts";
import { SocketLost } from "./socket-line.ts";
import type { SyncResponse } from "./types.ts";

export type PresenceState = Schema<"Presence">;

/** What the client wants of /sync: little state, the last messages. */
const FILTER = JSON.stringify({
  room: {
    state: { lazy_load_members: true },
    timeline: { limit: 20, lazy_load_members: true, unread_thread_notifications: true },
    include_leave: false,
  },
});

interface SyncOptions {
  since?: string | undefined;
  timeout: number;
  presence: PresenceState;
}

/** Calls `then` when the socket opens. Answers the function that ends it. */
function whenOpen(socket: Socket, then: () => void): () => void {
  return socket.$state.listen((state) => {
    if (state === "open") then();
  });
}

/** `http` is asked without the socket. */
export function createSyncApi(http: Http, socket?: Socket) {
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
      return await sync(options, signal);
    } finally {
      stop();
    }
  }

  /** What is new: pushed over the socket where it is open, by a long poll otherwise. Everything at once is HTTP's, which compresses. */
  async function sync(options: SyncOptions, signal: AbortSignal): Promise<SyncResponse> {
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

  return {
    sync,
    /** Says at once what the next `sync` would say, where that may be far off. */
    setPresence: (presence: PresenceState): void => socket?.setPresence(presence),
  };
}

export type SyncApi = ReturnType<typeof createSyncApi>;
