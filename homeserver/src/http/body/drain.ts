import type { FastifyReply, FastifyRequest } from "fastify";
import type { IncomingMessage } from "node:http";

/**
 * How much of a refused request's body is still read, so that the client gets to read the answer.
 */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_MS = 15_000;

/**
 * Whether more of the body is to come. A request injected by a test does not say whether it is
 * complete.
 */
function isUnread(request: { readonly complete?: boolean }): boolean {
  return request.complete === false;
}

/** The connection ends after the rest of the body has passed, and the answer can be read. */
export function keepOpenForAnswer(request: FastifyRequest, reply: FastifyReply): void {
  if (isUnread(request.raw)) reply.raw.shouldKeepAlive = true;
}

/**
 * The request was answered before its body was read to the end. Closing the connection now would
 * send a reset that overtakes the answer: the rest of the body is dropped as it arrives, up to a
 * limit, and then the connection ends.
 */
export function drainRest(request: IncomingMessage): void {
  if (!isUnread(request)) return;
  const { socket } = request;
  const cut = () => socket.destroy();
  const late = setTimeout(cut, MAX_MS);
  late.unref();
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) cut();
  });
  request.on("error", () => undefined);
  request.once("end", () => {
    clearTimeout(late);
    if (/\bclose\b/i.test(request.headers.connection ?? "")) socket.end();
  });
  request.once("close", () => clearTimeout(late));
  request.resume();
}

/** Ends the connection when nothing more of a body came for `ms`. Returns the body's stream. */
export function endWhenStalled(request: IncomingMessage, ms: number): IncomingMessage {
  const { socket } = request;
  if (!isUnread(request)) return request;
  let before = socket.bytesRead;
  const watch = setInterval(() => {
    if (socket.bytesRead === before) socket.destroy();
    before = socket.bytesRead;
  }, ms);
  watch.unref();
  const stop = () => clearInterval(watch);
  request.once("end", stop).once("close", stop);
  return request;
}
