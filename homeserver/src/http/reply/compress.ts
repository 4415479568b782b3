import { pipeline, Readable, type Transform } from "node:stream";
import { promisify } from "node:util";
import {
  brotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzip,
  zstdCompress,
} from "node:zlib";
import { Reply, type ReplyHeaders } from "./reply.ts";

/** Compressions, the best first: zstd takes a third of the others' time for the same result. */
const ENCODINGS = ["zstd", "br", "gzip"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Smaller answers would not save a packet, and only be delayed. */
export const MIN_BYTES = 1024;
/**
 * Limits on texts being compressed at once, and on streams, each of which holds a megabyte or two
 * until its reader has finished. Beyond them answers are sent uncompressed rather than delayed.
 */
const MAX_CONCURRENT = 32;
const MAX_CONCURRENT_STREAMS = 32;
/** Fast levels: higher ones save a tenth and take twice as long. */
const QUALITY = { br: 4, gzip: 6, zstd: 3 } as const;
/** The window of a compressed stream, bytes. */
const STREAM_WINDOW = 2 ** 18;
/** Media files are compressed already, and some must not be changed. */
const TEXT = /^(application\/json|text\/)/;

const zip = {
  br: promisify(brotliCompress),
  gzip: promisify(gzip),
  zstd: promisify(zstdCompress),
};
let underWay = 0;
let streams = 0;

/** True for uncompressed text. */
export function isCompressible(headers: ReplyHeaders): boolean {
  return TEXT.test(String(headers["content-type"])) && headers["content-encoding"] === undefined;
}

const known = new Map<string, Encoding | undefined>();
const MAX_KNOWN = 500;

/** The encoding chosen from an Accept-Encoding header; undefined for none. (RFC 9110, 12.5.3.) */
export function encodingFor(accept: string | string[] | undefined): Encoding | undefined {
  if (accept === undefined) return undefined;
  const header = String(accept);
  if (known.has(header)) return known.get(header);
  const chosen = choose(header);
  if (known.size < MAX_KNOWN && header.length < 200) known.set(header, chosen);
  return chosen;
}

function choose(header: string): Encoding | undefined {
  const weights = new Map<string, number>();
  for (const part of header.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    weights.set(name === "x-gzip" ? "gzip" : name, weight === undefined ? 1 : weightIn(weight));
  }
  const weightOf = (name: string) => weights.get(name) ?? weights.get("*") ?? 0;
  const best = ENCODINGS.toSorted((a, b) => weightOf(b) - weightOf(a))[0]!;
  // If the client prefers no encoding, none is used.
  return weightOf(best) > 0 && weightOf(best) >= (weights.get("identity") ?? 0) ? best : undefined;
}

/** "q=0.5" as 0.5; 0 for an invalid weight. */
function weightIn(parameter: string): number {
  const text = parameter.slice(2).trim();
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 0;
}

/**
 * The compressed text, made off the main loop; undefined when too much is being compressed already.
 */
export async function compressText(text: string, encoding: Encoding): Promise<Buffer | undefined> {
  if (underWay >= MAX_CONCURRENT) return undefined;
  underWay += 1;
  try {
    const bytes = Buffer.from(text);
    return await zip[encoding](bytes, optionsOf(encoding, bytes.length));
  } finally {
    underWay -= 1;
  }
}

/**
 * An answer that is sent while it is read, compressed if it is text and `accept` allows it. A part
 * of a file is not compressed, since its bytes are counted in the file. Nor is the answer to HEAD.
 */
export function compressReply(made: Reply, accept: string | undefined, isHead: boolean): Reply {
  const { status, headers, payload } = made;
  if (!isCompressible(headers)) return made;
  const vary = varyByEncoding(headers);
  const encoding = isHead || status === 206 ? undefined : encodingFor(accept);
  const wouldBe = encoding !== undefined && streams < MAX_CONCURRENT_STREAMS;
  // A 304 must have the same headers as the compressed answer.
  if (status === 304 && wouldBe) return new Reply(304, compressedHeaders(headers, vary));
  if (!(payload instanceof Readable) || !wouldBe)
    return new Reply(status, { ...headers, vary }, payload);
  const marked = { ...compressedHeaders(headers, vary), "content-encoding": encoding };
  return new Reply(status, marked, compressStream(payload, encoding));
}

/**
 * The headers of a compressed answer: ranges are not available, and its tag is a weak one. (RFC
 * 9110, 8.8.1.)
 */
function compressedHeaders(headers: ReplyHeaders, vary: string): ReplyHeaders {
  const { "content-length": _length, "accept-ranges": _ranges, etag, ...others } = headers;
  if (etag === undefined) return { ...others, vary };
  return { ...others, vary, etag: String(etag).replace(/^(?!W\/)/, "W/") };
}

/** Compresses a text that is still being written. An error in the source cuts the answer off. */
function compressStream(source: Readable, encoding: Encoding): Readable {
  const options = optionsOf(encoding, undefined);
  const makers: Record<Encoding, () => Transform> = {
    br: () => createBrotliCompress(options),
    gzip: () => createGzip(options),
    zstd: () => createZstdCompress(options),
  };
  const compressed = makers[encoding]();
  streams += 1;
  compressed.once("close", () => (streams -= 1));
  pipeline(source, compressed, () => undefined); // the reader gets the error
  return compressed;
}

function optionsOf(encoding: Encoding, bytes: number | undefined): object {
  switch (encoding) {
    case "gzip":
      return { level: QUALITY.gzip };
    case "zstd":
      return { params: { [constants.ZSTD_c_compressionLevel]: QUALITY.zstd } };
    case "br":
      return {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: QUALITY.br,
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          // A window of four megabytes for two kilobytes would be most of the work.
          [constants.BROTLI_PARAM_LGWIN]: Math.max(
            constants.BROTLI_MIN_WINDOW_BITS,
            Math.min(20, Math.ceil(Math.log2(bytes ?? STREAM_WINDOW))),
          ),
          ...(bytes === undefined ? {} : { [constants.BROTLI_PARAM_SIZE_HINT]: bytes }),
        },
      };
  }
}

/** The Vary header, with Accept-Encoding added. */
export function varyByEncoding(headers: ReplyHeaders): string {
  const { vary } = headers;
  return vary === undefined ? "Accept-Encoding" : `${vary}, Accept-Encoding`;
}
