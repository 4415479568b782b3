import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Dispatcher } from "undici";

/** The decompressed body of an answer. The reader has to limit the size of the output. */
export function plainBody({ headers, body }: Dispatcher.ResponseData): Readable {
  const encoding = String(headers["content-encoding"] ?? "identity").toLowerCase();
  if (encoding !== "gzip" && encoding !== "x-gzip") return body;
  const plain = createGunzip();
  pipeline(body, plain, () => undefined); // the reader gets the error
  return plain;
}

/** Whether an answer that claims to be compressed is not. */
export function isBrokenGzip(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && code.startsWith("Z_");
}
