import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** What takes the place of a file of the web client; null: it is gone; undefined: it is as it was. */
type Build = (path: string, text: () => Promise<string>) => Promise<string | null> | undefined;

export interface BuildProxy {
  readonly baseUrl: string;
  /** From now on the server has this build of the web client. */
  deploy(build: Build): void;
  close(): Promise<void>;
}

/** A server before another, whose web client can be made another build. */
export async function createBuildProxy(target: string): Promise<BuildProxy> {
  let build: Build = () => undefined;
  const textOf = async (path: string): Promise<string> => (await fetch(target + path)).text();

  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? "/";
    const other = build(path, () => textOf(path));
    if (other === undefined) return forward(incoming, outgoing);
    void other.then((text) => {
      const type = path.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8";
      outgoing.writeHead(text === null ? 404 : 200, { "content-type": type });
      outgoing.end(text ?? "gone");
    });
  });

  function forward(incoming: IncomingMessage, outgoing: import("node:http").ServerResponse): void {
    const { method, headers } = incoming;
    const onward = httpRequest(target + (incoming.url ?? "/"), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deploy(next) {
      build = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
