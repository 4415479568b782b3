import type { Readable } from "node:stream";
import { type Dispatcher, request } from "undici";
import type { ServerName } from "../protocol/identifiers.ts";
import type { RemoteClient } from "./requests/client.ts";
import { type Part, boundaryOf, partStream, readMultipart } from "./reading/multipart.ts";
import { RemoteError } from "./requests/remote-error.ts";
import { uriOf } from "./requests/signed-request.ts";

/** Media from another server: its type and size are not verified. */
export interface RemoteFile {
  readonly contentType: string | undefined;
  readonly contentDisposition: string | undefined;
  /** The announced length, if any. */
  readonly contentLength: number | undefined;
  /** Must be read to its end or destroyed. */
  readonly body: Readable;
}

interface ThumbnailQuery {
  readonly width: number;
  readonly height: number;
  readonly method?: "crop" | "scale" | undefined;
  readonly animated?: boolean | undefined;
}

interface MediaRequest {
  /** How long the other server may wait for a running upload, ms. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Downloads from other servers. All throw RemoteError. */
export interface RemoteMedia {
  download(server: ServerName, mediaId: string, options?: MediaRequest): Promise<RemoteFile>;
  thumbnail(
    server: ServerName,
    mediaId: string,
    query: ThumbnailQuery,
    options?: MediaRequest,
  ): Promise<RemoteFile>;
}

const EXCHANGE_MS = 5 * 60_000;

/** @param agent for the address outside of federation that a server may point to */
export function createRemoteMedia(client: RemoteClient, agent: Dispatcher): RemoteMedia {
  type Query = Parameters<typeof uriOf>[1];

  async function file(
    server: ServerName,
    kind: "download" | "thumbnail",
    mediaId: string,
    query: Query,
    options: MediaRequest,
  ): Promise<RemoteFile> {
    const timed = { timeout_ms: options.timeoutMs, ...query };
    const shared = {
      method: "GET",
      timeoutMs: EXCHANGE_MS,
      signal: options.signal,
      insist: true,
      // Anybody can write an mxc address with any server name.
      ofStranger: true,
    } as const;
    try {
      const uri = uriOf(["_matrix", "federation", "v1", "media", kind, mediaId], timed);
      return await unwrap(server, await client.stream(server, { ...shared, uri }), options.signal);
    } catch (error) {
      if (!(error instanceof RemoteError && error.isUnsupported)) throw error;
    }
    // Servers from before version 1.11 serve media without authentication, by the client API.
    const old = { ...timed, allow_remote: "false", allow_redirect: "false" };
    const uri = uriOf(["_matrix", "media", "v3", kind, server, mediaId], old);
    return plain(await client.stream(server, { ...shared, uri, unsigned: true }));
  }

  /** The second part of the multipart answer: the file, or its address. */
  async function unwrap(
    server: ServerName,
    answer: Dispatcher.ResponseData,
    signal: AbortSignal | undefined,
  ): Promise<RemoteFile> {
    const boundary = boundaryOf(String(answer.headers["content-type"] ?? ""));
    if (boundary === undefined) throw malformed(server, answer);
    const parts = readMultipart(answer.body, boundary);
    try {
      const metadata = await parts.next();
      if (metadata.done !== true) for await (const _json of metadata.value.body) continue;
      const content = await parts.next();
      if (content.done === true) throw malformed(server, answer);
      const location = content.value.headers.get("location");
      if (location === undefined) return fromPart(content.value, answer);
      discard(answer);
      return await elsewhere(server, location, signal);
    } catch (error) {
      discard(answer);
      throw error instanceof RemoteError ? error : malformed(server, answer, error);
    }
  }

  async function elsewhere(server: ServerName, location: string, signal: AbortSignal | undefined) {
    if (!URL.canParse(location) || !/^https?:$/.test(new URL(location).protocol)) {
      throw new RemoteError(server, undefined, undefined, `${server} points to no address`);
    }
    const timeout = AbortSignal.timeout(EXCHANGE_MS);
    const answer = await request(location, {
      dispatcher: agent,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (answer.statusCode === 200) return plain(answer);
    discard(answer);
    throw new RemoteError(
      server,
      undefined,
      undefined,
      `${server}'s media store answered ${answer.statusCode}`,
    );
  }

  return {
    download: (server, mediaId, options = {}) => file(server, "download", mediaId, {}, options),
    thumbnail: (server, mediaId, { width, height, method, animated }, options = {}) =>
      file(
        server,
        "thumbnail",
        mediaId,
        { width, height, method, animated: animated === undefined ? undefined : String(animated) },
        options,
      ),
  };
}

function malformed(
  server: ServerName,
  answer: Dispatcher.ResponseData,
  cause?: unknown,
): RemoteError {
  discard(answer);
  const error = new RemoteError(
    server,
    undefined,
    undefined,
    `${server} did not answer with media`,
  );
  error.cause = cause;
  return error;
}

/**
 * Ends an unwanted answer. Destroying the stream is reported as an error, which nobody needs to
 * see.
 */
function discard({ body }: Dispatcher.ResponseData): void {
  body.on("error", () => undefined);
  body.destroy();
}

function fromPart(part: Part, answer: Dispatcher.ResponseData): RemoteFile {
  const body = partStream(part);
  body.once("close", () => discard(answer));
  return {
    contentType: part.headers.get("content-type"),
    contentDisposition: part.headers.get("content-disposition"),
    contentLength: lengthOf(part.headers.get("content-length")),
    body,
  };
}

function plain({ headers, body }: Dispatcher.ResponseData): RemoteFile {
  body.on("error", () => undefined); // the reader gets the error anyway
  const text = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);
  return {
    contentType: text(headers["content-type"]),
    contentDisposition: text(headers["content-disposition"]),
    contentLength: lengthOf(text(headers["content-length"])),
    body,
  };
}

function lengthOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
