import type { WebSocket } from "ws";
import { type FromServer, messageText } from "./messages.ts";

type Hold = "much waits" | "too fast";

/** With more bytes waiting to be sent, nothing more is read; with fewer, it is again. */
const MUCH = 1024 * 1024;
const LITTLE = 256 * 1024;

/**
 * Writes on a socket. While the client does not read what it was sent, nothing is read from it
 * either: so what waits for it is bounded by the requests that it may have under way, and a batch.
 * (A class, like all that each of thousands of idle sockets has: closures would take as much again.)
 */
export class Outlet {
  readonly #ws: WebSocket;
  /** Why nothing is read now. */
  #holds: Set<Hold> | undefined;

  constructor(ws: WebSocket) {
    this.#ws = ws;
  }

  send(head: FromServer, body?: string): void {
    const ws = this.#ws;
    if (ws.readyState !== ws.OPEN) return;
    ws.send(messageText(head, body), () => {
      if (ws.bufferedAmount < LITTLE) this.#letGo("much waits");
    });
    if (ws.bufferedAmount > MUCH) this.#hold("much waits");
  }

  /** Reads nothing for so many ms. */
  holdFor(ms: number): void {
    this.#hold("too fast");
    setTimeout(() => this.#letGo("too fast"), ms).unref();
  }

  /** Closes in good order. */
  close(code: number, reason: string): void {
    // Held, it would not see that the other end closes, too.
    for (const each of this.#holds ?? []) this.#letGo(each);
    this.#ws.close(code, reason.slice(0, 100));
  }

  #hold(reason: Hold): void {
    this.#holds ??= new Set();
    if (this.#holds.size === 0) this.#ws.pause();
    this.#holds.add(reason);
  }

  #letGo(reason: Hold): void {
    if (this.#holds?.delete(reason) === true && this.#holds.size === 0) this.#ws.resume();
  }
}
