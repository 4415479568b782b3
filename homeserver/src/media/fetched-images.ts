import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { errors } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { Copies } from "./copies.ts";
import type { FileStore } from "./store/files.ts";
import { FileTooLarge } from "./store/types.ts";
import type { Thumbnails } from "./thumbnails.ts";
import type { Media } from "./types.ts";

const MEDIA_ID_LENGTH = 24;
/** What it is counted as until it was looked at: nothing that is shown. */
const UNKNOWN_TYPE = "application/octet-stream";

/** Images that the server fetches by itself: nobody's uploads, kept while there is space, like copies. */
export function createFetchedImages(deps: {
  readonly clock: Clock;
  readonly random: Random;
  readonly serverName: ServerName;
  readonly files: FileStore;
  readonly copies: Pick<Copies, "keep" | "relabel" | "forget">;
  readonly thumbnails: Pick<Thumbnails, "shape">;
}): Pick<Media, "keepImage"> {
  const { serverName, copies, thumbnails } = deps;
  return {
    async keepImage(content, maxBytes) {
      const staged = await deps.files.stage(content, maxBytes).catch((error: unknown) => {
        throw error instanceof FileTooLarge ? errors.tooLarge("The image is too large") : error;
      });
      const { sha256, size } = staged;
      const mediaId = deps.random.alphanumeric(MEDIA_ID_LENGTH);
      const row = { sha256, size, contentType: UNKNOWN_TYPE, fileName: null, userId: null };
      const never = { uploadUntilTs: null, accessedTs: null, quarantinedBy: null };
      const kept = { ...row, ...never, createdTs: deps.clock.now() };
      await copies.keep(serverName, mediaId, staged, kept);
      try {
        // Its type is what it is, not what somebody says of it.
        const { width, height, inlineType: contentType } = await thumbnails.shape(sha256);
        if (contentType === null) throw errors.unknown("It is no image that is shown", 400);
        await copies.relabel(serverName, mediaId, { ...kept, contentType });
        return { uri: `mxc://${serverName}/${mediaId}`, mediaId, contentType, size, width, height };
      } catch (error) {
        await copies.forget({ server: serverName, mediaId, sha256 });
        throw error;
      }
    },
  };
}
