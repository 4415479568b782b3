/** A web site on loopback, whose pages a test writes. */
import { createServer, type RequestListener } from "node:http";
import { freePorts } from "../support/ports.ts";

export interface Site {
  readonly url: string;
  /** What was asked, in order. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function openSite(pages: Record<string, RequestListener>): Promise<Site> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url!;
    asked.push(path);
    const page = pages[path.split("?")[0]!];
    // Nobody who goes away in the middle ends the test.
    response.on("error", () => undefined);
    if (page !== undefined) return page(request, response);
    response.writeHead(404).end();
  });
  const [port] = (await freePorts(1)) as [number];
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** A page with this head. */
export const html =
  (head: string, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers });
    response.end(`<!doctype html><html><head>${head}</head><body></body></html>`);
  };

export const redirect =
  (location: string): RequestListener =>
  (_request, response) => {
    response.writeHead(302, { location }).end();
  };
