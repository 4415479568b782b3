import { Transform, type Readable } from "node:stream";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { RemoteError } from "../federation-client/requests/remote-error.ts";
import type { RemoteMedia } from "../federation-client/remote-media.ts";
import * as storage from "../storage/media/media.ts";
import { inheritQuarantine } from "../storage/media/quarantine.ts";
import type { Sql } from "../storage/sql.ts";
import type { FileStore } from "./store/files.ts";
import type { StagedFile } from "./store/staging.ts";
import { FileTooLarge } from "./store/types.ts";
import { cleanContentType, fileNameOf } from "./labels.ts";

/** Copies of other servers' files: fetched once, kept while there is space. */
export interface Copies {
  /**
   * Fetches a file and keeps it. Concurrent requests wait for the same fetch, which continues even
   * if they give up.
   * @throws MatrixError M_NOT_FOUND 404, M_TOO_LARGE and M_UNKNOWN 502, M_NOT_YET_UPLOADED 504
   */
  fetch(server: ServerName, mediaId: string, timeoutMs: number): Promise<storage.MediaRow>;
  /** Keeps a file that belongs to nobody here, and makes room for it. */
  keep(
    server: ServerName,
    mediaId: string,
    staged: StagedFile,
    row: storage.MediaRow,
  ): Promise<void>;
  /** Corrects what is said of a file that is kept. */
  relabel(server: ServerName, mediaId: string, row: storage.MediaRow): Promise<void>;
  /** Deletes a file that is kept, unless something else is the same one. */
  forget(copy: { server: string; mediaId: string; sha256: Buffer }): Promise<void>;
  /** Deletes copies that nobody asks for: those that are too old, and what does not fit. */
  trim(): Promise<void>;
  /** Deletes copies that nobody has asked for since a moment, ms since 1970. Returns how many. */
  deleteStale(before: number): Promise<number>;
  stop(): Promise<void>;
}

export interface CopiesDeps {
  sql: Sql;
  clock: Clock;
  logger: Logger;
  files: FileStore;
  remote: Pick<RemoteMedia, "download">;
  /** Limit on one copy, bytes. */
  /** Asked each time: it may change. */
  maxBytes: () => number;
  /** Limit on all copies, bytes; those that nobody has asked for longest are deleted first. */
  maxTotalBytes: number;
  /** How long a copy is kept that nobody asks for, ms; 0: as long as there is space. */
  lifetimeMs: number;
}

/** A transfer without progress for this long is given up, ms. */
const STALL_MS = 60_000;
/** Copies that are looked at together. */
const STEP = 50;

export function createCopies(deps: CopiesDeps): Copies {
  const { sql, clock, logger, files, maxBytes } = deps;
  const flights = createSingleFlight<string, storage.MediaRow>();
  const stopping = new AbortController();
  let trimming: Promise<void> = Promise.resolve();

  async function fetch(server: ServerName, mediaId: string): Promise<storage.MediaRow> {
    const signal = stopping.signal;
    const file = await deps.remote.download(server, mediaId, { timeoutMs: 20_000, signal });
    if ((file.contentLength ?? 0) > maxBytes()) {
      file.body.destroy();
      throw tooLarge();
    }
    const body = guarded(file.body, signal);
    const staged = await files
      .stage(body, maxBytes())
      .catch((error: unknown) => {
        throw body.errored === null ? error : errors.unknown("The transfer was cut short", 502);
      })
      .finally(() => body.destroy());
    const row: storage.MediaRow = {
      sha256: staged.sha256,
      contentType: cleanContentType(file.contentType),
      fileName: fileNameOf(file.contentDisposition) ?? null,
      size: staged.size,
      userId: null,
      createdTs: clock.now(),
      uploadUntilTs: null,
      accessedTs: null,
      quarantinedBy: null,
    };
    await keep(server, mediaId, staged, row);
    // It may be quarantined, as another file of the same content is.
    return (await storage.findMedia(sql, server, mediaId)) ?? row;
  }

  async function keep(
    server: ServerName,
    mediaId: string,
    staged: StagedFile,
    row: storage.MediaRow,
  ): Promise<void> {
    try {
      await files.keep(staged, async (tx) => {
        const before = await storage.findMedia(tx, server, mediaId);
        await storage.upsertMedia(tx, server, mediaId, row);
        await inheritQuarantine(tx, { server, mediaId }, staged.sha256);
        return before?.sha256 ? [before.sha256] : [];
      });
    } finally {
      await staged.discard();
    }
    void trim();
  }

  function trim(): Promise<void> {
    trimming = trimming.then(trimOnce);
    return trimming;
  }

  /** Deletes copies that nobody asks for until the others fit. */
  async function trimOnce(): Promise<void> {
    try {
      await deleteStale(deps.lifetimeMs === 0 ? 0 : clock.now() - deps.lifetimeMs);
      let excess = (await storage.sumRemoteMedia(sql)) - deps.maxTotalBytes;
      while (excess > 0 && !stopping.signal.aborted) {
        const stalest = await storage.stalestRemoteMedia(sql, Infinity, STEP);
        if (stalest.length === 0) return;
        for (const copy of stalest) {
          if (excess <= 0) return;
          await forget(copy);
          excess -= copy.size;
        }
      }
    } catch (error) {
      logger.warn({ err: error }, "old copies of media were not cleared away");
    }
  }

  /** Deletes copies that nobody has asked for since a moment. Returns how many. */
  async function deleteStale(before: number): Promise<number> {
    for (let deleted = 0; ;) {
      const stale = before > 0 ? await storage.stalestRemoteMedia(sql, before, STEP) : [];
      for (const copy of stale) {
        if (stopping.signal.aborted) return deleted;
        await forget(copy);
        deleted += 1;
      }
      if (stale.length < STEP) return deleted;
    }
  }

  async function forget(copy: { server: string; mediaId: string; sha256: Buffer }): Promise<void> {
    await files.drop(async (tx) => {
      await storage.deleteCopy(tx, copy.server, copy.mediaId);
      return [copy.sha256];
    });
  }

  return {
    async fetch(server, mediaId, timeoutMs) {
      const flight = flights.run(`${server}/${mediaId}`, () => fetch(server, mediaId));
      const waiting = new AbortController();
      const late = clock.sleep(timeoutMs, waiting.signal).then(() => undefined);
      // The fetch may fail after everybody has stopped waiting for it.
      flight.catch(() => {});
      try {
        const row = await Promise.race([flight, late]);
        if (row !== undefined) return row;
        throw new MatrixError(504, "M_NOT_YET_UPLOADED", "The file has not arrived yet");
      } catch (error) {
        throw asMediaError(error);
      } finally {
        waiting.abort();
      }
    },

    ...{ keep, forget, trim, deleteStale },
    relabel: (server, mediaId, row) => storage.upsertMedia(sql, server, mediaId, row),

    async stop() {
      stopping.abort();
      await trimming;
    },
  };
}

/** The error for the client when another server's file cannot be had. */
function asMediaError(error: unknown): unknown {
  if (error instanceof FileTooLarge) return tooLarge();
  // Problems with our own database or disk are not the other server's fault.
  if (!(error instanceof RemoteError)) return error;
  switch (error.remoteStatus) {
    case 404:
      return errors.notFound("That server has no such file");
    case 504:
      return new MatrixError(504, "M_NOT_YET_UPLOADED", "The file has not been uploaded yet");
    case 413:
      return tooLarge();
    default:
      return errors.unknown(error.message, 502);
  }
}

function tooLarge(): MatrixError {
  return new MatrixError(502, "M_TOO_LARGE", "The other server's file is too large");
}

/** The stream, cut off when nothing arrives for a while or when the server stops. */
function guarded(body: Readable, signal: AbortSignal): Readable {
  const watched = new Transform({
    transform(chunk, _encoding, done) {
      timer.refresh();
      done(null, chunk);
    },
  });
  const cut = () => watched.destroy(new Error("the transfer was cut short"));
  const timer = setTimeout(cut, STALL_MS);
  signal.addEventListener("abort", cut, { once: true });
  body.on("error", (error) => watched.destroy(error));
  watched.on("error", () => {});
  watched.on("close", () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", cut);
    body.destroy();
  });
  return body.pipe(watched);
}
