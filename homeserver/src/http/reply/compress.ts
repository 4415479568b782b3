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

/** How an answer is compressed, the best first: zstd takes a third of the time of the others for the same. */
const ENCODINGS = ["zstd", "br", "gzip"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Smaller answers take as many packets as they are, and would only wait. */
export const MIN_BYTES = 1024;
/**
 * Texts that are compressed at once, and streams, each of which holds a megabyte or two for as long as its reader likes.
 * Further ones go out as they are rather than wait.
 */
const MAX_CONCURRENT = 32;
const MAX_CONCURRENT_STREAMS = 32;
/** The quick ones of their levels: a higher one saves a tenth and takes twice as long. */
const QUALITY = { br: 4, gzip: 6, zstd: 3 } as const;
/** How far back is looked in a stream, bytes. */
const STREAM_WINDOW = 2 ** 18;
/** Files are compressed already, and some must not be changed. */
const TEXT = /^(application\/json|text\/)/;

const zip = {
  br: promisify(brotliCompress),
  gzip: promisify(gzip),
  zstd: promisify(zstdCompress),
};
let underWay = 0;
let streams = 0;

/** True for answers that gain by it: text that is not compressed yet. */
export function isCompressible(headers: ReplyHeaders): boolean {
  return TEXT.test(String(headers["content-type"])) && headers["content-encoding"] === undefined;
}

const known = new Map<string, Encoding | undefined>();
const MAX_KNOWN = 500;

/** What of an Accept-Encoding header to take; undefined to leave an answer as it is. (RFC 9110, 12.5.3.) */
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
  // Who likes an answer as it is better gets it so.
  return weightOf(best) > 0 && weightOf(best) >= (weights.get("identity") ?? 0) ? best : undefined;
}

/** "q=0.5" as 0.5; 0 for what is no weight. */
function weightIn(parameter: string): number {
  const text = parameter.slice(2).trim();
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 0;
}

/** The text compressed, off the main loop; undefined where too much is being compressed. */
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
 * An answer that is written as it is read, compressed where it is text and `accept` takes it so. A part of a file stays as
 * it is: its bytes are counted in the file. So does the answer to HEAD.
 */
export function compressReply(made: Reply, accept: string | undefined, isHead: boolean): Reply {
  const { status, headers, payload } = made;
  if (!isCompressible(headers)) return made;
  const vary = varyByEncoding(headers);
  const encoding = isHead || status === 206 ? undefined : encodingFor(accept);
  const wouldBe = encoding !== undefined && streams < MAX_CONCURRENT_STREAMS;
  // That the client's is still good is said of the same one.
  if (status === 304 && wouldBe) return new Reply(304, compressedHeaders(headers, vary));
  if (!(payload instanceof Readable) || !wouldBe)
    return new Reply(status, { ...headers, vary }, payload);
  const marked = { ...compressedHeaders(headers, vary), "content-encoding": encoding };
  return new Reply(status, marked, compressStream(payload, encoding));
}

/** Its bytes are others: no part can be asked for, and its tag says that it means the same and no more. (RFC 9110, 8.8.1.) */
function compressedHeaders(headers: ReplyHeaders, vary: string): ReplyHeaders {
  const { "content-length": _length, "accept-ranges": _ranges, etag, ...others } = headers;
  if (etag === undefined) return { ...others, vary };
  return { ...others, vary, etag: String(etag).replace(/^(?!W\/)/, "W/") };
}

/** The text that is still being written, compressed. What fails in the source cuts the answer off. */
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
  pipeline(source, compressed, () => undefined); // whoever reads it learns of an error
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

/** The Vary header with the header that the answer's encoding depends on. */
export function varyByEncoding(headers: ReplyHeaders): string {
  const { vary } = headers;
  return vary === undefined ? "Accept-Encoding" : `${vary}, Accept-Encoding`;
}
