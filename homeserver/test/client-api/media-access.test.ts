/** Who gets a file, and what is refused. */
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { openApi } from "./support.ts";
import { get, t, token, upload, uploaded } from "./media-api.ts";

describe("files", () => {
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
