import { once } from "node:events";
import { type RequestListener, type ServerResponse, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createConnection, requestText } from "../src/load/connection.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(listener: RequestListener): Promise<URL> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

async function writeSlowly(response: ServerResponse): Promise<void> {
  for (const part of ["one\n", "two\r\n", "0\r\n\r\n", "three"]) {
    response.write(part);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  response.end();
}

test("bodies with a length come whole, however large, one after another on one connection", async () => {
  const origin = await serve((request, response) => {
    response.end("x".repeat(Number(request.url?.slice(1))));
  });
  const connection = createConnection(origin);
  for (const size of [0, 5, 500_000, 1]) {
    const reply = await connection.exchange(requestText(origin, "GET", `/${size}`));
    expect(reply).toMatchObject({ status: 200, body: { length: size } });
  }
  connection.close();
});

test("chunked bodies come without their framing, also when a chunk ends in a line feed", async () => {
  const origin = await serve((_request, response) => void writeSlowly(response));
  const connection = createConnection(origin);
  const { body } = await connection.exchange(requestText(origin, "GET", "/"));
  expect(body.toString()).toBe("one\ntwo\r\n0\r\n\r\nthree");
  connection.close();
});

test("a connection that the server closed is opened again for the next request", async () => {
  const origin = await serve((_request, response) => {
    response.writeHead(200, { connection: "close" }).end("bye");
  });
  const connection = createConnection(origin);
  await connection.exchange(requestText(origin, "GET", "/"));
  expect((await connection.exchange(requestText(origin, "GET", "/"))).status).toBe(200);
  connection.close();
});
