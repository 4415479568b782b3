import type { Readable } from "node:stream";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { errors, matrixError, MatrixError } from "../protocol/errors.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import * as storage from "../storage/media/media.ts";
import { inheritQuarantine } from "../storage/media/quarantine.ts";
import type { Sql, Tx } from "../storage/sql.ts";
import { transaction } from "../storage/transaction.ts";
import type { FileStore } from "./store/files.ts";
import type { StagedFile } from "./store/staging.ts";
import { FileTooLarge } from "./store/types.ts";
import { cleanContentType, cleanFileName } from "./labels.ts";
import type { Media, UploadLabels } from "./types.ts";

export interface UploadsDeps {
  sql: Sql;
  clock: Clock;
  random: Random;
  serverName: ServerName;
  files: FileStore;
  /** Asked each time: it may change. */
  maxBytes: () => number;
  /** Limit on one user's uploads, bytes; 0: no limit. */
  /** Read at each use: it may change. */
  readonly quotaBytes: number;
}

/** How long a reserved place waits for its upload, ms. */
const RESERVED_MS = 24 * 3_600_000;
const MAX_RESERVED = 100;
/**
 * Limit on concurrent uploads per user: their bytes are on disk but not counted in the user's quota
 * yet.
 */
const MAX_CONCURRENT = 20;
const MEDIA_ID_LENGTH = 24;

/** Receives files from local users. */
export function createUploads(deps: UploadsDeps): Pick<Media, "upload" | "reserve" | "uploadTo"> {
  const { sql, clock, random, serverName, files } = deps;
  /** How many of each user are under way. */
  const underWay = new Map<UserId, number>();

  /** Receives a file, up to a limit of concurrent ones. @throws MatrixError M_LIMIT_EXCEEDED 429 */
  async function receive(by: UserId, ...what: Receiving): Promise<void> {
    const before = underWay.get(by) ?? 0;
    if (before >= MAX_CONCURRENT) {
      throw errors.limitExceeded(5_000, `${MAX_CONCURRENT} of your uploads are under way already`);
    }
    underWay.set(by, before + 1);
    try {
      await receiveOne(by, ...what);
    } finally {
      const left = underWay.get(by)! - 1;
      if (left > 0) underWay.set(by, left);
      else underWay.delete(by);
    }
  }

  /** Receives a file; `store` records it in the transaction in which it gets its name. */
  async function receiveOne(by: UserId, ...[said, content, store]: Receiving): Promise<void> {
    const maxBytes = deps.maxBytes();
    if ((said.length ?? 0) > maxBytes) throw tooLarge(maxBytes);
    // The length may be unknown: no more is accepted than there is space for.
    const room = await ensureQuota(sql, by, said.length ?? 0);
    const staged = await stage(files, content, Math.min(maxBytes, room)).catch((error: unknown) => {
      if (!(error instanceof FileTooLarge)) throw error;
      throw room < maxBytes ? overQuota() : tooLarge(maxBytes);
    });
    try {
      const labels = {
        contentType: cleanContentType(said.contentType),
        fileName: cleanFileName(said.fileName) ?? null,
      };
      await files.keep(staged, async (tx) => {
        // Of concurrent uploads, each is counted with those before it.
        if (deps.quotaBytes !== 0) await storage.lockUploads(tx, by);
        await ensureQuota(tx, by, staged.size);
        await store(tx, labels, staged);
        return [];
      });
    } finally {
      await staged.discard();
    }
  }

  /**
   * The allowed length of a file.
   * @throws MatrixError M_FORBIDDEN 403 when one of that size is too long
   */
  async function ensureQuota(on: Sql | Tx, userId: string, size: number): Promise<number> {
    if (deps.quotaBytes === 0) return Number.POSITIVE_INFINITY;
    const room = deps.quotaBytes - (await storage.sumUploads(on, userId)) - storage.FILE_OVERHEAD;
    if (size > room) throw overQuota();
    return room;
  }

  function overQuota(): MatrixError {
    return errors.forbidden(`Your files would come to more than ${deps.quotaBytes} bytes`);
  }

  /** @throws MatrixError M_NOT_FOUND 404, M_FORBIDDEN 403, M_CANNOT_OVERWRITE_MEDIA 409 */
  async function ensureReserved(by: UserId, server: string, mediaId: string): Promise<void> {
    const row = server === serverName ? await storage.findMedia(sql, server, mediaId) : undefined;
    if (row === undefined) throw errors.notFound("No such place for a file");
    if (row.userId !== by) throw errors.forbidden("That place is somebody else's");
    if (row.sha256 !== null) throw overwriting();
    if ((row.uploadUntilTs ?? 0) < clock.now()) throw errors.notFound("The time to upload is over");
  }

  function newPlace(): { uri: string; mediaId: string } {
    const mediaId = random.alphanumeric(MEDIA_ID_LENGTH);
    return { uri: `mxc://${serverName}/${mediaId}`, mediaId };
  }

  return {
    async upload(by, said, content) {
      const { uri, mediaId } = newPlace();
      await receive(by, said, content, async (tx, labels, { sha256, size }) => {
        const row = { ...labels, ...NEW, sha256, size, userId: by, createdTs: clock.now() };
        await storage.upsertMedia(tx, serverName, mediaId, row);
        await inheritQuarantine(tx, { server: serverName, mediaId }, sha256);
      });
      return uri;
    },

    async reserve(by) {
      const { uri, mediaId } = newPlace();
      const untilTs = clock.now() + RESERVED_MS;
      await transaction(sql, async (tx) => {
        if ((await storage.countReserved(tx, by, clock.now())) >= MAX_RESERVED) {
          throw errors.limitExceeded(60_000, "Too many uploads are awaited");
        }
        const empty = { sha256: null, contentType: "", fileName: null, size: 0 };
        const row = { ...NEW, ...empty, userId: by, createdTs: clock.now() };
        await storage.upsertMedia(tx, serverName, mediaId, { ...row, uploadUntilTs: untilTs });
      });
      return { uri, untilTs };
    },

    async uploadTo(by, { server, mediaId }, said, content) {
      await ensureReserved(by, server, mediaId);
      await receive(by, said, content, async (tx, labels, { sha256, size }) => {
        const row = { ...labels, sha256, size };
        if (!(await storage.fillMedia(tx, server, mediaId, row))) throw overwriting();
        await inheritQuarantine(tx, { server, mediaId }, sha256);
      });
    },
  };
}

/** A file's labels, its bytes, and the function that records it. */
type Receiving = [
  said: UploadLabels,
  content: Readable,
  store: (tx: Tx, labels: Labels, staged: StagedFile) => Promise<void>,
];

const NEW = { uploadUntilTs: null, accessedTs: null, quarantinedBy: null };

type Labels = Pick<storage.MediaRow, "contentType" | "fileName">;

async function stage(files: FileStore, content: Readable, maxBytes: number): Promise<StagedFile> {
  try {
    return await files.stage(content, maxBytes);
  } catch (error) {
    // The rest is read and dropped, so that the client gets to read the answer.
    content.resume();
    if (content.errored) throw errors.unknown("The upload was cut short", 400);
    throw error;
  }
}

function tooLarge(maxBytes: number): MatrixError {
  return errors.tooLarge(`A file is at most ${maxBytes} bytes long`);
}

function overwriting(): MatrixError {
  return matrixError("M_CANNOT_OVERWRITE_MEDIA", "The file is there already");
}
