import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileReply } from "../../src/client-api/media-reply.ts";
import { encodingFor } from "../../src/http/reply/compress.ts";
import { binary, json, raw, streamed } from "../../src/http/reply/reply.ts";
import { route } from "../../src/http/route.ts";
import type { HttpServer } from "../../src/http/server.ts";
import type { MediaFile } from "../../src/media/types.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { serverWith } from "./support.ts";

let server: HttpServer;
afterEach(() => server?.close(500));

const LONG = { versions: Array.from({ length: 400 }, (_, count) => `v${count} é`) };
const VERSIONS = "/_matrix/client/versions";
const undo = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
} as const;

const ask = (accept: string | undefined, url = VERSIONS, method: "GET" | "HEAD" = "GET") =>
  server.app.inject({ method, url, headers: accept ? { "accept-encoding": accept } : {} });

describe("an answer", () => {
  test.each(["gzip", "br", "zstd"] as const)("is compressed for who takes %s", async (encoding) => {
    server = await serverWith([route("getVersions", () => LONG)]);
    const answer = await ask(encoding);
    expect(answer.headers).toMatchObject({
      "content-encoding": encoding,
      "content-type": "application/json",
      vary: "Accept-Encoding",
      "access-control-allow-origin": "*",
      "content-length": String(answer.rawPayload.length),
    });
    expect(answer.rawPayload.length).toBeLessThan(JSON.stringify(LONG).length / 2);
    expect(JSON.parse(undo[encoding](answer.rawPayload).toString())).toEqual(LONG);
  });

  test.each([undefined, "identity", "gzip;q=0", "deflate"])("is not for %s", async (accept) => {
    server = await serverWith([route("getVersions", () => LONG)]);
    const answer = await ask(accept);
    expect(answer.headers["content-encoding"]).toBeUndefined();
    expect(answer.headers["vary"]).toBe("Accept-Encoding");
    expect(answer.json()).toEqual(LONG);
  });

  test("that fits in a packet goes out as it is", async () => {
    server = await serverWith([route("getVersions", () => ({ a: "x".repeat(900) }))]);
    const answer = await ask("gzip, br");
    expect(answer.headers["content-encoding"]).toBeUndefined();
    expect(answer.json().a).toHaveLength(900);
  });

  test("keeps what else it varies by, its status and its headers", async () => {
    server = await serverWith([
      route("getVersions", () => json(LONG, { status: 202, headers: { vary: "Authorization" } })),
    ]);
    const answer = await ask("gzip");
    expect(answer.statusCode).toBe(202);
    expect(answer.headers["vary"]).toBe("Authorization, Accept-Encoding");
  });

  test("that is written as it is read is compressed as it is written, and cut off where reading fails", async () => {
    async function* texts(fails: boolean) {
      for (let count = 0; count < 50; count++)
        yield [JSON.stringify({ count, text: "é".repeat(99) })];
      if (fails) throw new Error("the database went away");
    }
    server = await serverWith([
      route("getVersions", () => streamed({ a: 1 }, { versions: texts(false) })),
      route("getCapabilities", () => streamed({ a: 1 }, { versions: texts(true) })),
    ]);
    const answer = await ask("gzip");
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(JSON.parse(gunzipSync(answer.rawPayload).toString()).versions).toHaveLength(50);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const url = `http://127.0.0.1:${port}/_matrix/client/v3/capabilities`;
    const broken = fetch(url, { headers: { authorization: "Bearer good-token" } });
    await expect(broken.then((response) => response.text())).rejects.toThrow();
  });

  test("of files is left as it is", async () => {
    const bytes = Buffer.alloc(5000, "x");
    server = await serverWith([
      route("getContent", () =>
        binary(Readable.from([bytes]), { headers: { "content-type": "image/png" } }),
      ),
    ]);
    const answer = await ask("gzip", "/_matrix/media/v3/download/here.test/x");
    expect(answer.headers["content-encoding"]).toBeUndefined();
    expect(answer.rawPayload).toEqual(bytes);
  });

  test("to HEAD has no body", async () => {
    server = await serverWith([route("getVersions", () => LONG)]);
    const answer = await ask("gzip", VERSIONS, "HEAD");
    expect([answer.statusCode, answer.rawPayload.length]).toEqual([200, 0]);
    expect(answer.headers["vary"]).toBe("Accept-Encoding");
    expect(answer.headers["content-encoding"]).toBeUndefined();
  });

  describe("with a file of text", () => {
    const bytes = Buffer.from("a line of text\n".repeat(300));
    const url = "/_matrix/media/v3/download/here.test/x";
    const file = {
      contentType: "text/plain",
      fileName: undefined,
      size: bytes.length,
      version: "abc",
      read: (range?: { start: number; end: number }) =>
        Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes]),
    };
    const get = (headers: Record<string, string>) => server.app.inject({ url, headers });
    beforeEach(async () => {
      server = await serverWith([
        route("getContent", ({ request }) => fileReply(request, file as unknown as MediaFile)),
      ]);
    });

    test("is compressed as a whole, with a tag of its own kind and no offer of parts", async () => {
      const answer = await get({ "accept-encoding": "gzip" });
      expect(answer.headers).toMatchObject({
        "content-encoding": "gzip",
        etag: 'W/"abc"',
        vary: "Accept-Encoding",
      });
      expect(answer.headers["accept-ranges"]).toBeUndefined();
      expect(gunzipSync(answer.rawPayload)).toEqual(bytes);
      const plain = await get({});
      expect(plain.headers).toMatchObject({ etag: '"abc"', "accept-ranges": "bytes" });
      expect(plain.headers["vary"]).toBe("Accept-Encoding");
    });

    test("in part is those bytes as they are, whatever the client takes", async () => {
      const answer = await get({ "accept-encoding": "gzip, br, zstd", range: "bytes=3-1999" });
      expect(answer.statusCode).toBe(206);
      expect(answer.headers).toMatchObject({
        etag: '"abc"',
        vary: "Accept-Encoding",
        "content-length": "1997",
        "content-range": `bytes 3-1999/${bytes.length}`,
      });
      expect(answer.headers["content-encoding"]).toBeUndefined();
      expect(answer.rawPayload).toEqual(bytes.subarray(3, 2000));
      // Who has a compressed one does not go on with plain bytes.
      const resumed = await get({ range: "bytes=3-", "if-range": 'W/"abc"' });
      expect([resumed.statusCode, resumed.rawPayload.length]).toEqual([200, bytes.length]);
    });

    test("that the client has says which it is and what it varies by", async () => {
      for (const [accept, known, etag] of [
        ["gzip", 'W/"abc"', 'W/"abc"'],
        ["identity", '"abc"', '"abc"'],
        ["gzip", '"abc"', 'W/"abc"'],
      ] as const) {
        const answer = await get({ "accept-encoding": accept, "if-none-match": known });
        expect(answer.statusCode).toBe(304);
        expect(answer.headers).toMatchObject({ etag, vary: "Accept-Encoding" });
      }
    });
  });

  test("is not compressed as a stream where too many are, and is again once they have ended", async () => {
    const sources: Readable[] = [];
    server = await serverWith([
      route("getContent", () => {
        const source = new Readable({ read: () => undefined });
        sources.push(source);
        source.push("a".repeat(2000));
        return binary(source, { headers: { "content-type": "text/plain" } });
      }),
    ]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const url = `http://127.0.0.1:${port}/_matrix/media/v3/download/here.test/x`;
    const headers = { "accept-encoding": "gzip" };
    const request = () => new Promise<IncomingMessage>((resolve) => get(url, { headers }, resolve));
    const answers: IncomingMessage[] = [];
    for (let count = 0; count < 40; count++) answers.push(await request());
    const encodings = answers.map((answer) => answer.headers["content-encoding"]);
    expect(encodings.filter((encoding) => encoding === "gzip")).toHaveLength(32);
    expect(encodings.at(-1)).toBeUndefined();
    const ends = answers.map((answer) => once(answer.resume(), "end"));
    for (const source of sources) source.push(null);
    await Promise.all(ends);
    const last = await request();
    expect(last.headers["content-encoding"]).toBe("gzip");
    last.destroy();
  });

  test("leaves the main loop free while it is compressed", async () => {
    const text = JSON.stringify({ a: Array.from({ length: 200_000 }, (_, count) => `${count} é`) });
    server = await serverWith([route("getVersions", () => raw(text))]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    let turns = 0;
    let over = false;
    const count = () => {
      turns += 1;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const answer = await fetch(`http://127.0.0.1:${port}${VERSIONS}`, {
      headers: { "accept-encoding": "gzip" },
    });
    expect(await answer.text()).toBe(text);
    over = true;
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    expect(turns).toBeGreaterThan(20);
  });

  test("whose client goes away meanwhile harms nobody", async () => {
    const text = JSON.stringify({ a: "x".repeat(3_000_000) });
    const asked = Promise.withResolvers<void>();
    server = await serverWith([
      route("getVersions", ({ request }) => {
        request.raw.socket.destroy();
        asked.resolve();
        return raw(text);
      }),
    ]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const gone = fetch(`http://127.0.0.1:${port}${VERSIONS}`, {
      headers: { "accept-encoding": "br" },
    });
    await expect(gone).rejects.toThrow();
    await asked.promise;
    expect((await server.app.inject({ url: "/_weft/health" })).statusCode).toBe(200);
  });
});

test.each([
  ["gzip, deflate, br, zstd", "zstd"],
  ["gzip, deflate, br", "br"],
  ["gzip;q=1.0, br;q=0.5", "gzip"],
  ["*", "zstd"],
  ["*;q=0", undefined],
  ["br;q=0, *", "zstd"],
  ["GZIP", "gzip"],
  ["", undefined],
  ["gzip;q=nonsense", undefined],
  ["gzip;q=nonsense, br;q=0.1", "br"],
  ["br;q=0.4, gzip;q=0.5, identity;q=0.6", undefined],
  ["identity, gzip", "gzip"],
  ["identity;q=0.5, gzip;q=0.5", "gzip"],
  ["identity, gzip;q=0.9", undefined],
  ["*;q=0.1, identity;q=0.5", undefined],
  ["identity;q=0, *", "zstd"],
  ["x-gzip", "gzip"],
  ["gzip ; Q=0.2 , br ; q=0.1", "gzip"],
  ["gzip;q=7", undefined],
  ["gzip;q=-1", undefined],
])("of %j is taken %s", (header, encoding) => {
  expect(encodingFor(header)).toBe(encoding);
});

test("the web client's files are sent as they were compressed when they were built", async () => {
  const folder = makeTemporaryFolder("weft-static-");
  mkdirSync(join(folder, "assets"));
  for (const name of ["index.html", "assets/a.js"]) {
    for (const [ending, text] of [
      ["", "plain"],
      [".br", "brotli"],
      [".gz", "gzip"],
    ]) {
      writeFileSync(join(folder, name + ending), `${text} of ${name}`);
    }
  }
  server = await serverWith([], { webClient: { folder, connectTo: [] } });
  for (const [url, name] of [
    ["/", "index.html"],
    ["/assets/a.js", "assets/a.js"],
  ] as const) {
    for (const [accept, encoding, text] of [
      ["gzip, br", "br", "brotli"],
      ["gzip", "gzip", "gzip"],
      ["identity", undefined, "plain"],
    ] as const) {
      const answer = await ask(accept, url);
      expect(answer.body, `${url} for ${accept}`).toBe(`${text} of ${name}`);
      expect(answer.headers["content-encoding"]).toBe(encoding);
      expect(String(answer.headers["vary"]).toLowerCase()).toContain("accept-encoding");
      expect(answer.headers["content-type"]).toMatch(url === "/" ? /html/ : /javascript/);
    }
  }
  rmSync(folder, { recursive: true });
});
