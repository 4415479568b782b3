import { once } from "node:events";
import { createServer, request as ask } from "node:http";
import { connect, type Socket } from "node:net";
import { freePorts } from "../../support/ports.ts";
import { joinSockets } from "./join-sockets.ts";

/** A reverse proxy as they are found: it carries plain requests, and sockets only where it is told to. */
export interface UpgradeProxy {
  readonly baseUrl: string;
  /** Whether it carries sockets. */
  carriesSockets: boolean;
  /** Sockets that it opened. */
  readonly opened: number;
  /** Ends the sockets that are open, without a word. */
  cutSockets(): void;
  close(): Promise<void>;
}

export async function createUpgradeProxy(target: string): Promise<UpgradeProxy> {
  const { hostname: host, port } = new URL(target);
  const [own] = (await freePorts(1)) as [number];
  const sockets = new Set<Socket>();
  let opened = 0;
  const server = createServer((incoming, answer) => {
    const { method, url: path, headers } = incoming;
    const outgoing = ask({ host, port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode!, response.headers);
      response.pipe(answer);
      response.on("error", () => answer.destroy());
    });
    outgoing.on("error", () => answer.destroy());
    answer.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.on("upgrade", (request, stream, head: Buffer) => {
    const incoming = stream as Socket;
    incoming.on("error", () => incoming.destroy());
    // As a proxy that knows nothing of upgrades: the header is lost on the way.
    if (!proxy.carriesSockets) {
      return void incoming.end("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
    }
    const outgoing = connect(Number(port), host, () => {
      opened += 1;
      const lines = [`GET ${request.url} HTTP/1.1`];
      for (let at = 0; at < request.rawHeaders.length; at += 2) {
        lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
      }
      outgoing.write(`${lines.join("\r\n")}\r\n\r\n`);
      outgoing.write(head);
      joinSockets(incoming, outgoing, sockets);
    });
    outgoing.on("error", () => incoming.destroy());
  });
  server.listen(own, "127.0.0.1");
  await once(server, "listening");
  const proxy: UpgradeProxy = {
    baseUrl: `http://127.0.0.1:${own}`,
    carriesSockets: true,
    get opened() {
      return opened;
    },
    cutSockets() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
  return proxy;
}
