import type { FastifyReply, FastifyRequest } from "fastify";
import type { Socket } from "node:net";
import { CORS_HEADERS, isForBrowsers } from "./cors.ts";
import type { Reply } from "./reply.ts";

/** An answer that is text from beginning to end. */
export interface PlainText extends Reply {
  readonly payload: string;
}

export function isPlainText(reply: Reply): reply is PlainText {
  return typeof reply.payload === "string";
}

const FOR_ALL = ["x-content-type-options", "nosniff"];
const FOR_BROWSERS = [...Object.entries(CORS_HEADERS).flat(), ...FOR_ALL];

/**
 * Sends text with the headers that every answer has, past the framework: a list of headers that Node takes as it is
 * costs a third of what setting them one by one does, and this is what nearly every request ends with. The text leaves with
 * all others of this turn of the event loop: one by one, each write wakes an idle reader, which costs as much as the write.
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
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) list.push(name, value);
  }
  if (!("cache-control" in headers)) list.push("cache-control", "no-store");
  if (draining.aborted) list.push("connection", "close");
  list.push("content-length", Buffer.byteLength(payload));
  reply.hijack();
  const { socket } = reply.raw;
  if (socket) gather(socket);
  reply.raw.writeHead(status, list as string[]).end(payload);
}

let gathered: Socket[] = [];

/** Holds back what is written to a socket until this turn of the event loop is over. */
function gather(socket: Socket): void {
  socket.cork();
  if (gathered.push(socket) === 1) setImmediate(letGo);
}

function letGo(): void {
  const sockets = gathered;
  gathered = [];
  for (const socket of sockets) socket.uncork();
}
