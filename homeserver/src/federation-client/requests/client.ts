import type { Dispatcher } from "undici";
import type { SigningKey } from "../../protocol/crypto.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import {
  type Json,
  type JsonObject,
  JsonError,
  isJsonObject,
  parseLoose,
} from "../../protocol/json.ts";
import { boundsOf, checkBounds } from "../../protocol/json/json-bounds.ts";
import type { BlockedServers } from "./blocked-servers.ts";
import type { Backoff } from "./backoff.ts";
import type { Connections } from "../connecting/connections.ts";
import type { Discovery, Target } from "../connecting/discovery.ts";
import { AnswerTooLarge, readBody } from "../reading/read-body.ts";
import { BrokenAnswer, readParts, type TakeParts } from "../reading/read-parts.ts";
import { isBrokenGzip, plainBody } from "../reading/plain-body.ts";
import { isTooLarge, RemoteError } from "./remote-error.ts";
import { xMatrixHeader } from "./signed-request.ts";

export interface RemoteRequest {
  readonly method: "GET" | "PUT" | "POST";
  /** Path with query, percent-encoded. */
  readonly uri: string;
  readonly content?: JsonObject | undefined;
  /** ms for the whole exchange (60,000). */
  readonly timeoutMs?: number | undefined;
  /** Limit on the answer's size in bytes (16 MiB). */
  readonly maxBytes?: number | undefined;
  /** Limit on the bytes of a list item, when the answer is read part by part (512 KiB). */
  readonly maxPartBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Keys are fetched unsigned. */
  readonly unsigned?: boolean;
  /** The answer is `[200, body]`, as some v1 endpoints give it. */
  readonly pairAnswer?: boolean;
  /** Ask even though the server failed recently: a user is waiting. */
  readonly insist?: boolean;
  /** The answer may be compressed. */
  readonly takesGzip?: boolean;
  /** Something is being delivered: remember durably that the server is unreachable. */
  readonly isDelivery?: boolean;
  /** The server is just a name from outside. */
  readonly ofStranger?: boolean;
  /** One user of the server can make the answer too large: that is not held against the server. */
  readonly mayBeTooLarge?: boolean;
}

/** Requests to other servers, signed as ours. */
export interface RemoteClient {
  /** The JSON object they answer. @throws RemoteError */
  json(server: ServerName, request: RemoteRequest): Promise<JsonObject>;
  /**
   * The JSON object they answer, part by part; nothing more is read until `take` is done. Errors
   * thrown by `take` are passed on.
   * @throws RemoteError
   */
  parts(server: ServerName, request: RemoteRequest, take: TakeParts): Promise<void>;
  /** The answer's head and its unread body, for status 200 only. @throws RemoteError */
  stream(server: ServerName, request: RemoteRequest): Promise<Dispatcher.ResponseData>;
}

export interface RemoteClientOptions {
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
  readonly discovery: Discovery;
  readonly connections: Connections;
  readonly backoff: Backoff;
  readonly blocked: Pick<BlockedServers, "has">;
}

const TIMEOUT_MS = 60_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** An event has 65,536 bytes at most, as canonical JSON and without `unsigned`. */
const MAX_PART_BYTES = 512 * 1024;
const USER_AGENT = "Weft/0.1";

export function createRemoteClient(options: RemoteClientOptions): RemoteClient {
  const { serverName, signingKey, discovery, connections, backoff, blocked } = options;

  function headers(server: ServerName, request: RemoteRequest, target: Target) {
    const { method, uri, content } = request;
    const signed = { method, uri, origin: serverName, destination: server };
    return {
      host: target.hostHeader,
      "user-agent": USER_AGENT,
      accept: "application/json, multipart/mixed",
      ...(request.takesGzip ? { "accept-encoding": "gzip" } : {}),
      ...(request.unsigned
        ? {}
        : {
            authorization: xMatrixHeader(content ? { ...signed, content } : signed, signingKey),
          }),
      ...(content ? { "content-type": "application/json" } : {}),
    };
  }

  async function sendTo(
    target: Target,
    server: ServerName,
    request: RemoteRequest,
    signal: AbortSignal,
  ) {
    return await connections.to(target, request.ofStranger).request({
      method: request.method,
      path: request.uri,
      headers: headers(server, request, target),
      body: request.content === undefined ? null : JSON.stringify(request.content),
      signal,
    });
  }

  async function send(server: ServerName, request: RemoteRequest, signal: AbortSignal) {
    const targets = await untilAborted(discovery.find(server), signal);
    let failure: unknown;
    for (const target of targets) {
      if (request.isDelivery) await untilAborted(connections.turn(target), signal);
      try {
        return await sendTo(target, server, request, signal).catch((error: unknown) => {
          // A kept connection that the other end has closed; every federation request may be
          // repeated.
          if (signal.aborted || !wasCutOff(error)) throw error;
          return sendTo(target, server, request, signal);
        });
      } catch (error) {
        failure = error;
        if (signal.aborted || !couldNotConnect(error)) break;
      }
    }
    throw failure;
  }

  /** Runs one exchange, and records whether the server was reachable. */
  async function exchange<T>(
    server: ServerName,
    request: RemoteRequest,
    read: (answer: Dispatcher.ResponseData) => Promise<T>,
  ): Promise<T> {
    // Keys are asked for: others in a room still tell what the server's users say there.
    if (!request.unsigned && blocked.has(server)) {
      const reason = `This server does not federate with ${server}`;
      throw new RemoteError(server, 403, { errcode: "M_FORBIDDEN" }, reason);
    }
    if (!request.insist && !backoff.mayTry(server)) {
      throw new RemoteError(server, undefined, undefined, `${server} has not answered of late`);
    }
    const timeout = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS);
    const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
    try {
      const answer = await read(await send(server, request, signal));
      backoff.succeeded(server);
      return answer;
    } catch (error) {
      const remote = error instanceof RemoteError ? error : unreachable(server, error);
      if (request.mayBeTooLarge === true && isTooLarge(remote)) backoff.succeeded(server);
      else if (remote.serverIsFailing && !request.signal?.aborted) {
        backoff.failed(server, isOfNoUse(remote.cause), request.isDelivery === true);
      } else if (!remote.serverIsFailing) backoff.succeeded(server);
      throw remote;
    }
  }

  return {
    async parts(server, asked, take) {
      const request = { ...asked, takesGzip: true };
      const { maxBytes = MAX_BYTES, maxPartBytes = MAX_PART_BYTES } = request;
      const limits = { maxBytes, maxPartBytes };
      let ours: { error: unknown } | undefined;
      await exchange(server, request, async (answer) => {
        if (answer.statusCode !== 200) {
          const value = parseAnswer(await readBody(plainBody(answer), 65_536));
          throw refused(server, answer.statusCode, value);
        }
        for await (const parts of readParts(plainBody(answer), limits)) {
          try {
            await take(parts);
          } catch (error) {
            ours = { error };
            return;
          }
        }
      });
      if (ours !== undefined) throw ours.error;
    },
    json: (server, request) =>
      exchange(server, { ...request, takesGzip: true }, async (answer) => {
        const bytes = await readBody(plainBody(answer), request.maxBytes ?? MAX_BYTES);
        const parsed = parseAnswer(bytes);
        if (answer.statusCode !== 200) throw refused(server, answer.statusCode, parsed);
        const value = request.pairAnswer && Array.isArray(parsed) ? parsed[1] : parsed;
        if (isJsonObject(value)) return value;
        throw new RemoteError(server, undefined, undefined, `${server} did not answer with JSON`);
      }),
    stream: (server, request) =>
      exchange(server, request, async (answer) => {
        if (answer.statusCode === 200) return answer;
        const value = parseAnswer(await readBody(answer.body, 65_536));
        throw refused(server, answer.statusCode, value);
      }),
  };
}

/** The result of the work, unless the signal aborts first. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", abort));
}

/**
 * Events in answers are checked one by one, so numbers that canonical JSON forbids are kept at
 * first.
 */
function parseAnswer(bytes: Buffer): Json | undefined {
  try {
    checkBounds(bytes, boundsOf(bytes.length));
    return parseLoose(bytes);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function refused(server: ServerName, status: number, body: Json | undefined): RemoteError {
  const reason =
    isJsonObject(body) && typeof body["error"] === "string" ? `: ${body["error"]}` : "";
  return new RemoteError(server, status, body, `${server} answered ${status}${reason}`);
}

function unreachable(server: ServerName, error: unknown): RemoteError {
  const remote = new RemoteError(server, undefined, undefined, `${server} ${reasonOf(error)}`);
  remote.cause = error;
  return remote;
}

function reasonOf(error: unknown): string {
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  if (error instanceof AnswerTooLarge) return "answered at too great a length";
  if (isOfNoUse(error)) return "did not answer with a whole JSON object";
  if (name === "TimeoutError" || name === "AbortError") return "did not answer in time";
  return `could not be reached (${code ?? message ?? "unknown"})`;
}

/** It did answer. */
function isOfNoUse(error: unknown): boolean {
  return (
    error instanceof AnswerTooLarge ||
    error instanceof BrokenAnswer ||
    error instanceof JsonError ||
    isBrokenGzip(error)
  );
}

const NOT_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EAI_AGAIN|EADDRREFUSED|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_|DEPTH_|UNABLE_|SELF_)/;

function couldNotConnect(error: unknown): boolean {
  return NOT_CONNECTED.test((error as { code?: string }).code ?? "");
}

function wasCutOff(error: unknown): boolean {
  return /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test((error as { code?: string }).code ?? "");
}
