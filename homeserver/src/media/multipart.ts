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
 * API, GET /_matrix/federation/v1/media/download/{mediaId}.) @throws MatrixError as `file.read`
 */
export async function multipartOf(file: MediaFile, random: Random): Promise<MultipartFile> {
  const content = await file.read();
  const boundary = `weft-${random.alphanumeric(40)}`;
  const head = Buffer.from(
    `--${boundary}\r\nContent-Type: application/json\r\n\r\n{}\r\n` +
      `--${boundary}\r\nContent-Type: ${file.contentType}\r\n` +
      `Content-Disposition: ${contentDisposition(file.contentType, file.fileName)}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const body = Readable.from(parts(head, content, tail), { objectMode: false });
  // Also when nothing of it was read.
  body.once("close", () => content.destroy());
  return {
    contentType: `multipart/mixed; boundary=${boundary}`,
    length: head.length + file.size + tail.length,
    body,
  };
}

async function* parts(head: Buffer, content: Readable, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  yield* content;
  yield tail;
}
