import type { FastifyRequest } from "fastify";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseServerName } from "../protocol/identifiers.ts";
import type { Media, UploadLabels } from "../media/types.ts";

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
    route("uploadContent", async ({ requester, query, body, request, contentType }) => ({
      content_uri: await media.upload(
        requester.userId,
        labels(request, contentType, query.filename),
        body,
      ),
    })),

    // POST /_matrix/media/v1/create
    route("createContent", async ({ requester }) => {
      const { uri, untilTs } = await media.reserve(requester.userId);
      return { content_uri: uri, unused_expires_at: untilTs };
    }),

    // PUT /_matrix/media/v3/upload/{serverName}/{mediaId}
    route(
      "uploadContentToMXC",
      async ({ requester, params, query, body, request, contentType }) => {
        const place = { server: parseServerName(params.serverName), mediaId: params.mediaId };
        const said = labels(request, contentType, query.filename);
        await media.uploadTo(requester.userId, place, said, body);
      },
    ),

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

/** What the request's head says of the file. */
function labels(
  request: FastifyRequest,
  contentType: string | undefined,
  fileName: unknown,
): UploadLabels {
  const length = Number(request.headers["content-length"] ?? 0);
  return {
    contentType,
    fileName: typeof fileName === "string" ? fileName : undefined,
    length: Number.isSafeInteger(length) ? length : 0,
  };
}
