import type { Http } from "../http.ts";

const MEDIA = "/_synapse/admin/v1/media";

interface FileAddress {
  serverName: string;
  mediaId: string;
}

/** Files of the server: keeping them from people, and deleting them. */
export function createMediaAdmin(http: Http) {
  return {
    info: (path: FileAddress, signal?: AbortSignal) =>
      http.call<"getMediaInfo">("GET", `${MEDIA}/{serverName}/{mediaId}`, { path, signal }),
    quarantine: (path: FileAddress) =>
      http.call<"quarantineMedia">("POST", `${MEDIA}/quarantine/{serverName}/{mediaId}`, { path }),
    unquarantine: (path: FileAddress) =>
      http.call<"unquarantineMedia">("POST", `${MEDIA}/unquarantine/{serverName}/{mediaId}`, {
        path,
      }),
    protect: (mediaId: string) =>
      http.call<"protectMedia">("POST", `${MEDIA}/protect/{mediaId}`, { path: { mediaId } }),
    unprotect: (mediaId: string) =>
      http.call<"unprotectMedia">("POST", `${MEDIA}/unprotect/{mediaId}`, { path: { mediaId } }),
    delete: (path: FileAddress) =>
      http.call<"deleteMedia">("DELETE", `${MEDIA}/{serverName}/{mediaId}`, { path }),
    /** Uploads that nobody asked for since then, and that are larger than so many bytes: in the background. */
    deleteOld: (before: number, larger: number, keepProfiles: boolean) =>
      http.call<"beginMediaDeletion">("POST", "/_weft/admin/media/deletions", {
        body: { before_ts: before, size_gt: larger, keep_profiles: keepProfiles },
      }),
    /** Copies of other servers' files that nobody asked for since then. */
    purgeCopies: (before: number) =>
      http.call<"purgeMediaCache">("POST", "/_synapse/admin/v1/purge_media_cache", {
        query: { before_ts: before },
      }),
  };
}
