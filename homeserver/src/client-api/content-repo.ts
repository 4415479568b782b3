import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { Media } from "../media/types.ts";

/**
 * Uploads, and the downloads of before version 1.11, which give files to everybody: they are frozen, as the
 * specification asks since version 1.12. All files here are newer, so that those operations find none.
 */
export function contentRepoRoutes(deps: { media: Media }): Route[] {
  const { media } = deps;
  const frozen = (): never => {
    throw errors.notFound("Files are given to signed-in users only, by /_matrix/client/v1/media");
  };
  return [
    // POST /_matrix/media/v3/upload
    route("uploadContent", async ({ requester, query, body, request }) => {
      const length = Number(request.headers["content-length"] ?? 0);
      const said = {
        contentType: request.headers["content-type"],
        fileName: query.filename,
        length: Number.isSafeInteger(length) ? length : 0,
      };
      return { content_uri: await media.upload(requester.userId, said, body) };
    }),

    // GET /_matrix/media/v3/config
    route("getConfig", () => ({ "m.upload.size": media.maxUploadBytes })),

    // GET /_matrix/media/v3/download/{serverName}/{mediaId}
    route("getContent", frozen),

    // GET /_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}
    route("getContentOverrideName", frozen),

    // GET /_matrix/media/v3/thumbnail/{serverName}/{mediaId}
    route("getContentThumbnail", frozen),
  ];
}
