import type { WebSocket } from "ws";
import { type FromServer, messageText } from "./messages.ts";

/** What is written on a socket; and when nothing is read from it. */
export interface Outlet {
  send(head: FromServer, body?: string): void;
  /** Reads nothing for so many ms. */
  holdFor(ms: number): void;
  /** Closes in good order. */
  close(code: number, reason: string): void;
}

/** With more bytes waiting to be sent, nothing more is read; with fewer, it is again. */
const MUCH = 1024 * 1024;
const LITTLE = 256 * 1024;

/**
 * Writes on a socket. While the client does not read what it was sent, nothing is read from it
 * either: so what waits for it is bounded by the requests that it may have under way, and a batch.
 */
export function createOutlet(ws: WebSocket): Outlet {
  const holds = new Set<"much waits" | "too fast">();

  function hold(reason: "much waits" | "too fast"): void {
    if (holds.size === 0) ws.pause();
    holds.add(reason);
  }

  function letGo(reason: "much waits" | "too fast"): void {
    if (holds.delete(reason) && holds.size === 0) ws.resume();
  }

  return {
    send(head, body) {
      if (ws.readyState !== ws.OPEN) return;
      ws.send(messageText(head, body), () => {
        if (ws.bufferedAmount < LITTLE) letGo("much waits");
      });
      if (ws.bufferedAmount > MUCH) hold("much waits");
    },
    holdFor(ms) {
      hold("too fast");
      setTimeout(() => letGo("too fast"), ms).unref();
    },
    close(code, reason) {
      // Held, it would not see that the other end closes, too.
      for (const each of holds) letGo(each);
      ws.close(code, reason.slice(0, 100));
    },
  };
}
