/** Requests to one application service. (Application service API, "Homeserver -> Application Service API".) */
import {
  type Method,
  type OperationId,
  type OperationRow,
  operations,
} from "@weft/spec/operations";
import type { PathParams } from "@weft/spec/types";
import { Agent } from "undici";
import type { Clock } from "../platform/clock.ts";
import { createFairQueue, QueueFull } from "../platform/fair-queue.ts";
import { type Json, JsonError, parseLoose } from "../protocol/json.ts";
import type { Registration } from "./registration.ts";

interface ServiceRequest {
  readonly to: CallTo;
  readonly query?: URLSearchParams;
  /** JSON text. */
  readonly body?: string;
  /** ms for the whole exchange. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Longer answers are cut off (64 KiB). */
  readonly maxBytes?: number;
}

/** An operation of the contract that services answer, with its path's parameters filled in. */
interface CallTo {
  readonly method: Method;
  readonly path: string;
  /** The same in older services; undefined: they have none. */
  readonly legacyPath: string | undefined;
}

type ServiceOperation = Extract<OperationId, `appservice${string}`>;

/** `callTo("appserviceQueryUser", { userId })` */
export function callTo<Id extends ServiceOperation>(id: Id, params: PathParams<Id>): CallTo {
  const { method, path, aliases }: OperationRow = operations[id];
  const values = params as Readonly<Record<string, string>>;
  const fill = (template: string) =>
    template.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(values[name]!));
  return { method, path: fill(path), legacyPath: aliases[0] && fill(aliases[0]) };
}

export interface ServiceAnswer {
  readonly status: number;
  /** The answer's beginning. */
  readonly text: string;
}

/** The service could not be reached, or did not answer in time. */
export class ServiceUnreachable extends Error {
  override readonly name = "ServiceUnreachable";
  readonly isTimeout: boolean;
  constructor(message: string, isTimeout: boolean) {
    super(message);
    this.isTimeout = isTimeout;
  }
}

export interface ServiceCalls {
  /** Any status. @throws ServiceUnreachable */
  ask(request: ServiceRequest): Promise<ServiceAnswer>;
  close(): Promise<void>;
}

const MAX_BYTES = 64 * 1024;
const CONNECT_MS = 10_000;
/** Questions to one service at once, and that wait: what strangers ask of it costs no more. */
const QUESTIONS = { perKey: 16, total: 16, maxWaiting: 32 };
const CONNECTIONS = 20;
/** How long a service is taken for an older one before the present paths are tried again. */
const LEGACY_MS = 3_600_000;
/** The path is unknown there. */
const UNKNOWN_PATH: ReadonlySet<number> = new Set([404, 405, 501]);

/** The service's address may be any, private ones included: the owner has written it down. */
export function createServiceCalls(
  { url, hsToken }: Pick<Registration, "url" | "hsToken">,
  clock: Clock,
): ServiceCalls {
  const agent = new Agent({ connections: CONNECTIONS, connect: { timeout: CONNECT_MS } });
  const questions = createFairQueue<"">(QUESTIONS);
  let legacyUntil = -Infinity;

  async function exchange(
    path: string,
    request: ServiceRequest,
    signal: AbortSignal,
  ): Promise<ServiceAnswer> {
    const { body, query } = request;
    const { method } = request.to;
    const search = query === undefined || query.size === 0 ? "" : `?${query.toString()}`;
    const { statusCode, body: answer } = await agent.request({
      ...originAndPath(url!, `${path}${search}`),
      method,
      headers: {
        authorization: `Bearer ${hsToken}`,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: body ?? null,
      signal,
    });
    return { status: statusCode, text: await beginning(answer, request.maxBytes ?? MAX_BYTES) };
  }

  /** On the present path, or on the older one where the service knows that only. */
  async function tryPaths(request: ServiceRequest, signal: AbortSignal): Promise<ServiceAnswer> {
    const { path, legacyPath } = request.to;
    const isLegacy = legacyPath !== undefined && clock.monotonic() < legacyUntil;
    if (isLegacy) return exchange(legacyPath, request, signal);
    const answer = await exchange(path, request, signal);
    if (legacyPath === undefined || !UNKNOWN_PATH.has(answer.status)) return answer;
    // The services of that time take the token in the query.
    const query = new URLSearchParams(request.query);
    query.set("access_token", hsToken);
    const old = await exchange(legacyPath, { ...request, query }, signal);
    if (!isSuccess(old)) return answer;
    legacyUntil = clock.monotonic() + LEGACY_MS;
    return old;
  }

  async function ask(request: ServiceRequest): Promise<ServiceAnswer> {
    const timeout = AbortSignal.timeout(Math.ceil(request.timeoutMs));
    const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
    try {
      signal.throwIfAborted();
      return await tryPaths(request, signal);
    } catch (error) {
      const { code, message } = error as { code?: string; message?: string };
      const isTimeout = timeout.aborted || /TIMEOUT/.test(code ?? "");
      throw new ServiceUnreachable(code ?? message ?? "unknown", isTimeout);
    }
  }

  return {
    async ask(request) {
      if (url === undefined) throw new ServiceUnreachable("it has no address", false);
      // Transactions come one after another: they wait for no question.
      if (request.to.method === "PUT") return ask(request);
      return questions
        .run("", () => ask(request))
        .catch((error: unknown) => {
          if (!(error instanceof QueueFull)) throw error;
          throw new ServiceUnreachable("it has too many questions to answer", true);
        });
    },
    close: () => agent.destroy(),
  };
}

function originAndPath(url: string, path: string): { origin: string; path: string } {
  const { origin, pathname } = new URL(url);
  return { origin, path: `${pathname.replace(/\/$/, "")}${path}` };
}

/** Reads no further than `max` bytes. */
async function beginning(body: AsyncIterable<Buffer>, max: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    // Leaving the loop ends the connection.
    if (length >= max) break;
  }
  return Buffer.concat(chunks).subarray(0, max).toString("utf8");
}

export function isSuccess({ status }: ServiceAnswer): boolean {
  return status >= 200 && status < 300;
}
/** What the answer says as JSON; undefined when it is none. */
export function jsonOf({ text }: ServiceAnswer): Json | undefined {
  try {
    return parseLoose(Buffer.from(text));
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
