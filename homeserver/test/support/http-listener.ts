/** What a server under test asks by HTTP, played by the test. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { freePorts } from "./ports.ts";

/** Listens on loopback, and can stop and start again at the same port. `tls`: paths of PEM files. */
export async function startHttpListener(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  tls?: { readonly cert: string; readonly key: string },
) {
  const [port] = (await freePorts(1)) as [number];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch(() => response.destroy());
  };
  const listen = async () => {
    const made = tls
      ? createSecureServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, listener)
      : createServer(listener);
    made.listen(port, "127.0.0.1");
    await once(made, "listening");
    return made;
  };
  let server = await listen();
  return {
    port,
    /** Nothing listens at the port. */
    async stop(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close").catch(() => undefined);
    },
    async start(): Promise<void> {
      server = await listen();
    },
  };
}
