import type { QueryParams } from "@weft/spec/types";
import { route, type Route } from "../http/route.ts";
import type { Media, MediaPlace } from "../media/types.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomId, parseServerName } from "../protocol/identifiers.ts";
import type { ListedMedia, MediaPage } from "../storage/media/listing.ts";
import type { Users } from "../users/users.ts";
import { usersInPaths } from "./known-user.ts";
import { nextOf, pageOf } from "./pages.ts";

/** Where a moment in seconds would be: Matrix is younger. */
const EARLIEST_MS = Date.UTC(2014, 0);

/** Keeping files from everybody, and deleting them, by the paths that tools for Synapse use. */
export function mediaRoutes({ media, users }: { media: Media; users: Users }): Route[] {
  const { administration } = media;
  const { local, known } = usersInPaths(users.accounts);

  return [
    // POST /_synapse/admin/v1/media/quarantine/{serverName}/{mediaId}
    route("quarantineMedia", async ({ requester, params }) => {
      await administration.quarantine(requester.userId, placeOf(params));
    }),

    // POST /_synapse/admin/v1/media/unquarantine/{serverName}/{mediaId}
    route("unquarantineMedia", async ({ requester, params }) => {
      await administration.endQuarantine(requester.userId, placeOf(params));
    }),

    // POST /_synapse/admin/v1/room/{roomId}/media/quarantine
    route("quarantineRoomMedia", async ({ requester, params }) => {
      const roomId = parseRoomId(params.roomId);
      return { num_quarantined: await administration.quarantineRoom(requester.userId, roomId) };
    }),

    // POST /_synapse/admin/v1/user/{userId}/media/quarantine
    route("quarantineUserMedia", async ({ requester, params }) => {
      const userId = local(params.userId);
      return { num_quarantined: await administration.quarantineUser(requester.userId, userId) };
    }),

    // POST /_synapse/admin/v1/media/protect/{mediaId}
    route("protectMedia", async ({ requester, params }) => {
      await administration.protect(requester.userId, params.mediaId, true);
    }),

    // POST /_synapse/admin/v1/media/unprotect/{mediaId}
    route("unprotectMedia", async ({ requester, params }) => {
      await administration.protect(requester.userId, params.mediaId, false);
    }),

    // GET /_synapse/admin/v1/media/{serverName}/{mediaId}
    route("getMediaInfo", async ({ params }) => {
      return { media_info: infoOf(await administration.find(placeOf(params))) };
    }),

    // DELETE /_synapse/admin/v1/media/{serverName}/{mediaId}
    route("deleteMedia", async ({ requester, params }) => {
      await administration.delete(requester.userId, placeOf(params));
      return deleted([params.mediaId]);
    }),

    // POST /_synapse/admin/v1/media/delete
    route("deleteOldMedia", async ({ requester, query }) => {
      const which = {
        before: momentOf(query.before_ts),
        largerThan: query.size_gt ?? 0,
        keepPictures: query.keep_profiles ?? true,
      };
      return deleted(await administration.deleteOld(requester.userId, which));
    }),

    // POST /_weft/admin/media/deletions
    route("beginMediaDeletion", async ({ requester, body }) => {
      const id = await administration.deletions.begin(requester.userId, {
        before: momentOf(body.before_ts),
        largerThan: body.size_gt ?? 0,
        keepPictures: body.keep_profiles ?? true,
      });
      return { delete_id: id };
    }),

    // GET /_synapse/admin/v1/media/quarantine_changes
    route("getQuarantineChanges", async ({ query }) => {
      const { newest, changes } = await administration.changes(query.from ?? 0);
      return {
        next_batch: newest,
        changes: changes.map(({ server, mediaId, quarantined }) => ({
          origin: server,
          media_id: mediaId,
          quarantined,
        })),
      };
    }),

    // POST /_synapse/admin/v1/purge_media_cache
    route("purgeMediaCache", async ({ requester, query }) => {
      const before = momentOf(query.before_ts);
      return { deleted: await administration.deleteCopies(requester.userId, before) };
    }),

    // GET /_synapse/admin/v1/room/{roomId}/media
    route("getRoomMedia", ({ params }) => administration.ofRoom(parseRoomId(params.roomId))),

    // GET /_synapse/admin/v1/users/{userId}/media
    route("getUserMedia", async ({ params, query }) => {
      const page = mediaPageOf(query);
      const { media: some, total } = await administration.list(await known(params.userId), page);
      const next = nextOf(page, some.length, total);
      return { media: some.map(listed), total, next_token: next };
    }),

    // DELETE /_synapse/admin/v1/users/{userId}/media
    route("deleteUserMedia", async ({ requester, params, query }) => {
      const userId = await known(params.userId);
      return deleted(await administration.deletePage(requester.userId, userId, mediaPageOf(query)));
    }),
  ];
}

/** @throws MatrixError M_INVALID_PARAM 400 */
function placeOf(params: { serverName: string; mediaId: string }): MediaPlace {
  return { server: parseServerName(params.serverName), mediaId: params.mediaId };
}

/** @throws MatrixError M_INVALID_PARAM 400 for what is no moment of ours, such as one in seconds */
function momentOf(ts: number): number {
  if (ts >= EARLIEST_MS) return ts;
  throw errors.invalidParam("before_ts is in milliseconds, and not before 2014");
}

/** The newest come first, unless an order is named: that goes forwards. */
function mediaPageOf(query: QueryParams<"getUserMedia">): MediaPage {
  const { order_by: orderBy, dir } = query;
  const backwards = dir === "b" || (dir === undefined && orderBy === undefined);
  return { ...pageOf(query), orderBy: orderBy ?? "created_ts", backwards };
}

const deleted = (ids: readonly string[]) => ({ deleted_media: [...ids], total: ids.length });

function listed(media: ListedMedia) {
  return {
    media_id: media.mediaId,
    media_type: media.contentType,
    media_length: media.size,
    created_ts: media.createdTs,
    last_access_ts: media.accessedTs,
    upload_name: media.fileName,
    quarantined_by: media.quarantinedBy,
    safe_from_quarantine: media.isProtected,
  };
}

function infoOf(media: ListedMedia) {
  return {
    media_origin: parseServerName(media.server),
    media_id: media.mediaId,
    media_type: media.contentType,
    media_length: media.size,
    created_timestamp: media.createdTs,
    last_access_timestamp: media.accessedTs,
    user_id: media.userId,
    upload_name: media.fileName,
    quarantined_by: media.quarantinedBy,
    safe_from_quarantine: media.isProtected,
    sha256: media.sha256?.toString("hex") ?? null,
  };
}
