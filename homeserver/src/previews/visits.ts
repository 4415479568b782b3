/** Visits of pages and images that strangers name. */
import { LRUCache } from "lru-cache";
import type { Agent, Dispatcher } from "undici";
import { plainBody } from "../federation-client/reading/plain-body.ts";
import { previewAddress } from "./addresses.ts";
import { robotsAllow } from "./robots.ts";

/** Something could not be had. The message is for the log. */
export class VisitFailed extends Error {
  override readonly name = "VisitFailed";
}

/** The site does not want to be visited. */
export class NotWelcome extends Error {
  override readonly name = "NotWelcome";
}

export interface Visit {
  /** Where it was in the end. */
  readonly url: URL;
  readonly headers: Dispatcher.ResponseData["headers"];
  /** The media type in lower case, without parameters. */
  readonly mediaType: string;
  readonly answer: Dispatcher.ResponseData;
}

export interface Visits {
  /**
   * Answers what is at an address, after redirects, each of which is checked like the first. The
   * body has to be read or destroyed.
   * @throws VisitFailed, NotWelcome
   */
  to(url: URL, accept: string, signal: AbortSignal): Promise<Visit>;
}

const MAX_REDIRECTS = 5;
/** The product's name in robots.txt. */
const AGENT = "weftpreview";
const ROBOTS_BYTES = 512 * 1024;
const ROBOTS_MS = 60 * 60_000;
/** Characters of robots.txt files that are remembered. */
const ROBOTS_KEPT = 8 * 1024 * 1024;

/** Through an agent that refuses private addresses where they are not allowed. */
export function createVisits(deps: {
  readonly agent: Agent;
  readonly now: () => number;
  readonly userAgent: string;
}): Visits {
  const robots = new LRUCache<string, { readonly text: string; readonly until: number }>({
    maxSize: ROBOTS_KEPT,
    sizeCalculation: ({ text }, key) => text.length + key.length,
  });

  async function ask(url: URL, accept: string, signal: AbortSignal) {
    const answer = await deps.agent
      .request({
        ...{ origin: url.origin, path: url.pathname + url.search, method: "GET", signal },
        headers: { accept, "accept-encoding": "gzip", "user-agent": deps.userAgent },
      })
      .catch((error: unknown) => {
        const { code, message } = error as { code?: string; message?: string };
        throw new VisitFailed(code ?? message ?? "it does not answer");
      });
    // Whoever reads the body gets its errors; nobody else has to.
    answer.body.on("error", () => undefined);
    return answer;
  }

  /** The answer after redirects. `allowed` is asked of each address. */
  async function follow(
    first: URL,
    accept: string,
    signal: AbortSignal,
    allowed: (url: URL) => Promise<void>,
  ): Promise<{ url: URL; answer: Dispatcher.ResponseData }> {
    let url = first;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      await allowed(url);
      const answer = await ask(url, accept, signal);
      const { location } = answer.headers;
      if (answer.statusCode < 300 || answer.statusCode >= 400 || typeof location !== "string") {
        return { url, answer };
      }
      answer.body.destroy();
      const next = previewAddress(location, url);
      if (next === undefined) throw new VisitFailed("it leads to what is no web address");
      url = next;
    }
    throw new VisitFailed("it leads on and on");
  }

  /** The text of a site's robots.txt. (RFC 9309, section 2.3.1.) */
  async function robotsOf(url: URL, signal: AbortSignal): Promise<string> {
    const known = robots.get(url.origin);
    if (known !== undefined && known.until > deps.now()) return known.text;
    const at = new URL("/robots.txt", url);
    const { answer } = await follow(at, "text/plain", signal, async () => undefined);
    const { statusCode } = answer;
    if (statusCode >= 500) {
      answer.body.destroy();
      throw new VisitFailed(`its robots.txt answers ${statusCode}`);
    }
    const isThere = statusCode === 200;
    const text = isThere ? (await readStart(answer, ROBOTS_BYTES)).toString("utf8") : "";
    if (!isThere) answer.body.destroy();
    robots.set(url.origin, { text, until: deps.now() + ROBOTS_MS });
    return text;
  }

  return {
    async to(first, accept, signal) {
      const { url, answer } = await follow(first, accept, signal, async (at) => {
        const isAllowed = robotsAllow(await robotsOf(at, signal), AGENT, at.pathname + at.search);
        if (!isAllowed) throw new NotWelcome(`${at.origin} does not want it`);
      });
      const { statusCode, headers } = answer;
      const encoding = String(headers["content-encoding"] ?? "identity").toLowerCase();
      const isReadable = ["identity", "gzip", "x-gzip"].includes(encoding);
      if (statusCode !== 200 || !isReadable) {
        answer.body.destroy();
        throw new VisitFailed(statusCode === 200 ? `in ${encoding}` : `it answers ${statusCode}`);
      }
      const type = String(headers["content-type"] ?? "").toLowerCase();
      return { url, headers, answer, mediaType: type.split(";")[0]!.trim() };
    },
  };
}

/** The first bytes of a body, decompressed; what comes after them is not fetched. @throws VisitFailed */
export async function readStart(answer: Dispatcher.ResponseData, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const body = plainBody(answer);
  body.on("error", () => undefined);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= limit) break;
    }
  } catch (error) {
    throw new VisitFailed((error as Error).message);
  } finally {
    answer.body.destroy();
  }
  return Buffer.concat(chunks).subarray(0, limit);
}
