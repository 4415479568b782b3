import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";
import { freePorts } from "../harness/subjects/process.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

export interface PageServer {
  readonly url: string;
  close(): void;
}

/** Serves a built client's files; with a homeserver all that begins with `/_` from that, as a proxy in front of it does. */
export async function servePages(folder: string, homeserver?: string): Promise<PageServer> {
  const server = createServer((asked, answer) => {
    const { url = "/" } = asked;
    if (homeserver !== undefined && url.startsWith("/_")) passOn(homeserver, asked, answer);
    else void serveFile(folder, url, answer);
  });
  const [port = 0] = await freePorts(1);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function passOn(homeserver: string, asked: IncomingMessage, answer: ServerResponse): void {
  const { method = "GET", headers, url = "/" } = asked;
  const passed = request(homeserver + url, {
    method,
    headers: { ...headers, host: new URL(homeserver).host },
  });
  passed.on("response", (got) => {
    answer.writeHead(got.statusCode ?? 502, got.headers);
    got.pipe(answer);
  });
  passed.on("error", () => answer.destroy());
  answer.on("close", () => passed.destroy());
  asked.pipe(passed);
}

async function serveFile(folder: string, url: string, answer: ServerResponse): Promise<void> {
  const { pathname } = new URL(url, "http://page");
  const name = pathname === "/" ? "index.html" : normalize(pathname);
  const content = await readFile(join(folder, name)).catch(() => undefined);
  if (content === undefined) answer.writeHead(404).end();
  else answer.writeHead(200, { "content-type": TYPES[extname(name)] ?? "text/plain" }).end(content);
}
