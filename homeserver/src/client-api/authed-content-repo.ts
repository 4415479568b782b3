import { raw, type Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseServerName } from "../protocol/identifiers.ts";
import { cleanFileName } from "../media/labels.ts";
import type { Media, MediaRequest, ThumbnailRequest } from "../media/types.ts";
import type { UrlPreviews } from "../previews/index.ts";
import type { ClientSettings } from "./client-settings.ts";
import { fileReply } from "./media-reply.ts";

export interface PreviewDeps {
  readonly previews: Pick<UrlPreviews, "of">;
  readonly settings: Pick<ClientSettings, "urlPreviews">;
}

export function authedContentRepoRoutes(deps: { media: Media } & PreviewDeps): Route[] {
  const { media } = deps;
  return [
    // GET /_matrix/client/v1/media/download/{serverName}/{mediaId}
    route("getContentAuthed", async ({ params, query, request }) =>
      fileReply(request, await media.download(mediaRequest(params, query.timeout_ms))),
    ),

    // GET /_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}
    route("getContentOverrideNameAuthed", async ({ params, query, request }) => {
      const file = await media.download(mediaRequest(params, query.timeout_ms));
      return fileReply(request, file, cleanFileName(params.fileName));
    }),

    // GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}
    route("getContentThumbnailAuthed", async ({ params, query, request }) => {
      const wanted = thumbnailRequest(query);
      const file = await media.thumbnail(mediaRequest(params, query.timeout_ms), wanted);
      return fileReply(request, file);
    }),

    // GET /_matrix/client/v1/media/config
    route("getConfigAuthed", () => ({ "m.upload.size": media.maxUploadBytes })),

    // GET /_matrix/client/v1/media/preview_url
    route("getUrlPreviewAuthed", ({ query }) => previewReply(deps, query.url)),
  ];
}

/** @throws MatrixError M_UNRECOGNIZED 404 where there are no previews, and as `UrlPreviews.of` */
export async function previewReply(
  { previews, settings }: PreviewDeps,
  url: string,
): Promise<Reply> {
  if (!settings.urlPreviews) throw errors.unrecognized("This server makes no previews");
  return raw(await previews.of(url));
}

/** @throws MatrixError M_INVALID_PARAM 400 */
export function mediaRequest(
  params: { serverName: string; mediaId: string },
  timeoutMs: number | undefined,
): MediaRequest {
  return { server: parseServerName(params.serverName), mediaId: params.mediaId, timeoutMs };
}

/** @throws MatrixError M_INVALID_PARAM 400 */
export function thumbnailRequest(query: {
  width: number;
  height: number;
  method?: "crop" | "scale";
  animated?: boolean;
}): ThumbnailRequest {
  const { width, height } = query;
  if (width < 1 || height < 1) throw errors.invalidParam("A thumbnail has at least one pixel");
  return { width, height, method: query.method ?? "scale", animated: query.animated === true };
}
