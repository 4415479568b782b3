import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "./support.ts";

let t: TestApi;
let token: string;
beforeAll(async () => {
  t = await openApi();
  token = (await t.register("alice")).access_token;
});
afterAll(() => t.close());

async function upload(content: Buffer | string, type?: string, name = "") {
  return await t.inject({
    method: "POST",
    url: `/_matrix/media/v3/upload${name && `?filename=${encodeURIComponent(name)}`}`,
    payload: content,
    headers: { authorization: `Bearer ${token}`, ...(type && { "content-type": type }) },
  });
}
async function uploaded(...args: Parameters<typeof upload>): Promise<string> {
  const { body } = await upload(...args);
  return body.content_uri.slice("mxc://".length);
}
const get = (path: string, headers: Record<string, string> = {}, method: "GET" | "HEAD" = "GET") =>
  t.inject({
    method,
    url: `/_matrix/client/v1/media/${path}`,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });

describe("files", () => {
  test("go up as they are, JSON included, and come down locked in a sandbox", async () => {
    const uri = await uploaded('{"a":1.50}', "application/json", "data.json");
    const file = await get(`download/${uri}`);
    expect(file.status).toBe(200);
    expect(file.raw.toString()).toBe('{"a":1.50}');
    expect(file.headers).toMatchObject({
      "content-type": "application/json",
      "content-length": "10",
      "content-disposition": 'inline; filename="data.json"',
      "content-security-policy": expect.stringMatching(/^sandbox; default-src 'none'/),
      "cross-origin-resource-policy": "cross-origin",
      "x-content-type-options": "nosniff",
      "cache-control": "private, max-age=31536000, immutable",
      "accept-ranges": "bytes",
      "access-control-allow-origin": "*",
    });
  });

  test.each([
    ["", "application/octet-stream"],
    [" ", "application/octet-stream"],
    ["nonsense", "application/octet-stream"],
    ["/", "application/octet-stream"],
    ["*/*", "application/octet-stream"],
    ["image/*; q=1", "application/octet-stream"],
    ["image/", "application/octet-stream"],
    ["image/png/x", "application/octet-stream"],
    ["image/png, text/html", "application/octet-stream"],
    ["image/png; name", "application/octet-stream"],
    ["a".repeat(5000), "application/octet-stream"],
    ["image/png;", "image/png;"],
    ["application/json", "application/json"],
    ["application/json; charset=utf-8", "application/json; charset=utf-8"],
    ["text/plain;charset", "application/octet-stream"],
    ["multipart/form-data; boundary=x", "multipart/form-data; boundary=x"],
  ])("of the type %j are kept as %j", async (said, kept) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": said };
    for (const payload of ['{"errcode":"M_A","error":""}', ""]) {
      const url = "/_matrix/media/v3/upload";
      const { status, body } = await t.inject({ method: "POST", url, payload, headers });
      expect(status).toBe(200);
      const file = await get(`download/${body.content_uri.slice("mxc://".length)}`);
      expect([file.raw.toString(), file.headers["content-type"]]).toEqual([payload, kept]);
    }
  });

  test.each([
    ["filename=", undefined],
    ["filename", undefined],
    ["filename=a%00b.txt", 'filename="ab.txt"'],
    ["filename=%ff%fe", expect.anything()],
    ["filename=a&filename=b", undefined],
    ["filename=%22%5c%0d%0a", 'filename="\\"_"'],
    ["filename=..%2f..%2fx", 'filename=".._.._x"'],
    ["filename[a]=b", undefined],
  ])("with the name %s are taken", async (query, name) => {
    const { status, body } = await t.inject({
      method: "POST",
      url: `/_matrix/media/v3/upload?${query}`,
      payload: "x",
      headers: { authorization: `Bearer ${token}`, "content-type": "text/plain" },
    });
    expect(status).toBe(200);
    const { headers } = await get(`download/${body.content_uri.slice("mxc://".length)}`);
    const [kind, given] = String(headers["content-disposition"]).split("; ", 2);
    expect([kind, given]).toEqual(["inline", name]);
  });

  test("that a browser might run are attachments, under the name that is asked for", async () => {
    const uri = await uploaded("<script>", "text/html");
    expect((await get(`download/${uri}`)).headers["content-disposition"]).toBe("attachment");
    const named = await get(`download/${uri}/${encodeURIComponent("schön.html")}`);
    expect(named.headers["content-disposition"]).toBe(
      `attachment; filename="sch_n.html"; filename*=UTF-8''sch%C3%B6n.html`,
    );
  });

  test("are not sent to who has them", async () => {
    const uri = await uploaded("content", "text/plain");
    const etag = String((await get(`download/${uri}`)).headers["etag"]);
    const again = await get(`download/${uri}`, { "if-none-match": etag });
    expect(again).toMatchObject({ status: 304 });
    expect(again.raw).toHaveLength(0);
    expect(await get(`download/${uri}`, { "if-none-match": '"other"' })).toMatchObject({
      status: 200,
    });
  });

  test.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=-50", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=5-99", 206, "56789", "bytes 5-9/10"],
    ["bytes=10-", 416, "", "bytes */10"],
    ["bytes=-0", 416, "", "bytes */10"],
    ["bytes=4-2", 200, "0123456789", undefined],
    ["bytes=0-1,3-4", 200, "0123456789", undefined],
    ["lines=1-2", 200, "0123456789", undefined],
  ])("the range %s gives %i %j", async (range, status, text, contentRange) => {
    const uri = await uploaded("0123456789", "text/plain");
    const part = await get(`download/${uri}`, { range });
    expect(part.status).toBe(status);
    expect(part.raw.toString()).toBe(text);
    expect(part.headers["content-range"]).toBe(contentRange);
  });

  test("have their head alone for HEAD", async () => {
    const uri = await uploaded("0123456789", "text/plain");
    const head = await get(`download/${uri}`, {}, "HEAD");
    expect(head).toMatchObject({ status: 200, headers: { "content-length": "10" } });
    expect(head.raw).toHaveLength(0);
  });

  test("too large ones are 413 M_TOO_LARGE, as the configuration says", async () => {
    const { body: config } = await get("config");
    expect(config).toEqual({ "m.upload.size": 1_000_000 });
    expect((await t.call("GET", "/_matrix/media/v3/config", undefined, token)).body).toEqual(
      config,
    );
    expect(await upload(Buffer.alloc(1_000_001))).toMatchObject({
      status: 413,
      body: { errcode: "M_TOO_LARGE" },
    });
  });

  test("need a token, to go up and to come down", async () => {
    const uri = await uploaded("secret", "text/plain");
    const anonymous = await t.inject({ url: `/_matrix/client/v1/media/download/${uri}` });
    expect(anonymous).toMatchObject({ status: 401, body: { errcode: "M_MISSING_TOKEN" } });
    const up = await t.inject({ method: "POST", url: "/_matrix/media/v3/upload", payload: "x" });
    expect(up).toMatchObject({ status: 401 });
    for (const path of [
      `download/${uri}`,
      `download/${uri}/x`,
      `thumbnail/${uri}?width=9&height=9`,
    ]) {
      expect(await t.inject({ url: `/_matrix/media/v3/${path}` })).toMatchObject({
        status: 404,
        body: { errcode: "M_NOT_FOUND" },
      });
    }
  });

  test.each([
    ["download/here.test/none", 404, "M_NOT_FOUND"],
    ["download/here.test/..%2F..%2Fetc", 400, "M_INVALID_PARAM"],
    ["download/not%20a%20server/x", 400, "M_INVALID_PARAM"],
    ["thumbnail/here.test/none?width=0&height=5", 400, "M_INVALID_PARAM"],
    ["thumbnail/here.test/none?width=x&height=5", 400, "M_INVALID_PARAM"],
    ["thumbnail/here.test/none?height=5", 400, "M_MISSING_PARAM"],
    ["thumbnail/here.test/none?width=5&height=5&method=squash", 400, "M_INVALID_PARAM"],
  ])("%s is refused with the right code", async (path, status, errcode) => {
    expect(await get(path)).toMatchObject({ status, body: { errcode } });
  });
});

describe("over a real connection", () => {
  const post = async (content: ReadableStream | Buffer) => {
    const port = await t.http.listen({ host: "127.0.0.1", port: 0 });
    return await fetch(`http://127.0.0.1:${port}/_matrix/media/v3/upload`, {
      method: "POST",
      body: content as never,
      headers: { authorization: `Bearer ${token}` },
      duplex: "half",
    });
  };

  test.each([
    ["announced", () => Buffer.alloc(3_000_000)],
    ["streamed", () => streamOf(60, 50_000)],
  ])(
    "the answer to a file that is too large and %s is read by who sends it",
    async (_how, content) => {
      const answer = await post(content());
      expect(answer.status).toBe(413);
      expect(await answer.json()).toMatchObject({ errcode: "M_TOO_LARGE" });
    },
  );

  test("a file is streamed up and down", async () => {
    const answer = await post(streamOf(10, 50_000));
    const { content_uri: uri } = (await answer.json()) as { content_uri: string };
    expect((await get(`download/${uri.slice(6)}`)).raw).toHaveLength(500_000);
  });
});

function streamOf(chunks: number, size: number): ReadableStream {
  let left = chunks;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      left -= 1;
      controller.enqueue(new Uint8Array(size));
    },
  });
}

test("a file is uploaded to a place that was reserved", async () => {
  const { body: place } = await t.call("POST", "/_matrix/media/v1/create", undefined, token);
  const uri = place.content_uri.slice("mxc://".length);
  expect(place.unused_expires_at).toBeGreaterThan(t.clock.now());
  expect(await get(`download/${uri}?timeout_ms=0`)).toMatchObject({ status: 504 });
  const filled = await t.inject({
    method: "PUT",
    url: `/_matrix/media/v3/upload/${uri}?filename=late.txt`,
    payload: "late",
    headers: { authorization: `Bearer ${token}`, "content-type": "text/plain" },
  });
  expect(filled).toMatchObject({ status: 200, body: {} });
  expect((await get(`download/${uri}`)).raw.toString()).toBe("late");
});

test("a thumbnail is an image that may be shown in place", async () => {
  const create = { width: 900, height: 900, channels: 3, background: "teal" } as const;
  const uri = await uploaded(await sharp({ create }).png().toBuffer(), "image/png", "square.png");
  const small = await get(`thumbnail/${uri}?width=50&height=50&method=crop&animated=false`);
  expect(small.headers).toMatchObject({
    "content-type": "image/png",
    "content-disposition": 'inline; filename="thumbnail.png"',
  });
  expect(await sharp(small.raw).metadata()).toMatchObject({ width: 96, height: 96 });
});

describe("without a token", () => {
  test("files are given where the configuration says so", async () => {
    const open = await openApi({ legacyMedia: true });
    try {
      const { access_token } = await open.register("alice");
      const create = { width: 400, height: 200, channels: 3, background: "teal" } as const;
      const { body } = await open.inject({
        method: "POST",
        url: "/_matrix/media/v3/upload?filename=wide.png",
        payload: await sharp({ create }).png().toBuffer(),
        headers: { authorization: `Bearer ${access_token}`, "content-type": "image/png" },
      });
      const uri = body.content_uri.slice("mxc://".length);
      for (const version of ["v3", "r0", "v1"]) {
        const ask = (path: string) => open.inject({ url: `/_matrix/media/${version}/${path}` });
        expect(await ask(`download/${uri}`)).toMatchObject({
          status: 200,
          headers: {
            "content-disposition": 'inline; filename="wide.png"',
            "content-security-policy": expect.stringMatching(/^sandbox/),
          },
        });
        expect((await ask(`download/${uri}/other.png`)).headers["content-disposition"]).toBe(
          'inline; filename="other.png"',
        );
        const small = await ask(`thumbnail/${uri}?width=100&height=100&method=crop`);
        expect(await sharp(small.raw).metadata()).toMatchObject({ width: 200, height: 200 });
        expect(await ask("download/elsewhere.test/x?allow_remote=false")).toMatchObject({
          status: 404,
          body: { errcode: "M_NOT_FOUND" },
        });
        expect(await ask("download/elsewhere.test/..%2Fx")).toMatchObject({ status: 400 });
      }
      expect(await open.inject({ url: "/_matrix/media/v3/config" })).toMatchObject({ status: 401 });
    } finally {
      await open.close();
    }
  });
});
