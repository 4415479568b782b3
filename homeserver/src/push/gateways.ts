/** Requests to push gateways: hosts that strangers name. (Push Gateway API.) */
import type { Agent } from "undici";
import { AnswerTooLarge, readBody } from "../federation-client/reading/read-body.ts";
import type { Clock } from "../platform/clock.ts";
import { createFairQueue, QueueFull } from "../platform/fair-queue.ts";
import { isJsonObject, JsonError, parseLoose } from "../protocol/json.ts";

interface GatewayRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Whether an answer settles the matter, other than those of success. */
  readonly settles?: (status: number) => boolean;
  /** It was tried before: it waits behind what is new. */
  readonly isRetry: boolean;
  readonly signal: AbortSignal;
}

interface GatewayAnswer {
  readonly status: number;
  /** Empty where it is too long. */
  readonly body: Buffer;
}

export interface Gateways {
  /** An answer that settles the matter. @throws GatewayFailed */
  ask(request: GatewayRequest): Promise<GatewayAnswer>;
}

/** A gateway did not take a notification. */
export class GatewayFailed extends Error {
  override readonly name = "GatewayFailed";
  /** ms that the gateway asks to wait. */
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs = 0) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;
/** Requests to one host at once, and to all. */
const NEW = { perKey: 64, total: 256, maxWaiting: 1_000 };
const RETRIES = { perKey: 8, total: 64, maxWaiting: 1_000 };
/** A request that takes longer makes room for others. */
const PLACE_MS = 1_000;
/** Requests that take longer; beyond these, one ends when its place is needed. */
const MAX_SLOW = 256;
const MAX_RETRY_AFTER_S = 3_600;

/** Through an agent that refuses private addresses where they are not allowed. */
export function createGateways({ agent, clock }: { agent: Agent; clock: Clock }): Gateways {
  const fresh = createFairQueue<string>(NEW);
  const retries = createFairQueue<string>(RETRIES);
  let slow = 0;

  async function exchange(
    { url, headers: sent, body, settles }: GatewayRequest,
    signal: AbortSignal,
  ) {
    const { origin, pathname, search } = new URL(url);
    const path = pathname + search;
    const answer = await agent.request({
      origin,
      path,
      method: "POST",
      headers: sent,
      body,
      signal,
    });
    const { statusCode: status, headers } = answer;
    if ((status >= 200 && status < 300) || settles?.(status) === true) {
      return { status, body: await bodyOf(answer.body) };
    }
    await answer.body.dump();
    throw new GatewayFailed(`it answered ${status}`, retryAfter(headers["retry-after"]));
  }

  async function attempt(request: GatewayRequest, signal: AbortSignal) {
    try {
      signal.throwIfAborted();
      return await exchange(request, signal);
    } catch (error) {
      if (error instanceof GatewayFailed) throw error;
      const { code, message } = error as { code?: string; message?: string };
      throw new GatewayFailed(code ?? message ?? "unknown");
    }
  }

  /** Gives up its place after a while, and goes on without one. */
  async function inPlace(request: GatewayRequest): Promise<{ result: Promise<GatewayAnswer> }> {
    const over = new AbortController();
    const limits = [request.signal, over.signal, AbortSignal.timeout(TIMEOUT_MS)];
    const result = attempt(request, AbortSignal.any(limits));
    const done = result.then(
      () => true,
      () => true,
    );
    const left = new AbortController();
    const inTime = await Promise.race([done, clock.sleep(PLACE_MS, left.signal)]);
    left.abort("over");
    if (inTime === true) return { result };
    if (slow >= MAX_SLOW) over.abort(new Error("too many gateways are slow"));
    slow += 1;
    void done.then(() => (slow -= 1));
    return { result };
  }

  return {
    async ask(request) {
      const queue = request.isRetry ? retries : fresh;
      try {
        const { result } = await queue.run(new URL(request.url).host, () => inPlace(request));
        return await result;
      } catch (error) {
        if (error instanceof QueueFull) throw new GatewayFailed("too much waits for it");
        throw error;
      }
    },
  };
}

/** An answer that is too long says nothing. */
async function bodyOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  try {
    return await readBody(body, MAX_ANSWER_BYTES);
  } catch (error) {
    if (error instanceof AnswerTooLarge) return Buffer.alloc(0);
    throw error;
  }
}

/** The pushkeys that a gateway rejects. (POST /_matrix/push/v1/notify) */
export function rejectedIn(body: Buffer): string[] {
  try {
    const answer = parseLoose(body);
    const rejected = isJsonObject(answer) ? answer.rejected : undefined;
    if (!Array.isArray(rejected)) return [];
    return rejected.filter((pushkey) => typeof pushkey === "string");
  } catch (error) {
    if (error instanceof JsonError) return [];
    throw error;
  }
}

/** The header in ms; 0 where it says no number of seconds. */
function retryAfter(header: string | string[] | undefined): number {
  const seconds = typeof header === "string" && /^\d{1,9}$/.test(header) ? Number(header) : 0;
  return Math.min(seconds, MAX_RETRY_AFTER_S) * 1_000;
}
