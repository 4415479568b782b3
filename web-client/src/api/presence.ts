import type { Http } from "./http.ts";
import type { PresenceState } from "./sync.ts";
import type { Content } from "./types.ts";

const STATUS = "/_matrix/client/v3/presence/{userId}/status";

/** What one shows of oneself. */
export function createPresenceApi(http: Http, userId: string) {
  return {
    /** The words that the server has of oneself. */
    status: async (): Promise<string> =>
      (await http.call<"getPresence">("GET", STATUS, { path: { userId } })).status_msg ?? "",
    set: (presence: PresenceState, status: string) =>
      http.call<"setPresence">("PUT", STATUS, {
        path: { userId },
        body: { presence, status_msg: status === "" ? null : status },
      }),
    /** Keeps it for all devices, under the name of an account data. */
    keep: (type: string, content: Content) =>
      http.call<"setAccountData">("PUT", "/_matrix/client/v3/user/{userId}/account_data/{type}", {
        path: { userId, type },
        body: content,
      }),
  };
}
