import type { Schema } from "@weft/spec/types";
import type { Http } from "./http.ts";
import type { SyncResponse } from "./types.ts";

export type PresenceState = Schema<"Presence">;

/** What the client wants of /sync: little state, the last messages. */
const FILTER = JSON.stringify({
  room: {
    state: { lazy_load_members: true },
    timeline: { limit: 20, lazy_load_members: true },
    include_leave: false,
  },
});

export function createSyncApi(http: Http) {
  return {
    /** One long poll. Both names of `use_state_after` are sent; servers ignore the one they don't know. */
    sync: (
      options: { since?: string; timeout: number; presence: PresenceState },
      signal: AbortSignal,
    ): Promise<SyncResponse> =>
      http.call<"sync">("GET", "/_matrix/client/v3/sync", {
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
      }),
  };
}

export type SyncApi = ReturnType<typeof createSyncApi>;
