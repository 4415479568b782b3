import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A way to one server over TCP that can be cut: what others know that server by is its port. */
export interface Link {
  readonly port: number;
  /** Breaks what is open, and refuses what is new. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Opens a way to the server that (by and by) listens on that port of 127.0.0.1. */
export async function openLink(target: number): Promise<Link> {
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(target, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const breakOpen = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      breakOpen();
    },
    mend() {
      isCut = false;
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      breakOpen();
      await closed;
    },
  };
}
