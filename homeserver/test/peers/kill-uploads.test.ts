/** A server that is killed amid uploads, with files on disk and in a bucket: nothing of them stays. */
import { request } from "node:http";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBucket, type TestBucket } from "../support/s3-server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

let network: Network;
let bucket: TestBucket;
const started: WeftProcess[] = [];

async function start(name: string, settings: Record<string, string>): Promise<WeftProcess> {
  const weft = await startWeft(network, { name, settings });
  started.push(weft);
  return weft;
}

beforeAll(async () => {
  network = await createNetwork();
  bucket = await startBucket();
}, 120_000);
afterAll(async () => {
  for (const weft of started) await weft.kill();
  await network?.close();
  await bucket?.close();
}, 60_000);

async function upload(weft: WeftProcess, user: TestUser, content: string): Promise<string> {
  const response = await fetch(`${weft.baseUrl}/_matrix/media/v3/upload`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.token}` },
    body: content,
  });
  return ((await response.json()) as Body).content_uri;
}

async function download(weft: WeftProcess, user: TestUser, uri: string): Promise<string> {
  const path = `/_matrix/client/v1/media/download/${uri.slice("mxc://".length)}`;
  const headers = { authorization: `Bearer ${user.token}` };
  return (await fetch(`${weft.baseUrl}${path}`, { headers })).text();
}

/** Half of an upload, whose other half never comes. */
function beginUpload(weft: WeftProcess, user: TestUser): { end(): void } {
  const { port } = new URL(weft.baseUrl);
  const upload = request({
    ...{ host: "127.0.0.1", port, method: "POST", path: "/_matrix/media/v3/upload" },
    headers: { authorization: `Bearer ${user.token}`, "content-length": 1_000_000 },
  });
  upload.on("error", () => undefined);
  upload.write(Buffer.alloc(500_000));
  return { end: () => upload.destroy() };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test.each(["disk", "bucket"] as const)(
  "half an upload is gone after a kill, and after its client went away: %s",
  async (where) => {
    const weft = await start(where, where === "bucket" ? s3() : {});
    const alice = await register(weft, "alice");
    const kept = await upload(weft, alice, "this one is kept");
    const media = join(network.folder, where, "media");
    const [before, named] = [await filesBelow(media), await bucket.names()];
    const hasBegun = async () => (await filesBelow(media)).length > before.length;
    const isGone = async () => (await filesBelow(media)).length === before.length;

    const cut = beginUpload(weft, alice);
    await eventually("the first half of an upload", hasBegun);
    cut.end();
    await eventually("the end of an upload that was cut off", isGone);

    const begun = beginUpload(weft, alice);
    await eventually("the first half of another", hasBegun);
    await weft.kill();
    begun.end();
    await weft.start();
    await eventually("the end of what the kill has left", isGone);
    expect(await bucket.names()).toEqual(named);
    expect(await download(weft, alice, kept)).toBe("this one is kept");
    await weft.stop();
  },
);

test("what went to the bucket as the server was killed is taken out again", async () => {
  const weft = await start("amid", s3());
  const alice = await register(weft, "alice");
  const kept = await upload(weft, alice, "this one is kept");
  const named = await bucket.names();
  let arrive = () => undefined as void;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  let go = () => undefined as void;
  const gone = new Promise<undefined>((resolve) => (go = () => resolve(undefined)));
  bucket.fault = (said) => {
    if (!said.startsWith("PUT")) return undefined;
    arrive();
    return gone;
  };
  const cut = upload(weft, alice, "this one comes to nothing").catch(() => "cut");
  await arrived;
  // The store has all of it when the server dies, and it is there a moment later.
  bucket.fault = undefined;
  await weft.kill();
  go();
  expect(await cut).toBe("cut");
  await eventually("the file in the bucket", async () => {
    return (await bucket.names()).length > named.length;
  });
  await weft.start();
  await eventually("the file's end", async () => (await bucket.names()).length === named.length);
  expect(await download(weft, alice, kept)).toBe("this one is kept");
  await weft.stop();
});

function s3(): Record<string, string> {
  const { endpoint, bucket: name, prefix, credentials } = bucket.settings;
  const { accessKeyId, secretAccessKey } = credentials();
  return {
    WEFT_MEDIA_S3_ENDPOINT: endpoint.href,
    WEFT_MEDIA_S3_BUCKET: name,
    WEFT_MEDIA_S3_PREFIX: prefix,
    WEFT_MEDIA_S3_ACCESS_KEY_ID: accessKeyId,
    WEFT_MEDIA_S3_SECRET_ACCESS_KEY: secretAccessKey,
  };
}
