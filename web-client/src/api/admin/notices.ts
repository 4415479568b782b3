import type { RequestBody, Schema } from "@weft/spec/types";
import type { Http } from "../http.ts";

export type NoticeSending = Schema<"NoticeSending">;

const NOTICES = "/_weft/admin/server_notices";

/** What the server says to many of its users. */
export function createNoticesAdmin(http: Http) {
  return {
    list: (signal?: AbortSignal) => http.call<"listNoticeSendings">("GET", NOTICES, { signal }),
    /** Begins to send one, once for each id. */
    begin: (noticeId: string, body: RequestBody<"beginNoticeSending">) =>
      http.call<"beginNoticeSending">("PUT", `${NOTICES}/{noticeId}`, { path: { noticeId }, body }),
    stop: (noticeId: string) =>
      http.call<"stopNoticeSending">("POST", `${NOTICES}/{noticeId}/stop`, { path: { noticeId } }),
    /** Goes on, and tries those again who could not be told. */
    resume: (noticeId: string) =>
      http.call<"resumeNoticeSending">("POST", `${NOTICES}/{noticeId}/resume`, {
        path: { noticeId },
      }),
  };
}
