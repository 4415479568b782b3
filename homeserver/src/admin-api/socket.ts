import { OPEN_SOCKET } from "../http/reply/reply.ts";
import { type Route, route } from "../http/route.ts";

/** Requests and the sync stream over one WebSocket. (spec/socket.md) */
export function socketRoutes(): Route[] {
  return [
    // GET /_weft/socket
    route("openSocket", () => OPEN_SOCKET),
  ];
}
