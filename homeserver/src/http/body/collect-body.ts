import type { IncomingMessage } from "node:http";
import { MatrixError, errors } from "../../protocol/errors.ts";

/** Limits for one body. */
interface CollectOptions {
  /** Bytes. */
  readonly limit: number;
  /** For the whole body, ms. */
  readonly withinMs: number;
  /** The sender's address: large bodies are counted per address. */
  readonly address: string;
}

/** Bodies up to this size are not counted. */
const SMALL = 64 * 1024;
/** Limits on bytes of large bodies in memory: per address, and in total. */
const PER_ADDRESS = 32 * 1024 * 1024;
const IN_ALL = 256 * 1024 * 1024;
const COME_AGAIN_MS = 5_000;

/** Reads bodies into memory, and counts the bytes of large ones. */
export interface BodyCollector {
  /**
   * The bytes, and a function to call when they are no longer needed.
   * @throws MatrixError M_TOO_LARGE 413, M_LIMIT_EXCEEDED 429 when large bodies take too much
   * memory, M_UNKNOWN 408 for a body that is too slow, M_NOT_JSON 400 when it breaks off
   */
  collect(body: IncomingMessage, options: CollectOptions): Promise<[Buffer, () => void]>;
  /** Bytes of large bodies that are held. */
  readonly held: number;
}

export function createBodyCollector(): BodyCollector {
  const byAddress = new Map<string, number>();
  let held = 0;

  function add(address: string, bytes: number): void {
    const now = (byAddress.get(address) ?? 0) + bytes;
    if (now > 0) byAddress.set(address, now);
    else byAddress.delete(address);
    held += bytes;
  }

  async function collect(body: IncomingMessage, { limit, withinMs, address }: CollectOptions) {
    if (Number(body.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
    const chunks: Buffer[] = [];
    let length = 0;
    let counted = 0;
    const release = () => {
      if (counted > 0) add(address, -counted);
      counted = 0;
    };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    function take(chunk: Buffer): void {
      chunks.push(chunk);
      length += chunk.length;
      if (length > limit) return reject(tooLarge(limit));
      if (length <= SMALL) return;
      add(address, length - counted);
      counted = length;
      if (byAddress.get(address)! > PER_ADDRESS || held > IN_ALL) {
        reject(errors.limitExceeded(COME_AGAIN_MS, "Too many large requests at this moment"));
      }
    }
    const brokeOff = () => {
      // A body that has ended also closes, and creating an error is expensive.
      if (!body.readableEnded) reject(errors.notJson("The body broke off"));
    };
    const late = setTimeout(() => reject(tooSlow(withinMs)), withinMs);
    const finish = () => resolve();
    body.on("data", take).once("end", finish).once("close", brokeOff).once("error", brokeOff);
    try {
      await promise;
      return [chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length), release] as [
        Buffer,
        () => void,
      ];
    } catch (error) {
      release();
      throw error;
    } finally {
      clearTimeout(late);
      body.off("data", take).off("end", finish).off("close", brokeOff).off("error", brokeOff);
      // The rest is read and dropped: see drain.ts.
      body.on("error", ignore);
    }
  }

  return {
    collect,
    get held() {
      return held;
    },
  };
}

function ignore(): void {}

function tooLarge(limit: number): MatrixError {
  return errors.tooLarge(`The body is longer than the ${limit} bytes that are taken here`);
}

function tooSlow(ms: number): MatrixError {
  return errors.unknown(`The body was not there within ${Math.round(ms / 1000)} seconds`, 408);
}
