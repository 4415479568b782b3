import type { FastifyReply, FastifyRequest } from "fastify";
import type { Socket } from "node:net";
import {
  compressText,
  type Encoding,
  encodingFor,
  isCompressible,
  MIN_BYTES,
  varyByEncoding,
} from "./compress.ts";
import { CORS_HEADERS, isForBrowsers } from "./cors.ts";
import type { Reply } from "./reply.ts";

/** An answer that is text throughout. */
export interface PlainText extends Reply {
  readonly payload: string;
}

export function isPlainText(reply: Reply): reply is PlainText {
  return typeof reply.payload === "string";
}

const FOR_ALL = ["x-content-type-options", "nosniff"];
const FOR_BROWSERS = [...Object.entries(CORS_HEADERS).flat(), ...FOR_ALL];

/**
 * Sends text with the headers of every answer, bypassing the framework: passing Node a ready list
 * of headers costs a third of setting them one by one, and nearly every request ends here. The text
 * is written together with all others of this turn of the event loop: each separate write wakes an
 * idle reader, which costs as much as the write. Texts longer than a packet are compressed first,
 * off the main loop, if the client accepts that.
 */
export function sendPlain(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, headers, payload }: PlainText,
  draining: AbortSignal,
): void {
  const list: (string | number)[] = isForBrowsers(request.raw.url ?? "")
    ? FOR_BROWSERS.slice()
    : FOR_ALL.slice();
  const isLong = payload.length >= MIN_BYTES && isCompressible(headers);
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !(isLong && name === "vary")) list.push(name, value);
  }
  if (isLong) list.push("vary", varyByEncoding(headers));
  if (!("cache-control" in headers)) list.push("cache-control", "no-store");
  if (draining.aborted) list.push("connection", "close");
  reply.hijack();
  const encoding = isLong ? encodingFor(request.raw.headers["accept-encoding"]) : undefined;
  if (encoding === undefined) write(reply, status, list, payload);
  else void writeCompressed(reply, status, list, payload, encoding);
}

/** Never rejects. */
async function writeCompressed(
  reply: FastifyReply,
  status: number,
  list: (string | number)[],
  payload: string,
  encoding: Encoding,
): Promise<void> {
  const bytes = await compressText(payload, encoding).catch(() => undefined);
  if (reply.raw.destroyed) return;
  if (bytes) list.push("content-encoding", encoding);
  write(reply, status, list, bytes ?? payload);
}

function write(
  reply: FastifyReply,
  status: number,
  list: (string | number)[],
  payload: string | Buffer,
): void {
  list.push("content-length", Buffer.byteLength(payload));
  const { socket } = reply.raw;
  if (socket) gather(socket);
  reply.raw.writeHead(status, list as string[]).end(payload);
}

let gathered: Socket[] = [];

/** Collects writes to a socket until this turn of the event loop is over. */
function gather(socket: Socket): void {
  socket.cork();
  if (gathered.push(socket) === 1) setImmediate(letGo);
}

function letGo(): void {
  const sockets = gathered;
  gathered = [];
  for (const socket of sockets) socket.uncork();
}
