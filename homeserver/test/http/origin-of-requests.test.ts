/** Where requests come from: whose forwarded addresses count, and who may read the metrics. */
import { connect } from "node:net";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { createListeners } from "../../src/http/listeners.ts";
import { route } from "../../src/http/route.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { inTime } from "../support/wait.ts";
import { server, startServer } from "./one-server.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };

describe("X-Forwarded-For", () => {
  const routes = [route("getVersions", ({ ip }) => ({ versions: [], ip }))];

  test.each([
    [["127.0.0.1"], "203.0.113.5", "203.0.113.5"],
    [["127.0.0.0/8"], "6.6.6.6, 203.0.113.5", "203.0.113.5"],
    [["127.0.0.1", "203.0.113.0/24"], "198.51.100.1, 203.0.113.5", "198.51.100.1"],
    [[], "203.0.113.5", "127.0.0.1"],
    [["10.0.0.0/8"], "203.0.113.5", "127.0.0.1"],
    // As some proxies write addresses.
    [["127.0.0.1"], "203.0.113.5:4711", "203.0.113.5"],
    [["127.0.0.1"], "[2001:db8::5]:443", "2001:db8::5"],
    [["127.0.0.1"], "2001:DB8::5", "2001:db8::5"],
    [["127.0.0.1"], "::ffff:203.0.113.5", "203.0.113.5"],
    [["127.0.0.1", "10.0.0.0/8"], "198.51.100.1, 10.1.2.3:80", "198.51.100.1"],
    [["127.0.0.1", "10.0.0.0/8"], "198.51.100.1, ::ffff:10.1.2.3", "198.51.100.1"],
    [["127.0.0.1", "::ffff:10.0.0.0/104"], "198.51.100.1, 10.1.2.3", "198.51.100.1"],
    [["127.0.0.1", "2001:db8::/32"], "198.51.100.1, [2001:db8::7]", "198.51.100.1"],
    // What is no address was said by the proxy in front of it, or made up before that.
    [["127.0.0.1"], "unknown", "127.0.0.1"],
    [["127.0.0.1"], "x".repeat(200), "127.0.0.1"],
    [["127.0.0.1"], "198.51.100.1, <script>", "127.0.0.1"],
    [["127.0.0.1"], "garbage, 203.0.113.5", "203.0.113.5"],
    [["127.0.0.1"], ", ,", "127.0.0.1"],
  ])("of proxies %j saying %s gives %s", async (trustedProxies, forwarded, ip) => {
    await startServer(routes, { trustedProxies: () => trustedProxies });
    const answer = await server.app.inject({
      url: "/_matrix/client/versions",
      headers: { "x-forwarded-for": forwarded },
    });
    expect(answer.json().ip).toBe(ip);
  });
});

describe("the metrics", () => {
  const ask = async (
    base: string,
    path = "/_weft/metrics",
    headers: Record<string, string> = {},
  ) => {
    const answer = await fetch(`${base}${path}`, { headers });
    return { status: answer.status, text: await answer.text() };
  };

  test("are for this machine, and not for what a proxy hands on", async () => {
    await startServer([], { trustedProxies: () => ["127.0.0.0/8"] });
    const base = `http://127.0.0.1:${await server.listen(LOCAL)}`;
    expect((await ask(base)).text).toContain("weft_http_requests_under_way");
    for (const header of ["x-forwarded-for", "forwarded", "via", "x-real-ip"]) {
      expect(await ask(base, undefined, { [header]: "127.0.0.1" })).toMatchObject({ status: 403 });
    }
    const elsewhere = { url: "/_weft/metrics", remoteAddress: "203.0.113.5" };
    expect((await server.app.inject(elsewhere)).statusCode).toBe(403);
    expect(
      (await server.app.inject({ ...elsewhere, remoteAddress: "::ffff:127.0.0.1" })).statusCode,
    ).toBe(200);
  });

  test("with a listener of their own are there, and nothing else is", async () => {
    const listeners = createListeners(silentLogger());
    const port = await listeners.listenForMetrics(LOCAL);
    await startServer([route("getVersions", () => ({ versions: [] }))], {
      listeners,
      metricsApart: true,
    });
    const apart = `http://127.0.0.1:${port}`;
    expect((await ask(apart)).text).toContain("weft_http_requests_under_way");
    for (const path of ["/_matrix/client/versions", "/", "/_weft/health"]) {
      expect((await ask(apart, path)).status).toBe(404);
    }
    const base = `http://127.0.0.1:${await server.listen(LOCAL)}`;
    expect((await ask(base)).status).toBe(403);
    // Its paths are no business of the router's.
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /_weft/metrics?x HTTP/1.0\r\n\r\n");
    const [head] = (await inTime("an answer", once(socket, "data"))) as [Buffer];
    expect(head.toString()).toContain("200 OK");
    socket.destroy();
  });
});
