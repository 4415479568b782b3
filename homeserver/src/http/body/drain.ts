import type { IncomingMessage } from "node:http";

/** What is still read of a body after its request was refused, so that the client comes to read the answer. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_MS = 15_000;

/** Something of the body is still to come. A request that a test injects does not say whether it is complete. */
export function isUnread(request: { readonly complete?: boolean }): boolean {
  return request.complete === false;
}

/**
 * A request has been answered although its body was not read to the end. Were the connection closed now, its reset
 * would overtake the answer: the rest of the body is dropped as it comes, up to a bound, and then the connection ends.
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

/** Ends the connection when nothing more of a body came for `ms`. The stream of the body is what is answered. */
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
