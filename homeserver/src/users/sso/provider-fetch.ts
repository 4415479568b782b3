import type { Agent } from "undici";
import { readBody } from "../../federation-client/reading/read-body.ts";
import { createFairQueue } from "../../platform/fair-queue.ts";

/** Agents by which providers are asked. */
export interface ProviderAgents {
  /** For hosts that the owner of this server has written down, which may be at private addresses. */
  readonly named: Agent;
  /** For hosts that a provider names in turn. */
  readonly guarded: Agent;
}

/** What openid-client hands over. */
interface FetchOptions {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | null | undefined;
}

/** Answers a request as `fetch` does, but for redirects: they are followed nowhere. */
export type ProviderFetch = (url: string, options: FetchOptions) => Promise<Response>;

/** A provider does not answer, or not as one should. */
export class ProviderUnreachable extends Error {
  override readonly name = "ProviderUnreachable";
}

const MAX_ANSWER_BYTES = 1024 * 1024;
/** Requests to one provider at once, and such as wait. */
const LIMITS = { perKey: 20, total: 100, maxWaiting: 500 };
/** Statuses whose answers have no body. */
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);

/** `issuer` is what the owner has written. */
export function createProviderFetch(issuer: string, agents: ProviderAgents): ProviderFetch {
  const { origin: own } = new URL(issuer);
  const queue = createFairQueue<string>(LIMITS);

  async function exchange(url: string, options: FetchOptions): Promise<Response> {
    const { origin, pathname, search } = new URL(url);
    const agent = origin === own ? agents.named : agents.guarded;
    const { statusCode, headers, body } = await agent.request({
      ...{ origin, path: pathname + search, method: options.method },
      headers: options.headers,
      body: options.body === undefined || options.body === null ? null : textOf(options.body),
      signal: options.signal ?? null,
    });
    const bytes = await readBody(body, MAX_ANSWER_BYTES);
    const type = headers["content-type"];
    return new Response(EMPTY.has(statusCode) ? null : new Uint8Array(bytes), {
      status: statusCode,
      headers: typeof type === "string" ? { "content-type": type } : {},
    });
  }

  return async (url, options) => {
    try {
      return await queue.run(own, () => exchange(url, options));
    } catch (error) {
      const { code, message } = error as { code?: string; message?: string };
      throw new ProviderUnreachable(code ?? message ?? "unknown", { cause: error });
    }
  };
}

function textOf(body: unknown): string {
  if (typeof body === "string") return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new TypeError("A provider is sent texts and forms only");
}
