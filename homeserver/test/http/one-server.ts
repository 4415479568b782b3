/** The server of a test: started by it, and closed after it. */
import type { InjectOptions } from "fastify";
import { afterEach } from "vitest";
import { route } from "../../src/http/route.ts";
import type { HttpServer } from "../../src/http/server.ts";
import { serverWith } from "./support.ts";

export const SEND = "/_matrix/client/v3/rooms/!r:here.test/send/m.room.message/t1";
/** Answers what it was sent, and by whom. */
export const send = route("sendMessage", ({ params, body, requester }) => ({
  event_id: `$${params.eventType}|${requester.userId}`,
  body,
}));

export let server: HttpServer;
afterEach(() => server?.close(500));

/** As `serverWith`. */
export async function startServer(...how: Parameters<typeof serverWith>): Promise<HttpServer> {
  server = await serverWith(...how);
  return server;
}

/** The answer to a request that goes through no socket; its body parsed where it is JSON. */
export async function inject(options: InjectOptions) {
  const answer = await server.app.inject(options);
  const isJson = String(answer.headers["content-type"]).includes("application/json");
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: isJson ? JSON.parse(answer.body) : answer.body,
  };
}
