import type { FastifyReply, FastifyRequest } from "fastify";

/** Headers on every answer of the client API. (Client-server API, "Web Browser Clients".) */
export const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
  "access-control-allow-headers":
    "X-Requested-With, Content-Type, Authorization, If-Match, If-None-Match",
  "access-control-expose-headers": "Retry-After, ETag",
  "access-control-max-age": "86400",
  "cross-origin-resource-policy": "cross-origin",
} as const;

const SERVERS_ONLY = /^\/_matrix\/(federation|key|app)(\/|$)/;
const FOR_BROWSERS =
  /^\/(_matrix|_synapse|_weft|\.well-known\/(matrix|oauth-authorization-server))(\/|\?|$)/;
/** Pages for people: no script of another origin has business with them. */
const PAGES =
  /^\/(_weft\/(account|oauth\/(authorize|link))|_matrix\/client\/(v3|r0)\/(login\/sso\/redirect|auth\/[^/?]+\/fallback\/web))(\/|\?|$)/;

/** True for what browsers may request across origins: all APIs except the server-server API. */
export function isForBrowsers(url: string): boolean {
  return FOR_BROWSERS.test(url) && !SERVERS_ONLY.test(url) && !PAGES.test(url);
}

/** An onRequest hook: answers OPTIONS for all paths of the client API. */
export function answerOptions(
  request: FastifyRequest,
  reply: FastifyReply,
  done: () => void,
): void {
  if (request.method === "OPTIONS" && isForBrowsers(request.raw.url ?? "")) {
    return void reply.code(204).send();
  }
  done();
}
