import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";
import { joinSockets } from "./join-sockets.ts";

/** A wire to one port that can be cut: it carries bytes and knows nothing of TLS. */
export interface Link {
  /** Where it is entered. */
  readonly port: number;
  /** Breaks the connections there are and takes no further ones. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

/** A link on `port` of loopback that leads to `target` of loopback. */
export async function createLink(port: number, target: number): Promise<Link> {
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((incoming) => {
    if (isCut) return void incoming.destroy();
    const outgoing = connect(target, "127.0.0.1");
    joinSockets(incoming, outgoing, open);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const breakAll = () => open.forEach((socket) => socket.destroy());
  return {
    port,
    cut() {
      isCut = true;
      breakAll();
    },
    restore() {
      isCut = false;
    },
    async close() {
      breakAll();
      await once(server.close(), "close");
    },
  };
}
