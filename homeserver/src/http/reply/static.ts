import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply } from "fastify";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { errors } from "../../protocol/errors.ts";

export interface WebClient {
  /** The folder that vite built. */
  readonly folder: string;
  /** Further origins that the page may talk to, such as the public base URL. */
  readonly connectTo: readonly string[];
}

const NOT_BUILT =
  "<!doctype html><title>Weft</title><p>This is a Weft homeserver. Its web client has not been built: " +
  "start it by <code>npm start</code>, or run <code>npx vite build</code> in web-client/.</p>";

/** Serves the web client at `/`: hashed assets for ever; paths within the page lead to it. */
export async function serveWebClient(app: FastifyInstance, client: WebClient): Promise<void> {
  const policy = contentSecurityPolicy(client.connectTo);
  if (!existsSync(join(client.folder, "index.html"))) {
    app.get("/", async (_request, reply) => reply.type("text/html; charset=utf-8").send(NOT_BUILT));
    return;
  }
  await app.register(fastifyStatic, {
    root: client.folder,
    prefix: "/",
    wildcard: false,
    index: false,
    serve: false,
    preCompressed: true,
  });
  const page = (reply: FastifyReply) =>
    reply
      .headers({
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
      })
      .sendFile("index.html", { cacheControl: false });
  app.get("/*", { config: { operationId: "webClient" } }, async (request, reply) => {
    const path = (request.params as { "*": string })["*"];
    // Names of APIs begin with "_"; none of our files begins with a dot, and none is reached
    // through one.
    if (/^_|(^|[/\\])\.|[\0\\]/.test(path)) throw errors.unrecognized();
    if (path === "" || path === "index.html") return page(reply);
    if (!/\.[a-z0-9]+$/i.test(path)) return reply.redirect(placeInPage(request.url), 302);
    // Whoever opens the page looks for another build by this file.
    if (path === "sw.js") reply.header("cache-control", "no-cache");
    const immutable = path.startsWith("assets/");
    return reply.sendFile(path, { maxAge: immutable ? "365d" : "10m", immutable });
  });
}

/**
 * Where the page has the place that somebody looks for by a path: "/room/x" is "../#/room/x". Relative, since a proxy may serve
 * us below a folder; so it leads to no other server, either.
 */
function placeInPage(url: string): string {
  const [path = "", query] = url.slice(1).split("?");
  const up = "../".repeat(path.split("/").length - 1) || "./";
  return `${up}${query === undefined ? "" : `?${query}`}#/${path}`;
}

function withSocket(origin: string): string[] {
  return [origin, origin.replace(/^http/, "ws")];
}

function contentSecurityPolicy(connectTo: readonly string[]): string {
  return [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    // Some browsers do not count the socket of the same origin as "self".
    `connect-src ${["'self'", "blob:", "data:", ...connectTo.flatMap(withSocket)].join(" ")}`,
    "worker-src 'self' blob:",
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'self'",
  ].join("; ");
}
