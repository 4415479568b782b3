import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Dispatcher } from "undici";

/** An answer's body without its compression. Whoever reads it counts the bytes that come out of it. */
export function plainBody({ headers, body }: Dispatcher.ResponseData): Readable {
  const encoding = String(headers["content-encoding"] ?? "identity").toLowerCase();
  if (encoding !== "gzip" && encoding !== "x-gzip") return body;
  const plain = createGunzip();
  pipeline(body, plain, () => undefined); // whoever reads it learns of an error
  return plain;
}

/** Whether a compressed answer was none. */
export function isBrokenGzip(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && code.startsWith("Z_");
}
