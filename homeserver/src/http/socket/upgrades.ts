import { type IncomingMessage, type RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { operations } from "@weft/spec/operations";

/** A connection that may become a WebSocket. */
export interface Upgrade {
  readonly connection: Socket;
  /** What came after the request's head. */
  readonly head: Buffer;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade & { readonly response: ServerResponse }>();

/** True for requests that Node is to hand over with their connection; all others are plain ones. */
export function wantsSocket({ url = "", headers }: IncomingMessage): boolean {
  const path = url.split("?", 1)[0];
  return path === operations.openSocket.path && /^websocket$/i.test(headers.upgrade ?? "");
}

/**
 * A listener of "upgrade": the request passes the same checks as every other one, and what refuses
 * it is answered over HTTP. Its handler may take the connection: see `takeConnection`.
 */
export function onUpgrade(dispatch: RequestListener) {
  return (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const connection = stream as Socket;
    // A peer that goes away is nothing to fall over.
    connection.on("error", () => connection.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(connection);
    response.once("finish", () => connection.end());
    upgrades.set(request, { connection, head, response });
    dispatch(request, response);
  };
}

/** The connection of a request that asks for a socket; nothing is answered over HTTP any more. */
export function takeConnection(request: IncomingMessage): Upgrade | undefined {
  const upgrade = upgrades.get(request);
  if (upgrade === undefined) return undefined;
  upgrades.delete(request);
  upgrade.response.detachSocket(upgrade.connection);
  return upgrade;
}

/** Whether the request asks for a socket, and its connection was not taken. */
export function hasConnection(request: IncomingMessage): boolean {
  return upgrades.has(request);
}
