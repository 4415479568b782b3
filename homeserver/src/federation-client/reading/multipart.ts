import { Readable } from "node:stream";

/** A part of a multipart body: its headers (lower-case names), and its bytes as they come. */
export interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: AsyncIterable<Buffer>;
}

/** The body is not valid multipart. */
export class MultipartError extends Error {
  override readonly name = "MultipartError";
}

/** Of all headers of a part. */
const MAX_HEADER_BYTES = 16_384;

/** The boundary in a Content-Type header's value. */
export function boundaryOf(contentType: string): string | undefined {
  const match = /^multipart\/[^;]+;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

/**
 * Reads a multipart body part by part, without keeping it (RFC 2046, 5.1). Each part's body must be
 * read to its end before the next part is asked for. Throws MultipartError.
 */
export async function* readMultipart(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<Part> {
  const window = new Window(source);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  window.prepend(Buffer.from("\r\n")); // so that the first delimiter looks like the others
  for await (const _preamble of window.until(delimiter)) continue;
  while (!(await window.takeIfNext("--"))) {
    const head = await window.text("\r\n", 256); // transport padding after the boundary
    if (head.trim() !== "") throw new MultipartError("text after a boundary");
    const headers = await readHeaders(window);
    yield { headers, body: window.until(delimiter) };
  }
}

/** A part's body as a stream. */
export function partStream(part: Part): Readable {
  return Readable.from(part.body, { objectMode: false });
}

async function readHeaders(window: Window): Promise<Map<string, string>> {
  const headers = new Map<string, string>();
  for (let left = MAX_HEADER_BYTES; ;) {
    const line = await window.text("\r\n", left);
    if (line === "") return headers;
    left -= line.length + 2;
    const colon = line.indexOf(":");
    if (colon <= 0) throw new MultipartError("a header line without a colon");
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

/** Bytes that arrived and were not consumed yet. */
class Window {
  readonly #source: AsyncIterator<Uint8Array>;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  prepend(bytes: Buffer): void {
    this.#bytes = Buffer.concat([bytes, this.#bytes]);
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#source.next();
    if (done === true) throw new MultipartError("the body ends before its last boundary");
    this.#bytes =
      this.#bytes.length === 0 ? Buffer.from(value) : Buffer.concat([this.#bytes, value]);
  }

  /** Everything up to the delimiter, which is consumed, too. */
  async *until(delimiter: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#bytes.indexOf(delimiter);
      if (at >= 0) {
        const last = this.#bytes.subarray(0, at);
        this.#bytes = this.#bytes.subarray(at + delimiter.length);
        if (last.length > 0) yield last;
        return;
      }
      // The delimiter may have begun in the last bytes.
      const safe = this.#bytes.length - delimiter.length + 1;
      if (safe > 0) {
        const ready = this.#bytes.subarray(0, safe);
        this.#bytes = this.#bytes.subarray(safe);
        yield ready;
      }
      await this.#more();
    }
  }

  /** The text up to the delimiter, which is consumed, too. */
  async text(delimiter: string, limit: number): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.until(Buffer.from(delimiter))) {
      length += chunk.length;
      if (length > limit) throw new MultipartError("a part's headers are too long");
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  async takeIfNext(text: string): Promise<boolean> {
    while (this.#bytes.length < text.length) await this.#more();
    if (this.#bytes.toString("latin1", 0, text.length) !== text) return false;
    this.#bytes = this.#bytes.subarray(text.length);
    return true;
  }
}
