import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { get, t, token, uploaded } from "./media-api.ts";

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
