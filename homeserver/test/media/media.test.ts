import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { systemRandom } from "../../src/platform/random.ts";
import type { UserId } from "../../src/protocol/identifiers.ts";
import { errcodeOf } from "../users/support.ts";
import { ALICE, bytesOf, local, openMedia, upload } from "./support.ts";
import { t } from "./one-store.ts";

describe("uploads", () => {
  test("come back byte for byte with type and name", async () => {
    const content = Buffer.from(systemRandom.bytes(70_000));
    const mediaId = await upload(t.media, content, "image/x-own; a=b", "Ünï cødé.bin");
    const file = await t.media.download(local(mediaId));
    expect(file).toMatchObject({
      contentType: "image/x-own; a=b",
      fileName: "Ünï cødé.bin",
      size: 70_000,
    });
    expect((await bytesOf(file)).equals(content)).toBe(true);
    expect(await buffer(await file.read({ start: 10, end: 19 }))).toEqual(content.subarray(10, 20));
  });

  test("of the same content lie in one file under two ids; an empty file is a file", async () => {
    const before = await t.countFiles();
    const content = Buffer.from("the same");
    expect(await upload(t.media, content)).not.toBe(await upload(t.media, content));
    expect(await t.countFiles()).toBe(before + 1);
    const empty = await t.media.download(local(await upload(t.media, Buffer.alloc(0))));
    expect(await bytesOf(empty)).toHaveLength(0);
  });

  test("that are too large or cut short leave nothing behind", async () => {
    const before = await t.countFiles();
    const large = upload(t.media, Readable.from([Buffer.alloc(99_999), Buffer.alloc(2)]));
    await expect(large).rejects.toMatchObject({ status: 413, errcode: "M_TOO_LARGE" });
    const told = { contentType: undefined, fileName: undefined, length: 100_001 };
    expect(await errcodeOf(t.media.upload(ALICE, told, Readable.from([])))).toBe("M_TOO_LARGE");
    const cut = Readable.from(
      (async function* () {
        yield Buffer.alloc(10);
        throw new Error("the client went away");
      })(),
    );
    await expect(upload(t.media, cut)).rejects.toMatchObject({ status: 400, errcode: "M_UNKNOWN" });
    expect(await t.countFiles()).toBe(before);
  });

  test("beyond a user's quota are M_FORBIDDEN", async () => {
    // Each file counts with 1 KiB more.
    const small = await openMedia({ quotaBytes: 100 + 2 * 1024 });
    await upload(small.media, Buffer.alloc(90));
    expect(await errcodeOf(upload(small.media, Buffer.alloc(11)))).toBe("M_FORBIDDEN");
    await upload(small.media, Buffer.alloc(10));
    expect(await errcodeOf(upload(small.media, Buffer.alloc(0)))).toBe("M_FORBIDDEN");
    await small.close();
  });

  test("that come at once do not pass a user's quota together", async () => {
    const small = await openMedia({ quotaBytes: 3 * 1124 });
    const uploads = Array.from({ length: 10 }, (_, i) =>
      errcodeOf(upload(small.media, Buffer.alloc(100, i))),
    );
    const codes = await Promise.all(uploads);
    expect(codes.filter((code) => code !== "M_FORBIDDEN")).toHaveLength(3);
    await small.close();
  });

  test("of a length that nobody told are read no further than a user has room", async () => {
    const small = await openMedia({ quotaBytes: 50_000 });
    let given = 0;
    const endless = Readable.from(
      (async function* () {
        for (; given < 1_000; given += 1) yield Buffer.alloc(10_000);
      })(),
      { objectMode: false, highWaterMark: 10_000 },
    );
    const refused = upload(small.media, endless);
    await expect(refused).rejects.toMatchObject({ status: 403, errcode: "M_FORBIDDEN" });
    expect(given).toBeLessThan(100);
    expect(await small.countFiles()).toBe(0);
    await small.close();
  });

  test("of one user are so many at once, and no further ones are begun", async () => {
    const held = Array.from({ length: 20 }, () => new Readable({ read: () => undefined }));
    const uploads = held.map((content) => upload(t.media, content));
    expect(await errcodeOf(upload(t.media, Buffer.from("one more")))).toBe("M_LIMIT_EXCEEDED");
    const said = { contentType: undefined, fileName: undefined };
    const bob = "@bob:here.test" as UserId;
    expect(await errcodeOf(t.media.upload(bob, said, Readable.from([Buffer.alloc(1)])))).toBe(
      "nothing",
    );
    for (const content of held) content.push(null);
    await Promise.all(uploads);
    await upload(t.media, Buffer.from("one more"));
  });

  test.each([
    ["text/html\r\nX-Evil: 1", "application/octet-stream"],
    ["nonsense", "application/octet-stream"],
    [undefined, "application/octet-stream"],
    ['text/plain; charset="utf-8"', 'text/plain; charset="utf-8"'],
  ])("a type that is said to be %j is kept as %s", async (said, kept) => {
    const mediaId = await upload(t.media, Buffer.from("x"), said);
    expect((await t.media.download(local(mediaId))).contentType).toBe(kept);
  });

  test.each([
    ["../../etc/passwd", ".._.._etc_passwd"],
    ["a\r\nb\0c", "abc"],
    ["..", undefined],
    ["safe\u202egpj.exe", "safegpj.exe"],
    ["é".repeat(200), "é".repeat(127)],
  ])("a name that is said to be %j is kept as %s", async (said, kept) => {
    const mediaId = await upload(t.media, Buffer.from("x"), "text/plain", said);
    expect((await t.media.download(local(mediaId))).fileName).toBe(kept);
  });
});

describe("downloads", () => {
  test("of what is unknown or not an id are refused", async () => {
    expect(await errcodeOf(t.media.download(local("unknown")))).toBe("M_NOT_FOUND");
    for (const mediaId of ["../../x", "a b", "", "a\0"]) {
      expect(await errcodeOf(t.media.download(local(mediaId)))).toBe("M_INVALID_PARAM");
    }
    const server = "not a server" as never;
    expect(await errcodeOf(t.media.download({ server, mediaId: "x" }))).toBe("M_INVALID_PARAM");
  });
});
