import type { FastifyRequest } from "fastify";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseServerName } from "../protocol/identifiers.ts";
import { cleanFileName } from "../media/labels.ts";
import type { Media, MediaRequest, UploadLabels } from "../media/types.ts";
import {
  mediaRequest,
  type PreviewDeps,
  previewReply,
  thumbnailRequest,
} from "./authed-content-repo.ts";
import type { ClientSettings } from "./client-settings.ts";
import { fileReply } from "./media-reply.ts";

export interface ContentRepoDeps extends PreviewDeps {
  readonly media: Media;
  readonly settings: Pick<ClientSettings, "legacyMedia" | "urlPreviews">;
}

/**
 * Uploads, and the unauthenticated downloads from before version 1.11. As the specification asks
 * since version 1.12, these are frozen unless the configuration says otherwise: every file here is
 * newer, so they find none.
 */
export function contentRepoRoutes(deps: ContentRepoDeps): Route[] {
  const { media } = deps;

  /** @throws MatrixError M_NOT_FOUND 404 where files need a token */
  function placeOf(params: FileParams, query: FileQuery): MediaRequest {
    if (!deps.settings.legacyMedia) {
      throw errors.notFound("Files are given to signed-in users only, by /_matrix/client/v1/media");
    }
    const allowRemote = query.allow_remote !== false;
    return { ...mediaRequest(params, query.timeout_ms), allowRemote };
  }

  return [
    // GET /_matrix/media/v3/preview_url
    route("getUrlPreview", ({ query }) => previewReply(deps, query.url)),

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
    route("getContent", async ({ params, query, request }) =>
      fileReply(request, await media.download(placeOf(params, query))),
    ),

    // GET /_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}
    route("getContentOverrideName", async ({ params, query, request }) => {
      const file = await media.download(placeOf(params, query));
      return fileReply(request, file, cleanFileName(params.fileName));
    }),

    // GET /_matrix/media/v3/thumbnail/{serverName}/{mediaId}
    route("getContentThumbnail", async ({ params, query, request }) => {
      const place = placeOf(params, query);
      return fileReply(request, await media.thumbnail(place, thumbnailRequest(query)));
    }),
  ];
}

type FileParams = { serverName: string; mediaId: string };
type FileQuery = { allow_remote?: boolean; timeout_ms?: number };

/** The file's labels in the request's headers. */
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
