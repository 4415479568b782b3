import { readFileSync, rmSync, unwatchFile, watchFile } from "node:fs";
import { type RequestListener, type Server, createServer } from "node:http";
import { type Server as SecureServer, createServer as createSecureServer } from "node:https";
import type { Duplex } from "node:stream";
import type { Logger } from "../platform/logger.ts";
import { CORS_HEADERS } from "./reply/cors.ts";
import { onUpgrade, wantsSocket } from "./socket/upgrades.ts";

interface TlsFiles {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
  /** How often the files are looked at (5,000 ms). */
  readonly watchMs?: number;
}

export interface Listeners {
  /**
   * From now on these handlers answer requests, the metrics listener with its own; before that,
   * every answer is a 503.
   */
  serve(handler: RequestListener, metrics: RequestListener): void;
  /** Plain HTTP. @returns the port, which matters when 0 was requested */
  listen(address: { host: string; port: number }): Promise<number>;
  /** Plain HTTP on a unix socket; a stale file is replaced. */
  listenOnSocket(path: string): Promise<void>;
  /** Plain HTTP for the metrics handler given to `serve`, and nothing else. */
  listenForMetrics(address: { host: string; port: number }): Promise<number>;
  /** HTTPS for other servers. The files are read again when they change. */
  listenSecurely(address: { host: string; port: number }, files: TlsFiles): Promise<number>;
  /** Accepts no more connections; resolves when the open ones have ended. */
  stop(): Promise<void>;
  /** Ends all connections at once. */
  cut(): void;
}

const WATCH_MS = 5_000;
/** Longer than the minute for which proxies keep idle connections. */
const KEEP_ALIVE_MS = 72_000;
/** From a request's first byte to the end of its head. */
const HEADERS_MS = 30_000;

/** Any number of listeners with one handler, which may be set later. */
export function createListeners(log: Logger): Listeners {
  let handler: RequestListener = starting;
  let metricsHandler: RequestListener = starting;
  const dispatch: RequestListener = (request, response) => handler(request, response);
  const dispatchMetrics: RequestListener = (request, response) => metricsHandler(request, response);
  const servers = new Set<Server | SecureServer>();
  const watched = new Set<() => void>();
  const upgrading = { shouldUpgradeCallback: wantsSocket };

  function withSockets(server: Server): Server {
    return server.on("upgrade", onUpgrade(dispatch));
  }

  async function start(server: Server | SecureServer, where: object): Promise<number> {
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    server.headersTimeout = HEADERS_MS;
    // Bodies have deadlines per operation: see take-body.ts.
    server.requestTimeout = 0;
    server.on("clientError", refuseMalformed);
    // Sent when the body is read: a client that waits for it does not send bodies that are refused
    // anyway.
    server.on("checkContinue", (request, response) => server.emit("request", request, response));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(where, () => resolve());
    });
    servers.add(server);
    const address = server.address();
    return typeof address === "object" ? (address?.port ?? 0) : 0;
  }

  return {
    serve(next, metrics) {
      handler = next;
      metricsHandler = metrics;
    },
    listenForMetrics: ({ host, port }) => start(createServer(dispatchMetrics), { host, port }),
    listen: ({ host, port }) =>
      start(withSockets(createServer(upgrading, dispatch)), { host, port }),
    async listenOnSocket(path) {
      rmSync(path, { force: true });
      await start(withSockets(createServer(upgrading, dispatch)), { path });
    },
    async listenSecurely({ host, port }, files) {
      const read = () => ({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
      const server = createSecureServer({ ...read(), minVersion: "TLSv1.2" }, dispatch);
      const reload = () => {
        try {
          server.setSecureContext({ ...read(), minVersion: "TLSv1.2" });
          log.info({ cert: files.cert }, "TLS certificate reloaded");
        } catch (error) {
          log.error(
            { err: error, cert: files.cert },
            "TLS certificate not reloaded; the old one stays",
          );
        }
      };
      for (const file of [files.cert, files.key]) {
        watchFile(file, { interval: files.watchMs ?? WATCH_MS, persistent: false }, reload);
        watched.add(() => unwatchFile(file, reload));
      }
      return await start(server, { host, port });
    },
    async stop() {
      for (const unwatch of watched) unwatch();
      await Promise.all(
        [...servers].map((server) => {
          const ended = new Promise<void>((resolve) => server.close(() => resolve()));
          server.closeIdleConnections();
          return ended;
        }),
      );
    },
    cut() {
      for (const server of servers) server.closeAllConnections();
    },
  };
}

const starting: RequestListener = (request, response) => {
  const isHealth = request.url?.startsWith("/_weft/health") === true;
  const body = isHealth
    ? { status: "unavailable", reason: "starting" }
    : { errcode: "M_UNKNOWN", error: "The server is starting" };
  const headers = { ...CORS_HEADERS, "content-type": "application/json", "retry-after": "1" };
  response.writeHead(503, headers).end(JSON.stringify(body));
};

const MALFORMED_BODY = JSON.stringify({ errcode: "M_UNKNOWN", error: "The request is not HTTP" });
const MALFORMED_ANSWER = [
  "HTTP/1.1 400 Bad Request",
  ...Object.entries(CORS_HEADERS).map(([name, value]) => `${name}: ${value}`),
  "content-type: application/json",
  `content-length: ${Buffer.byteLength(MALFORMED_BODY)}`,
  "connection: close",
  "",
  MALFORMED_BODY,
].join("\r\n");

function refuseMalformed(error: Error, socket: Duplex): void {
  if (!socket.writable || (error as { code?: string }).code === "ECONNRESET") socket.destroy();
  else socket.end(MALFORMED_ANSWER);
}
