/** Previews of web pages, by whole servers and a site that may be hostile. */
import { randomBytes } from "node:crypto";
import type { RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { html, openSite, redirect, type Site } from "./site.ts";

const validators = createValidators();
let server: TestServer;
let alice: TestUser;
let site: Site;

const og = (name: string, content: string) => `<meta property="og:${name}" content="${content}">`;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  const create = { width: 40, height: 30, channels: 3 as const, background: "teal" };
  const png = await sharp({ create }).png().toBuffer();
  const file =
    (type: string, bytes: Buffer, headers: Record<string, string> = {}): RequestListener =>
    (_request, response) => {
      response.writeHead(200, { "content-type": type, ...headers });
      response.end(bytes);
    };
  const tail = Buffer.alloc(64 * 1024, " ");
  site = await openSite({
    "/page": html(
      og("title", "Title") +
        og("description", "What it says") +
        og("image", "/a.png") +
        og("url", "/page"),
    ),
    "/a.png": file("image/png", png),
    "/lying.png": file("image/png", Buffer.from("<html>no image</html>")),
    "/drawing.svg": file("image/svg+xml", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')),
    "/huge.png": file("image/png", Buffer.concat([png, randomBytes(11 * 1024 * 1024)])),
    "/with-lying": html(og("title", "L") + og("image", "lying.png")),
    "/with-svg": html(og("title", "S") + og("image", "/drawing.svg")),
    "/with-huge": html(og("title", "H") + og("image", "/huge.png")),
    "/with-script": html(
      og("title", "J") + og("image", "javascript:alert(1)") + og("url", "https://else.test/"),
    ),
    "/file.pdf": file("application/pdf", Buffer.from("%PDF")),
    "/moved": redirect("/moved-again"),
    "/moved-again": redirect("page?moved"),
    "/loop": redirect("/loop"),
    "/to-file": redirect("file:///etc/passwd"),
    "/to-mail": redirect("http://127.0.0.1:25/"),
    "/quiet": html(og("title", "Q") + og("description", "secret"), { "x-robots-tag": "nosnippet" }),
    "/robots.txt": file("text/plain", Buffer.from("User-agent: *\nDisallow: /private\n")),
    "/private": html(og("title", "P")),
    "/to-private": redirect("/private"),
    "/many": html(og("title", "M")),
    "/endless": (_request, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.write(`<title>Endless</title>`);
      const more = () => {
        while (!response.destroyed && response.write(tail));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    },
    "/bomb": file(
      "text/html",
      gzipSync(
        Buffer.concat([Buffer.from("<title>Bomb</title>"), Buffer.alloc(200 * 1024 * 1024)]),
      ),
      { "content-encoding": "gzip" },
    ),
    "/broken-gzip": file("text/html", Buffer.from("not gzip"), { "content-encoding": "gzip" }),
    "/brotli": file("text/html", Buffer.from("x"), { "content-encoding": "br" }),
    "/reset": (request) => request.socket.destroy(),
    "/deep": file("text/html", Buffer.from(`<title>Deep</title>${"<div>".repeat(200_000)}`)),
    "/japanese": file(
      "text/html; charset=shift_jis",
      Buffer.from("<title>\x82\xa0</title>", "latin1"),
    ),
  });
});

afterAll(async () => {
  await site.close();
  await server.close();
});

async function ask(
  url: string,
  { at = server.baseUrl, path = "/_matrix/client/v1/media/preview_url", user = alice } = {},
): Promise<{ status: number; body: Body }> {
  const query = new URLSearchParams({ url }).toString();
  const headers = { authorization: `Bearer ${user.token}` };
  const response = await fetch(`${at}${path}?${query}`, { headers });
  const body = (await response.json()) as Body;
  expect(validators.response("getUrlPreviewAuthed", response.status, body)).toEqual([]);
  return { status: response.status, body };
}

const asked = (path: string) => site.asked.filter((one) => one === path).length;

test("a page is told by what it says of itself, with a copy of its image", async () => {
  const { status, body } = await ask(`${site.url}/page`);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    "og:title": "Title",
    "og:description": "What it says",
    "og:url": `${site.url}/page`,
    "og:image:type": "image/png",
    "og:image:width": 40,
    "og:image:height": 30,
  });
  const [, name, mediaId] = /^mxc:\/\/([^/]+)\/(.+)$/.exec(body["og:image"])!;
  const download = `${server.baseUrl}/_matrix/client/v1/media/download/${name}/${mediaId}`;
  const image = await fetch(download, { headers: { authorization: `Bearer ${alice.token}` } });
  expect(image.headers.get("content-type")).toBe("image/png");
  expect((await image.arrayBuffer()).byteLength).toBe(body["matrix:image:size"]);
  // What stands behind the hash is not the server's.
  const old = { path: "/_matrix/media/v3/preview_url" };
  expect((await ask(`${site.url}/page#part`, old)).body).toEqual(body);
  expect(asked("/page")).toBe(1);
  expect(asked("/a.png")).toBe(1);
});

test("an image is a preview of itself; what is neither has none", async () => {
  const { body } = await ask(`${site.url}/a.png`);
  expect(body).toMatchObject({ "og:image:width": 40, "og:image": expect.stringMatching(/^mxc:/) });
  expect((await ask(`${site.url}/file.pdf`)).body).toEqual({});
});

test("many who ask at once on two replicas cost the site one visit", async () => {
  const replica = await server.replica();
  try {
    const all = [...Array(20).keys()].map((n) =>
      ask(`${site.url}/many`, { at: n % 2 === 0 ? server.baseUrl : replica.baseUrl }),
    );
    for (const { body } of await Promise.all(all)) expect(body).toEqual({ "og:title": "M" });
    expect(asked("/many")).toBe(1);
  } finally {
    await replica.stop();
  }
});

test("redirects are followed, a few of them, to web addresses only", async () => {
  expect((await ask(`${site.url}/moved`)).body["og:title"]).toBe("Title");
  for (const path of ["/loop", "/to-file", "/to-mail"]) {
    expect(await ask(`${site.url}${path}`), path).toMatchObject({
      status: 502,
      body: { errcode: "M_UNKNOWN" },
    });
  }
  expect(asked("/loop")).toBe(6);
});

test("what fails is not tried again at once", async () => {
  for (const path of ["/nowhere", "/reset", "/brotli", "/broken-gzip"]) {
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await ask(`${site.url}${path}`)).status, path).toBe(502);
    }
    expect(asked(path), path).toBe(1);
  }
});

test("a site is not visited where its robots.txt says so, and not quoted where a page says so", async () => {
  await ask(`${site.url}/page`);
  // What a site allows is remembered by each replica; the tests before asked it by two.
  const before = asked("/robots.txt");
  expect((await ask(`${site.url}/private`)).body).toEqual({});
  expect((await ask(`${site.url}/to-private`)).body).toEqual({});
  expect(asked("/private")).toBe(0);
  expect((await ask(`${site.url}/quiet`)).body).toEqual({ "og:title": "Q" });
  expect(asked("/robots.txt")).toBe(before);
});

test("an image that is none, could run programs, or is too large is left out", async () => {
  expect((await ask(`${site.url}/with-lying`)).body).toEqual({ "og:title": "L" });
  expect((await ask(`${site.url}/with-svg`)).body).toEqual({ "og:title": "S" });
  expect((await ask(`${site.url}/with-huge`)).body).toEqual({ "og:title": "H" });
  expect((await ask(`${site.url}/with-script`)).body).toEqual({ "og:title": "J" });
});

test("pages without an end, that unpack to very much, or are very deep are read in part", async () => {
  expect((await ask(`${site.url}/endless`)).body).toEqual({ "og:title": "Endless" });
  expect((await ask(`${site.url}/bomb`)).body).toEqual({ "og:title": "Bomb" });
  expect((await ask(`${site.url}/deep`)).body).toEqual({ "og:title": "Deep" });
  expect((await ask(`${site.url}/japanese`)).body).toEqual({ "og:title": "あ" });
});

test("what is no web address is refused", async () => {
  const bad = [
    ...["", "page", "file:///etc/passwd", "ftp://a.test/", "https://u:p@a.test/", "https://"],
    ...["http://127.0.0.1:22/", `https://a.test/${"x".repeat(3_000)}`],
  ];
  for (const url of bad) {
    expect(await ask(url), url).toMatchObject({
      status: 400,
      body: { errcode: "M_INVALID_PARAM" },
    });
  }
});

describe("a server", () => {
  test("does not go to private addresses, by name or number", async () => {
    const guarded = await startServer({ allowPrivateAddresses: false });
    try {
      const user = await register(guarded, "bob");
      const before = site.asked.length;
      const { port } = new URL(site.url);
      for (const host of [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0x7f000001",
        "[::ffff:127.0.0.1]",
        "0",
      ]) {
        const answer = await ask(`http://${host}:${port}/page`, { at: guarded.baseUrl, user });
        expect(answer.status, host).toBe(502);
      }
      expect(site.asked.length).toBe(before);
    } finally {
      await guarded.close();
    }
  });

  test("that makes no previews says so", async () => {
    const without = await startServer({ urlPreviews: false });
    try {
      const user = await register(without, "bob");
      const answer = await ask(`${site.url}/page`, { at: without.baseUrl, user });
      expect(answer).toMatchObject({ status: 404, body: { errcode: "M_UNRECOGNIZED" } });
      const { capabilities } = await user.call("GET", "/capabilities");
      expect(capabilities["io.element.msc4452.preview_url"]).toEqual({ enabled: false });
    } finally {
      await without.close();
    }
    const { capabilities } = await alice.call("GET", "/capabilities");
    expect(capabilities["io.element.msc4452.preview_url"]).toEqual({ enabled: true });
  });
});
