/** The store of files: a folder, or a bucket. */
import { join } from "node:path";
import { endOldClaims } from "../../storage/media/files.ts";
import { createDiskBlobs } from "./disk.ts";
import { createFileStore, type FileStore, type FileStoreDeps } from "./files.ts";
import { createS3Blobs } from "./s3.ts";
import type { S3Settings } from "./s3-client.ts";
import { createStaging } from "./staging.ts";

export interface StoreOptions extends Omit<FileStoreDeps, "blobs" | "staging"> {
  readonly dataDir: string;
  /** Absent: files lie in the data folder. */
  readonly s3?: S3Settings | undefined;
  /** No other process uses this store: whatever is under way at the start was interrupted. */
  readonly alone?: boolean | undefined;
}

export async function openStore(options: StoreOptions): Promise<FileStore> {
  const media = join(options.dataDir, "media");
  const folder = join(media, "staging");
  const staging = await createStaging(folder, options);
  if (options.alone === true) await endOldClaims(options.sql);
  const { s3: settings } = options;
  const blobs =
    settings === undefined
      ? createDiskBlobs(media)
      : createS3Blobs({ ...options, settings, folder });
  return createFileStore({ ...options, blobs, staging });
}
