import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createMedia, type MediaOptions } from "../../src/media/media.ts";
import type { Media, MediaFile } from "../../src/media/types.ts";
import { createManualClock, type ManualClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { ServerName, UserId } from "../../src/protocol/identifiers.ts";
import { RemoteError } from "../../src/federation-client/requests/remote-error.ts";
import type { RemoteFile } from "../../src/federation-client/remote-media.ts";
import type { Sql } from "../../src/storage/sql.ts";
import { freshDatabase } from "../support/database.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

const HERE = "here.test" as ServerName;
const THERE = "there.test" as ServerName;
export const ALICE = "@alice:here.test" as UserId;

/** Another server's files by media id; functions decide when asked. */
type RemoteFiles = Map<string, Partial<RemoteFile> | (() => Promise<Partial<RemoteFile>>)>;

export interface TestMedia {
  media: Media;
  sql: Sql;
  clock: ManualClock;
  remoteFiles: RemoteFiles;
  /** Media ids that were asked for at the other server. */
  asked: string[];
  /** How many files lie in the store. */
  countFiles(): Promise<number>;
  close(): Promise<void>;
}

/** `options.sql`: the database of another one. */
export async function openMedia(options: Partial<MediaOptions> = {}): Promise<TestMedia> {
  const database = options.sql
    ? { sql: options.sql, close: async () => {} }
    : await freshDatabase();
  const dataDir = makeTemporaryFolder("weft-media-");
  const clock = createManualClock();
  const remoteFiles: RemoteFiles = new Map();
  const asked: string[] = [];
  const media = await createMedia({
    sql: database.sql,
    clock,
    random: systemRandom,
    logger: silentLogger(),
    serverName: HERE,
    dataDir,
    remote: {
      async download(server, mediaId) {
        asked.push(mediaId);
        const found = remoteFiles.get(mediaId);
        if (!found) throw new RemoteError(server, 404, { errcode: "M_NOT_FOUND" }, "none");
        const file = typeof found === "function" ? await found() : found;
        const none = {
          contentType: undefined,
          contentDisposition: undefined,
          contentLength: undefined,
        };
        return { ...none, body: Readable.from([Buffer.from("remote")]), ...file };
      },
    },
    ...options,
  });
  return {
    media,
    sql: database.sql,
    clock,
    remoteFiles,
    asked,
    async countFiles() {
      const entries = await readdir(join(dataDir, "media"), {
        recursive: true,
        withFileTypes: true,
      });
      return entries.filter((entry) => entry.isFile()).length;
    },
    async close() {
      await media.stop();
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Uploads and answers the media id. */
export async function upload(
  media: Media,
  content: Buffer | Readable,
  contentType?: string,
  fileName?: string,
): Promise<string> {
  const stream = Buffer.isBuffer(content) ? Readable.from([content]) : content;
  const uri = await media.upload(ALICE, { contentType, fileName }, stream);
  return uri.slice(`mxc://${HERE}/`.length);
}

export const bytesOf = async (file: MediaFile): Promise<Buffer> => buffer(await file.read());
export const local = (mediaId: string) => ({ server: HERE, mediaId });
export const remote = (mediaId: string) => ({ server: THERE, mediaId });
