import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { PART_BYTES } from "../../src/media/store/s3-multipart.ts";
import { errcodeOf } from "../users/support.ts";
import { startBucket, type TestBucket } from "../support/s3-server.ts";
import { bytesOf, local, openMedia, remote, type TestMedia, upload } from "./support.ts";

let bucket: TestBucket;
let t: TestMedia;

beforeAll(async () => {
  bucket = await startBucket();
  t = await openMedia(shared());
});
beforeEach(() => {
  bucket.fault = undefined;
  bucket.requests.length = 0;
});
afterAll(async () => {
  await t.close();
  await bucket.close();
});

const shared = () => ({ s3: bucket.settings, clock: systemClock, maxCopiesBytes: 12_000 }) as const;
const random = (size: number) => Buffer.from(systemRandom.bytes(size));
const tidy = () => t.media.tidy(new AbortController().signal);

describe("files in a bucket", () => {
  test("come back byte for byte, whole and in part, and none stays on this machine", async () => {
    const content = random(70_000);
    const file = await t.media.download(local(await upload(t.media, content, "video/mp4")));
    expect((await bytesOf(file)).equals(content)).toBe(true);
    expect(await buffer(await file.read({ start: 10, end: 19 }))).toEqual(content.subarray(10, 20));
    expect(await t.countFiles()).toBe(0);
    const odd = (await bucket.names()).filter(
      (name) => !/^pre\d+\/[0-9a-f]{2}\/[0-9a-f]{62}$/.test(name),
    );
    expect(odd).toEqual([]);
    const empty = await t.media.download(local(await upload(t.media, Buffer.alloc(0))));
    expect(await bytesOf(empty)).toHaveLength(0);
  });

  test("of several parts are put together", async () => {
    const content = Buffer.concat([random(PART_BYTES), random(PART_BYTES), random(12_345)]);
    const file = await t.media.download(local(await upload(t.media, content)));
    expect(bucket.requests.filter((said) => said.includes("partNumber="))).toHaveLength(3);
    expect((await bytesOf(file)).equals(content)).toBe(true);
    const across = { start: PART_BYTES - 5, end: PART_BYTES + 4 };
    const part = await buffer(await file.read(across));
    expect(part.equals(content.subarray(across.start, across.end + 1))).toBe(true);
  });

  test("of the same content are sent once", async () => {
    const content = random(1000);
    await upload(t.media, content);
    await upload(t.media, content);
    expect(bucket.requests.filter((said) => said.startsWith("PUT"))).toHaveLength(1);
  });

  test("are sent again after what may pass", async () => {
    let times = 0;
    bucket.fault = (said) => {
      if (!said.startsWith("PUT")) return undefined;
      times += 1;
      return times === 1 ? 503 : times === 2 ? { cut: true } : undefined;
    };
    const content = random(1000);
    const mediaId = await upload(t.media, content);
    expect(times).toBe(3);
    expect((await bytesOf(await t.media.download(local(mediaId)))).equals(content)).toBe(true);
  });

  test("are given and taken however many others read slowly", async () => {
    const file = await t.media.download(local(await upload(t.media, random(4_000_000))));
    const held = await Promise.all(Array.from({ length: 80 }, () => file.read()));
    const small = await t.media.download(local(await upload(t.media, random(100))));
    expect(await bytesOf(small)).toHaveLength(100);
    for (const stream of held) stream.on("error", () => undefined).destroy();
  });

  test("make thumbnails, which lie there too", async () => {
    const red = { create: { width: 640, height: 480, channels: 3, background: "red" } } as const;
    const mediaId = await upload(t.media, await sharp(red).png().toBuffer(), "image/png");
    const wanted = { width: 32, height: 32, method: "crop", animated: false } as const;
    const made = await t.media.thumbnail(local(mediaId), wanted);
    expect(await sharp(await bytesOf(made)).metadata()).toMatchObject({ width: 32, height: 32 });
    expect(await t.countFiles()).toBe(0);
  });

  test("of other servers go when there is no more room, the least recently used first", async () => {
    for (const name of ["one", "two", "three"]) {
      t.remoteFiles.set(name, () => Promise.resolve({ body: Readable.from([random(4000)]) }));
    }
    await t.media.download(remote("one"));
    await t.sql`UPDATE media SET created_ts = created_ts - 2000 WHERE media_id = 'one'`;
    await t.media.download(remote("two"));
    await t.sql`UPDATE media SET created_ts = created_ts - 1000 WHERE media_id = 'two'`;
    const before = await bucket.names();
    await t.sql`UPDATE media SET accessed_ts = ${systemClock.now()} WHERE media_id = 'one'`;
    await t.media.download(remote("three"));
    await tidy();
    const rows = await t.sql`SELECT media_id FROM media WHERE server = 'there.test'`;
    expect(rows.map((row) => String(row["media_id"])).sort()).toEqual(["one", "three"]);
    expect(await bucket.names()).toHaveLength(before.length);
  });
});

describe("a bucket that fails", () => {
  test("is 503, loses no place that waits for its upload, and leaves nothing behind", async () => {
    const { uri } = await t.media.reserve("@alice:here.test" as never);
    const place = local(uri.split("/").pop()!);
    const before = await bucket.names();
    bucket.fault = () => 500;
    const said = { contentType: undefined, fileName: undefined };
    const send = () =>
      t.media.uploadTo("@alice:here.test" as never, place, said, Readable.from([random(100)]));
    await expect(send()).rejects.toMatchObject({ status: 503, errcode: "M_UNKNOWN" });
    expect(await t.countFiles()).toBe(0);
    bucket.fault = undefined;
    await tidy();
    expect(await bucket.names()).toEqual(before);
    await send();
    expect(await bytesOf(await t.media.download(place))).toHaveLength(100);
  });

  test("is 503 for downloads, before anything is answered", async () => {
    const mediaId = await upload(t.media, random(100));
    bucket.fault = () => ({ cut: true });
    const file = await t.media.download(local(mediaId));
    await expect(file.read()).rejects.toMatchObject({ status: 503, errcode: "M_UNKNOWN" });
  });

  test("ends an upload of which a part is refused", async () => {
    const before = await bucket.names();
    bucket.fault = (said) => (said.includes("partNumber=2") ? 403 : undefined);
    const code = errcodeOf(upload(t.media, random(PART_BYTES * 2)));
    expect(await code).toBe("M_UNKNOWN");
    expect(bucket.requests.some((said) => /^DELETE .*uploadId=/.test(said))).toBe(true);
    expect(await bucket.names()).toEqual(before);
  });

  test("that lacks a file says so: ours are M_NOT_FOUND, copies are fetched anew", async () => {
    const mediaId = await upload(t.media, random(100));
    const again = random(100);
    t.remoteFiles.set("again", () => Promise.resolve({ body: Readable.from([again]) }));
    await t.media.download(remote("again"));
    expect(t.asked.filter((name) => name === "again")).toHaveLength(1);
    const other = await openMedia({ ...shared(), sql: t.sql });
    bucket.fault = (said) => (/^(GET|HEAD)/.test(said) ? 404 : undefined);
    const file = await t.media.download(local(mediaId));
    await expect(file.read()).rejects.toMatchObject({ status: 404, errcode: "M_NOT_FOUND" });
    other.remoteFiles.set("again", () => Promise.resolve({ body: Readable.from([again]) }));
    await other.media.download(remote("again"));
    expect(other.asked).toEqual(["again"]);
    await other.close();
  });

  test("with a wrong secret is away, and the secret is told to nobody", async () => {
    const wrong = { accessKeyId: "S3RVER", secretAccessKey: "hunter2" };
    const s3 = { ...bucket.settings, credentials: () => wrong };
    const other = await openMedia({ ...shared(), s3 });
    const failed = await upload(other.media, random(10)).catch((error: unknown) => error);
    expect(failed).toMatchObject({ status: 503 });
    expect(String(failed)).not.toContain("hunter2");
    await other.close();
  });
});

describe("what is left of an interrupted upload", () => {
  test("is swept once its claim is over; what is in use stays", async () => {
    const content = random(500);
    const mediaId = await upload(t.media, content);
    const [{ sha256 } = {}] = await t.sql`SELECT sha256 FROM media WHERE media_id = ${mediaId}`;
    // A server that stopped between putting the file there and recording it.
    await t.sql`INSERT INTO file_claims VALUES (${sha256 as Buffer}, 'gone', 1)`;
    await tidy();
    expect((await bytesOf(await t.media.download(local(mediaId)))).equals(content)).toBe(true);
    await t.sql`DELETE FROM media WHERE media_id = ${mediaId}`;
    await t.sql`INSERT INTO file_claims VALUES (${sha256 as Buffer}, 'gone', 1)`;
    const before = await bucket.names();
    await tidy();
    expect(await bucket.names()).toHaveLength(before.length - 1);
    expect(await t.sql`SELECT FROM file_claims`).toHaveLength(0);
  });

  test("is ended at the store, if it was begun a day ago under our prefix", async () => {
    const upload = (name: string, id: string, since: number) =>
      `<Upload><Key>${name}</Key><UploadId>${id}</UploadId><Initiator><ID>x</ID></Initiator>` +
      `<Initiated>${new Date(since).toISOString()}</Initiated></Upload>`;
    const now = systemClock.now();
    const { prefix } = bucket.settings;
    const list = [
      upload(`${prefix}old`, "a&amp;b", now - 25 * 3_600_000),
      upload(`${prefix}new`, "new", now - 3_600_000),
      upload("other/old", "other", now - 25 * 3_600_000),
    ];
    bucket.fault = (said) => {
      if (said.startsWith("DELETE")) return 204;
      return said.includes("uploads=") ? `<R>${list.join("")}</R>` : undefined;
    };
    await tidy();
    const ended = bucket.requests.filter((said) => said.startsWith("DELETE"));
    expect(ended).toEqual([`DELETE /weft-test/${prefix}old?uploadId=a%26b`]);
  });

  test("is left alone while somebody else puts the same file there", async () => {
    const mediaId = await upload(t.media, random(501));
    const [{ sha256 } = {}] = await t.sql`SELECT sha256 FROM media WHERE media_id = ${mediaId}`;
    const later = systemClock.now() + 60_000;
    await t.sql`INSERT INTO file_claims VALUES (${sha256 as Buffer}, 'other', ${later})`;
    await t.sql`DELETE FROM media WHERE media_id = ${mediaId}`;
    await t.sql`INSERT INTO file_claims VALUES (${sha256 as Buffer}, '', 0)`;
    const before = await bucket.names();
    await tidy();
    expect(await bucket.names()).toEqual(before);
    await t.sql`DELETE FROM file_claims`;
  });
});
