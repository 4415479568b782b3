import { binary } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { multipartOf } from "../media/multipart.ts";
import type { Media, MediaFile } from "../media/types.ts";
import type { Random } from "../platform/random.ts";
import type { ServerName } from "../protocol/identifiers.ts";

export interface ContentRepositoryDeps {
  readonly media: Media;
  readonly serverName: ServerName;
  readonly random: Random;
}

/** This server's files for other servers. (Server-server API, "Content Repository".) */
export function contentRepositoryRoutes(deps: ContentRepositoryDeps): Route[] {
  const { media, serverName: server, random } = deps;

  async function multipartReply(file: MediaFile) {
    const { contentType, length, body } = await multipartOf(file, random);
    return binary(body, { headers: { "content-type": contentType, "content-length": length } });
  }

  return [
    // GET /_matrix/federation/v1/media/download/{mediaId}
    route("federationGetContent", async ({ params, query }) =>
      multipartReply(
        await media.download({
          server,
          mediaId: params.mediaId,
          timeoutMs: query.timeout_ms,
          allowRemote: false,
        }),
      ),
    ),

    // GET /_matrix/federation/v1/media/thumbnail/{mediaId}
    route("federationGetContentThumbnail", async ({ params, query }) =>
      multipartReply(
        await media.thumbnail(
          { server, mediaId: params.mediaId, timeoutMs: query.timeout_ms, allowRemote: false },
          {
            width: query.width,
            height: query.height,
            method: query.method ?? "scale",
            animated: query.animated ?? false,
          },
        ),
      ),
    ),
  ];
}
