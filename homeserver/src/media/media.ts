import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import { mediaIn } from "../protocol/events/media-in.ts";
import { isServerName, type ServerName } from "../protocol/identifiers.ts";
import type { RemoteMedia } from "../federation-client/remote-media.ts";
import * as storage from "../storage/media/media.ts";
import type { Sql } from "../storage/sql.ts";
import { createMediaAdministration } from "./administration.ts";
import { createCopies } from "./copies.ts";
import { createFetchedImages } from "./fetched-images.ts";
import type { S3Settings } from "./store/s3-client.ts";
import { openStore } from "./store/index.ts";
import type { FileStore } from "./store/files.ts";
import { FileMissing, StoreAway } from "./store/types.ts";
import { createRetention, type RetentionSettings } from "./retention.ts";
import { createThumbnails } from "./thumbnails.ts";
import type { Media, MediaFile, MediaRequest } from "./types.ts";
import { createUploads } from "./uploads.ts";

export interface MediaOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serverName: ServerName;
  /**
   * The data folder: files go to its subfolder "media", which replicas share; where they go to S3,
   * only while they are under way.
   */
  readonly dataDir: string;
  /** Where files are kept, if not in the data folder. */
  readonly s3?: S3Settings | undefined;
  readonly remote: Pick<RemoteMedia, "download">;
  /** No other process uses these files: whatever is under way at the start was interrupted. */
  readonly alone?: boolean | undefined;
  /** Limit on an upload, and on a file of another server, in bytes (100 MiB). */
  readonly maxUploadBytes?: number;
  /**
   * Limit on a user's uploads in total, in bytes, counting 1 KiB more for each file (0: no limit).
   */
  readonly quotaBytes?: number;
  /** Limit on all copies of other servers' files, and images of previews, in bytes (20 GiB). */
  readonly maxCopiesBytes?: number;
  /** How long a copy is kept that nobody asks for, ms (0: as long as there is space). */
  readonly copyLifetimeMs?: number;
  /** How long uploads are kept that nobody can reach (for ever). */
  readonly retention?: RetentionSettings;
  /** mxc URIs that the settings name: these uploads are kept. */
  readonly keptUris?: readonly string[];
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
/** Downloads of a file are noted so often. */
const ACCESS_STEP_MS = 6 * 3_600_000;

type Located = storage.MediaRow & { sha256: Buffer; isLocal: boolean };

/** The content repository. (Client-server API, "Content repository".) */
export async function createMedia(options: MediaOptions): Promise<Media> {
  const { sql, clock, random, serverName } = options;
  const maxBytes = () => options.maxUploadBytes ?? 100 * MIB;
  const files = await openStore(options);
  const thumbnails = createThumbnails({ ...options, files });
  const copies = createCopies({
    ...options,
    files,
    maxBytes,
    maxTotalBytes: options.maxCopiesBytes ?? 20_480 * MIB,
    lifetimeMs: options.copyLifetimeMs ?? 0,
  });

  const uploads = createUploads({
    ...options,
    files,
    maxBytes,
    get quotaBytes() {
      return options.quotaBytes ?? 0;
    },
  });

  const retention = createRetention({
    ...options,
    files,
    settings: options.retention ?? { unusedLifetimeMs: 0, encryptedLifetimeMs: 0 },
    kept: (options.keptUris ?? []).flatMap((uri) => mediaIn(uri).map(({ mediaId }) => mediaId)),
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
    if (known?.quarantinedBy != null) throw errors.notFound("No such file");
    // A copy may have gone from the store; then it is fetched anew.
    if (known?.sha256 && (isLocal || (await files.has(known.sha256)))) {
      noteAccess(server, mediaId, known);
      return { ...known, sha256: known.sha256, isLocal };
    }
    if (isLocal || request.allowRemote === false) throw errors.notFound("No such file");
    const copy = await copies.fetch(server, mediaId, timeoutMs);
    if (copy.quarantinedBy !== null) throw errors.notFound("No such file");
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

  function noteAccess(server: ServerName, mediaId: string, { accessedTs }: storage.MediaRow): void {
    const now = clock.now();
    if (accessedTs !== null && accessedTs > now - ACCESS_STEP_MS) return;
    storage.noteAccess(sql, server, mediaId, now).catch((err: unknown) => {
      options.logger.warn({ err }, "a download was not noted");
    });
  }

  return {
    get maxUploadBytes() {
      return maxBytes();
    },

    ...withErrors(uploads),
    administration: createMediaAdministration({ ...options, files, copies }),
    ...createFetchedImages({ clock, random, serverName, files, copies, thumbnails }),

    download: (request) => storeErrors(async () => fileOf(files, await locate(request))),

    async thumbnail(request, wanted) {
      const source = await storeErrors(() => locate(request));
      try {
        const made = await storeErrors(() => thumbnails.of(source.sha256, wanted));
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

    async tidy(signal) {
      await retention.step(signal);
      await copies.trim();
      await files.sweep(signal);
    },

    async stop() {
      await copies.stop();
      await thumbnails.stop();
      await files.stop();
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
    read: (range) => storeErrors(() => files.read(sha256, range)),
  };
}

/** What clients are told when a file is gone, or the store cannot be reached. */
async function storeErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FileMissing) throw errors.notFound("No such file");
    if (error instanceof StoreAway) throw errors.unknown("The files can't be reached now", 503);
    throw error;
  }
}

function withErrors(uploads: Uploads): Uploads {
  return {
    reserve: uploads.reserve,
    upload: (...upload) => storeErrors(() => uploads.upload(...upload)),
    uploadTo: (...upload) => storeErrors(() => uploads.uploadTo(...upload)),
  };
}

type Uploads = Pick<Media, "upload" | "reserve" | "uploadTo">;

function thumbnailName(contentType: string): string {
  return `thumbnail.${contentType.slice("image/".length)}`;
}
