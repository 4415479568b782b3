import { Readable } from "node:stream";
import type { Random } from "../platform/random.ts";
import { contentDisposition } from "./labels.ts";
import type { MediaFile } from "./types.ts";

/** A multipart/mixed answer to another server. */
export interface MultipartFile {
  readonly contentType: string;
  /** Bytes. */
  readonly length: number;
  readonly body: Readable;
}

/**
 * A file in the form that servers exchange: an empty JSON object, then the file. (Server-server
 * API, GET /_matrix/federation/v1/media/download/{mediaId}.)
 */
export function multipartOf(file: MediaFile, random: Random): MultipartFile {
  const boundary = `weft-${random.alphanumeric(40)}`;
  const head = Buffer.from(
    `--${boundary}\r\nContent-Type: application/json\r\n\r\n{}\r\n` +
      `--${boundary}\r\nContent-Type: ${file.contentType}\r\n` +
      `Content-Disposition: ${contentDisposition(file.contentType, file.fileName)}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    contentType: `multipart/mixed; boundary=${boundary}`,
    length: head.length + file.size + tail.length,
    body: Readable.from(parts(head, file, tail), { objectMode: false }),
  };
}

async function* parts(head: Buffer, file: MediaFile, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  yield* file.read();
  yield tail;
}
