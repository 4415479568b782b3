import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";
import { joinSockets } from "./join-sockets.ts";

/** A port in front of several: each connection goes to the next one that takes it, as behind a round robin. */
export interface Balancer {
  readonly port: number;
  close(): Promise<void>;
}

/** It carries bytes and knows nothing of TLS. All on loopback. */
export async function createBalancer(port: number, targets: readonly number[]): Promise<Balancer> {
  const open = new Set<Socket>();
  let turn = 0;

  function forward(incoming: Socket, left: number): void {
    const outgoing = connect(targets[turn++ % targets.length]!, "127.0.0.1");
    outgoing.once("error", () => {
      outgoing.destroy();
      if (left > 0) forward(incoming, left - 1);
      else incoming.destroy();
    });
    outgoing.once("connect", () => {
      outgoing.removeAllListeners("error");
      joinSockets(incoming, outgoing, open);
    });
  }

  const server = createServer((incoming) => {
    incoming.on("error", () => incoming.destroy());
    forward(incoming, targets.length - 1);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port,
    async close() {
      for (const socket of open) socket.destroy();
      await once(server.close(), "close");
    },
  };
}
