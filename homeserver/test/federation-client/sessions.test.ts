/** TLS sessions that are continued, and the pace of new connections. */
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority } from "../../../scripts/lib/certificates.mjs";
import { createConnector } from "../../src/federation-client/connecting/agent.ts";
import { createConnections } from "../../src/federation-client/connecting/connections.ts";
import type { Target } from "../../src/federation-client/connecting/discovery.ts";
import { createManualClock } from "../../src/platform/clock.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { until } from "../support/wait.ts";

const folder = makeTemporaryFolder("weft-sessions-");
const caFile = join(folder, "ca.pem");
const authority = createAuthority();
const servers: Server[] = [];

beforeAll(() => writeFileSync(caFile, authority.cert));
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A server that says a word to whoever comes. @returns its port */
async function listen(...names: string[]): Promise<string> {
  const server = createServer(authority.issue(names), (socket) => {
    socket.on("error", () => undefined).end("word");
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return String((server.address() as { port: number }).port);
}

type Connector = ReturnType<typeof createConnector>;

/** Connects, reads to the end, and tells whether a session was continued. */
async function isContinued(connect: Connector, port: string, servername: string): Promise<boolean> {
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const target = {
      hostname: "127.0.0.1",
      host: servername,
      protocol: "https:",
      port,
      servername,
    };
    connect(target, (error, found) => (error ? reject(error) : resolve(found as TLSSocket)));
  });
  const isReused = socket.isSessionReused();
  socket.resume();
  await once(socket, "end");
  socket.destroy();
  return isReused;
}

test("a connection continues the session of the one before, at that place and for that name alone", async () => {
  const connect = createConnector({ allowPrivate: true, caFile });
  const [one, two] = [await listen("one.test", "also.test"), await listen("one.test")];
  expect(await isContinued(connect, one, "one.test")).toBe(false);
  expect(await isContinued(connect, one, "one.test")).toBe(true);
  expect(await isContinued(connect, one, "one.test")).toBe(true);
  expect(await isContinued(connect, two, "one.test")).toBe(false);
  expect(await isContinued(connect, one, "also.test")).toBe(false);
});

test("a server whose certificate is for another name is refused every time", async () => {
  const connect = createConnector({ allowPrivate: true, caFile });
  const port = await listen("one.test");
  expect(await isContinued(connect, port, "one.test")).toBe(false);
  for (let time = 0; time < 2; time++) {
    await expect(isContinued(connect, port, "other.test")).rejects.toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  }
});

test("of servers that nobody waits for, one is connected to at a time", async () => {
  const clock = createManualClock();
  const connections = createConnections(createConnector({ allowPrivate: true, caFile }), clock);
  const targets = Array.from({ length: 5 }, (_, n): Target => ({
    host: "127.0.0.1",
    port: n + 1,
    tlsName: "127.0.0.1",
    hostHeader: "x",
  }));
  let begun = 0;
  for (const target of targets) void connections.turn(target).then(() => (begun += 1));
  for (let count = 1; count <= targets.length; count++) {
    await until(() => begun === count && clock.sleepers === 1);
    clock.advance(2);
  }
  await connections.close();
});
