import { join } from "node:path";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import { isServerName, type ServerName } from "../protocol/identifiers.ts";
import type { RemoteMedia } from "../federation-client/remote-media.ts";
import * as storage from "../storage/media.ts";
import type { Sql } from "../storage/sql.ts";
import { createCopies } from "./copies.ts";
import { createFetchedImages } from "./fetched-images.ts";
import { createFileStore, type FileStore } from "./file-store.ts";
import { createThumbnails } from "./thumbnails.ts";
import type { Media, MediaFile, MediaRequest } from "./types.ts";
import { createUploads } from "./uploads.ts";

export interface MediaOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serverName: ServerName;
  /** The data folder: files go to its subfolder "media", which replicas share. */
  readonly dataDir: string;
  readonly remote: Pick<RemoteMedia, "download">;
  /** Limit on an upload, and on a file of another server, in bytes (100 MiB). */
  readonly maxUploadBytes?: number;
  /**
   * Limit on a user's uploads in total, in bytes, counting 1 KiB more for each file (0: no limit).
   */
  readonly quotaBytes?: number;
  /** Limit on all copies of other servers' files, and images of previews, in bytes (20 GiB). */
  readonly maxCopiesBytes?: number;
  /** Most pixels of an image that thumbnails are made of, all frames together (120 million). */
  readonly maxPixels?: number;
  /** Limit on the memory for images decoded at the same time, in bytes (320 MiB). */
  readonly maxImageMemory?: number;
}

const MIB = 1024 * 1024;
const MEDIA_ID = /^[A-Za-z0-9_-]{1,255}$/;
const TIMEOUT_MS = 20_000;
const MAX_TIMEOUT_MS = 60_000;
/** How often an upload that is awaited is looked for. */
const AWAIT_STEP_MS = 250;

type Located = storage.MediaRow & { sha256: Buffer; isLocal: boolean };

/** The content repository. (Client-server API, "Content repository".) */
export async function createMedia(options: MediaOptions): Promise<Media> {
  const { sql, clock, random, serverName } = options;
  const maxUploadBytes = options.maxUploadBytes ?? 100 * MIB;
  const files = await createFileStore(join(options.dataDir, "media"), { clock, random });
  const thumbnails = createThumbnails({ ...options, files });
  const copies = createCopies({
    ...options,
    files,
    maxBytes: maxUploadBytes,
    maxTotalBytes: options.maxCopiesBytes ?? 20_480 * MIB,
  });

  const uploads = createUploads({
    ...options,
    files,
    maxBytes: maxUploadBytes,
    get quotaBytes() {
      return options.quotaBytes ?? 0;
    },
  });

  const looks = createSingleFlight<string, storage.MediaRow | undefined>();

  /** The row of a local file, fetched or awaited if necessary. @throws MatrixError */
  async function locate(request: MediaRequest): Promise<Located> {
    const { server, mediaId } = request;
    if (!isServerName(server)) throw errors.invalidParam("Not a server name");
    if (!MEDIA_ID.test(mediaId)) throw errors.invalidParam("Not a media id");
    const timeoutMs = Math.min(request.timeoutMs ?? TIMEOUT_MS, MAX_TIMEOUT_MS);
    const isLocal = server === serverName;
    const known = isLocal
      ? await awaitUpload(mediaId, timeoutMs)
      : await storage.findMedia(sql, server, mediaId);
    if (known?.sha256 && (await files.has(known.sha256))) {
      return { ...known, sha256: known.sha256, isLocal };
    }
    if (isLocal || request.allowRemote === false) throw errors.notFound("No such file");
    const copy = await copies.fetch(server, mediaId, timeoutMs);
    return { ...copy, sha256: copy.sha256!, isLocal };
  }

  /** A local file's row, once it is uploaded. @throws MatrixError M_NOT_YET_UPLOADED 504 */
  async function awaitUpload(
    mediaId: string,
    timeoutMs: number,
  ): Promise<storage.MediaRow | undefined> {
    const deadline = clock.monotonic() + timeoutMs;
    const find = () => storage.findMedia(sql, serverName, mediaId);
    for (let row = await find(); ;) {
      const left = deadline - clock.monotonic();
      if (row === undefined || row.sha256 !== null) return row;
      if (left <= 0 || (row.uploadUntilTs ?? 0) < clock.now()) {
        throw new MatrixError(504, "M_NOT_YET_UPLOADED", "The file has not been uploaded yet");
      }
      // However many wait, only one of them queries.
      row = await looks.run(mediaId, async () => {
        await clock.sleep(Math.min(left, AWAIT_STEP_MS));
        return find();
      });
    }
  }

  return {
    maxUploadBytes,

    ...uploads,
    ...createFetchedImages({ clock, random, serverName, files, copies, thumbnails }),

    async download(request) {
      return fileOf(files, await locate(request));
    },

    async thumbnail(request, wanted) {
      const source = await locate(request);
      try {
        const made = await thumbnails.of(source.sha256, wanted);
        const { sha256, contentType } = made;
        if (sha256 === null) return { ...fileOf(files, source), contentType };
        const { size } = made;
        return fileOf(files, { sha256, contentType, size, fileName: thumbnailName(contentType) });
      } catch (error) {
        const isOurs = source.isLocal || !(error instanceof MatrixError);
        if (isOurs || error.errcode !== "M_TOO_LARGE") throw error;
        throw new MatrixError(502, "M_TOO_LARGE", error.message);
      }
    },

    async stop() {
      await copies.stop();
      await thumbnails.stop();
    },
  };
}

function fileOf(
  files: FileStore,
  row: { sha256: Buffer; contentType: string; size: number; fileName: string | null },
): MediaFile {
  const { sha256, contentType, size, fileName } = row;
  return {
    contentType,
    fileName: fileName ?? undefined,
    size,
    version: sha256.toString("hex"),
    read: (range) => files.read(sha256, range),
  };
}

function thumbnailName(contentType: string): string {
  return `thumbnail.${contentType.slice("image/".length)}`;
}
