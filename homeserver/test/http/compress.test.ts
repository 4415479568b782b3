import { Readable } from "node:stream";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { fileReply } from "../../src/client-api/media-reply.ts";
import { encodingFor } from "../../src/http/reply/compress.ts";
import { binary, json } from "../../src/http/reply/reply.ts";
import { route } from "../../src/http/route.ts";
import type { MediaFile } from "../../src/media/types.ts";
import { server, startServer } from "./one-server.ts";
import { VERSIONS, ask } from "./compressed.ts";

const LONG = { versions: Array.from({ length: 400 }, (_, count) => `v${count} é`) };

const undo = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
} as const;

describe("an answer", () => {
  test.each(["gzip", "br", "zstd"] as const)("is compressed for who takes %s", async (encoding) => {
    await startServer([route("getVersions", () => LONG)]);
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
    await startServer([route("getVersions", () => LONG)]);
    const answer = await ask(accept);
    expect(answer.headers["content-encoding"]).toBeUndefined();
    expect(answer.headers["vary"]).toBe("Accept-Encoding");
    expect(answer.json()).toEqual(LONG);
  });

  test("that fits in a packet goes out as it is", async () => {
    await startServer([route("getVersions", () => ({ a: "x".repeat(900) }))]);
    const answer = await ask("gzip, br");
    expect(answer.headers["content-encoding"]).toBeUndefined();
    expect(answer.json().a).toHaveLength(900);
  });

  test("keeps what else it varies by, its status and its headers", async () => {
    await startServer([
      route("getVersions", () => json(LONG, { status: 202, headers: { vary: "Authorization" } })),
    ]);
    const answer = await ask("gzip");
    expect(answer.statusCode).toBe(202);
    expect(answer.headers["vary"]).toBe("Authorization, Accept-Encoding");
  });

  test("of files is left as it is", async () => {
    const bytes = Buffer.alloc(5000, "x");
    await startServer([
      route("getContent", () =>
        binary(Readable.from([bytes]), { headers: { "content-type": "image/png" } }),
      ),
    ]);
    const answer = await ask("gzip", "/_matrix/media/v3/download/here.test/x");
    expect(answer.headers["content-encoding"]).toBeUndefined();
    expect(answer.rawPayload).toEqual(bytes);
  });

  test("to HEAD has no body", async () => {
    await startServer([route("getVersions", () => LONG)]);
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
      await startServer([
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
