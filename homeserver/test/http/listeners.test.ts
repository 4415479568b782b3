import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAuthority } from "../../../scripts/lib/certificates.mjs";
import { route } from "../../src/http/route.ts";
import type { HttpServer } from "../../src/http/server.ts";
import { serverWith } from "./support.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

let folder: string;
let server: HttpServer;
beforeEach(() => {
  folder = makeTemporaryFolder("weft-http-");
});
afterEach(async () => {
  await server.close(500);
  rmSync(folder, { recursive: true });
});

const versions = route("getVersions", () => ({ versions: [] }));

test("HTTPS is served beside HTTP, and a new certificate is taken up while running", async () => {
  const authority = createAuthority();
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const write = (name: string) => {
    const issued = authority.issue([name, "localhost"]);
    writeFileSync(files.cert, issued.cert);
    writeFileSync(files.key, issued.key);
  };
  write("first.test");
  server = await serverWith([versions]);
  const port = await server.listenSecurely(
    { host: "127.0.0.1", port: 0 },
    { ...files, watchMs: 50 },
  );
  const names = () =>
    new Promise<string>((resolve, reject) => {
      const url = `https://localhost:${port}/_matrix/client/versions`;
      request(url, { ca: authority.cert, agent: false }, (answer) => {
        const certificate = (
          answer.socket as import("node:tls").TLSSocket
        ).getPeerX509Certificate();
        answer.resume().on("end", () => resolve(certificate?.subjectAltName ?? ""));
      })
        .on("error", reject)
        .end();
    });
  expect(await names()).toContain("first.test");
  write("second.test");
  await expect.poll(names, { timeout: 60_000 }).toContain("second.test");
});

test("plain HTTP can also be on a unix socket, over a stale file", async () => {
  const socketPath = join(folder, "s.sock");
  writeFileSync(socketPath, "");
  server = await serverWith([versions]);
  await server.listenOnSocket(socketPath);
  const status = await new Promise((resolve) => {
    const url = { socketPath, path: "/_matrix/client/versions" };
    httpRequest(url, (answer) => resolve(answer.resume().statusCode)).end();
  });
  expect(status).toBe(200);
});

test("the web client is served with its rules, and paths within it lead to the page", async () => {
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><p>page</p>");
  writeFileSync(join(folder, "assets", "a-1234.js"), "let a;");
  writeFileSync(join(folder, "..", "secret.txt"), "secret");
  server = await serverWith([versions], { webClient: { folder, connectTo: ["https://x.test"] } });
  const get = async (url: string) => await server.app.inject({ url });
  for (const url of ["/", "/?registration_token=t", "/index.html"]) {
    const page = await get(url);
    expect(page.statusCode, url).toBe(200);
    expect(page.body).toContain("page");
    expect(page.headers["content-security-policy"]).toContain(
      "connect-src 'self' blob: data: https://x.test wss://x.test",
    );
    expect(page.headers["cache-control"]).toBe("no-cache");
  }
  for (const [url, place] of [
    ["/room/!abc%3Ax", "../#/room/!abc%3Ax"],
    ["/directory", "./#/directory"],
    ["/room/!a/$b?via=x", "../../?via=x#/room/!a/$b"],
    ["//evil", "../#//evil"],
  ]) {
    const answer = await get(url!);
    expect([answer.statusCode, answer.headers.location], url).toEqual([302, place]);
  }
  const asset = await get("/assets/a-1234.js");
  expect(asset.headers["content-type"]).toContain("javascript");
  expect(asset.headers["cache-control"]).toContain("immutable");
  for (const url of [
    "/assets/none.js",
    "/_matrix/x",
    "/_other",
    "/.well-known/x",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
  ]) {
    const answer = await get(url);
    expect(answer.statusCode, url).toBe(404);
    expect(answer.json()).toMatchObject({ errcode: "M_UNRECOGNIZED" });
  }
  expect((await server.app.inject({ method: "POST", url: "/" })).statusCode).toBe(404);
});
