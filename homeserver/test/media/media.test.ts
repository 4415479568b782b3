import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { multipartOf } from "../../src/media/multipart.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { MatrixError } from "../../src/protocol/errors.ts";
import type { UserId } from "../../src/protocol/identifiers.ts";
import { boundaryOf, readMultipart } from "../../src/federation-client/reading/multipart.ts";
import { errcodeOf } from "../users/support.ts";
import { ALICE, bytesOf, local, openMedia, remote, upload, type TestMedia } from "./support.ts";

let t: TestMedia;
beforeAll(async () => {
  t = await openMedia({ maxUploadBytes: 100_000, maxCopiesBytes: 12_000 });
});
afterAll(() => t.close());

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
    expect(await buffer(file.read({ start: 10, end: 19 }))).toEqual(content.subarray(10, 20));
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

test("a copy that the database does not take is no fault of the other server's", async () => {
  const own = await openMedia();
  own.remoteFiles.set("good", {});
  own.remoteFiles.set("cut", {
    body: Readable.from(
      (async function* () {
        yield Buffer.from("re");
        throw new Error("the other end went away");
      })(),
    ),
  });
  await expect(own.media.download(remote("cut"))).rejects.toMatchObject({ status: 502 });
  const refuse = `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''the disk is full''; END'`;
  await own.sql.unsafe(refuse);
  await own.sql.unsafe(
    "CREATE TRIGGER refuse BEFORE INSERT ON media FOR EACH ROW EXECUTE FUNCTION refuse()",
  );
  const error = await own.media.download(remote("good")).catch((reason: unknown) => reason);
  expect(error).not.toBeInstanceOf(MatrixError);
  expect(String(error)).toContain("the disk is full");
  await own.close();
});

describe("reserved places", () => {
  const said = { contentType: "text/plain", fileName: undefined };
  const placeOf = (uri: string) => local(uri.split("/").pop()!);
  const fill = (uri: string, by = ALICE) =>
    t.media.uploadTo(by, placeOf(uri), said, Readable.from([Buffer.from("late")]));

  test("are filled once, by who reserved them, and give the file to who waits for it", async () => {
    const { uri } = await t.media.reserve(ALICE);
    const waiting = t.media.download({ ...placeOf(uri), timeoutMs: 10_000 });
    while (t.clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await errcodeOf(fill(uri, "@bob:here.test" as never))).toBe("M_FORBIDDEN");
    await fill(uri);
    t.clock.advance(1000);
    expect((await bytesOf(await waiting)).toString()).toBe("late");
    expect(await errcodeOf(fill(uri))).toBe("M_CANNOT_OVERWRITE_MEDIA");
  });

  test("are looked at by one of all who wait for the same file", async () => {
    const { uri } = await t.media.reserve(ALICE);
    const all = Array.from({ length: 50 }, () =>
      errcodeOf(t.media.download({ ...placeOf(uri), timeoutMs: 500 })),
    );
    const sleepers: number[] = [];
    let isOver = false;
    const over = Promise.all(all).finally(() => (isOver = true));
    while (!isOver) {
      await new Promise((go) => setImmediate(go));
      if (t.clock.sleepers === 0) continue;
      // What was asked before this is answered has been answered: all wait that will.
      for (let turn = 0; turn < 50; turn += 1) await t.sql`SELECT`;
      sleepers.push(t.clock.sleepers);
      t.clock.advance(250);
    }
    expect(new Set(await over)).toEqual(new Set(["M_NOT_YET_UPLOADED"]));
    expect(Math.max(...sleepers)).toBe(1);
  });

  test("that stay empty are 504, and lapse after a day", async () => {
    const { uri, untilTs } = await t.media.reserve(ALICE);
    const asked = t.media.download({ ...placeOf(uri), timeoutMs: 0 });
    await expect(asked).rejects.toMatchObject({ status: 504, errcode: "M_NOT_YET_UPLOADED" });
    t.clock.advance(untilTs - t.clock.now() + 1);
    expect(await errcodeOf(fill(uri))).toBe("M_NOT_FOUND");
    expect(await errcodeOf(fill("mxc://here.test/none"))).toBe("M_NOT_FOUND");
  });

  test("are not given without end", async () => {
    for (let i = 0; i < 100; i += 1) await t.media.reserve(ALICE);
    expect(await errcodeOf(t.media.reserve(ALICE))).toBe("M_LIMIT_EXCEEDED");
  });
});

describe("other servers' files", () => {
  test("are fetched once for all who ask, and kept", async () => {
    t.remoteFiles.set("once", {
      contentType: "text/plain",
      contentDisposition: `attachment; filename="plain.txt"; filename*=utf-8''sch%C3%B6n.txt`,
    });
    const all = await Promise.all([1, 2, 3].map(() => t.media.download(remote("once"))));
    expect(all[2]).toMatchObject({ contentType: "text/plain", fileName: "schön.txt", size: 6 });
    expect((await bytesOf(all[0]!)).toString()).toBe("remote");
    await t.media.download(remote("once"));
    expect(t.asked.filter((asked) => asked === "once")).toHaveLength(1);
  });

  test("are not asked for when the client says so", async () => {
    const request = { ...remote("unasked"), allowRemote: false };
    expect(await errcodeOf(t.media.download(request))).toBe("M_NOT_FOUND");
    expect(t.asked).not.toContain("unasked");
  });

  test("that are too large are 502 M_TOO_LARGE, whether told or found", async () => {
    t.remoteFiles.set("told", { contentLength: 100_001 });
    t.remoteFiles.set("found", { body: Readable.from([Buffer.alloc(100_001)]) });
    for (const mediaId of ["told", "found"]) {
      await expect(t.media.download(remote(mediaId))).rejects.toMatchObject({
        status: 502,
        errcode: "M_TOO_LARGE",
      });
    }
    await expect(t.media.download(remote("none"))).rejects.toMatchObject({ status: 404 });
  });

  test("that break off are 502 and are fetched anew next time", async () => {
    let times = 0;
    t.remoteFiles.set("broken", async () => {
      times += 1;
      const half = async function* () {
        yield Buffer.from("half");
        throw new Error("reset");
      };
      return times === 1 ? { body: Readable.from(half()) } : {};
    });
    await expect(t.media.download(remote("broken"))).rejects.toMatchObject({
      status: 502,
      errcode: "M_UNKNOWN",
    });
    expect((await t.media.download(remote("broken"))).size).toBe(6);
  });

  test("that do not come in time are 504, and come for whoever asks later", async () => {
    let deliver = (_file: object) => {};
    const delivered = new Promise<object>((resolve) => (deliver = resolve));
    t.remoteFiles.set("slow", () => delivered);
    const waiting = t.media.download({ ...remote("slow"), timeoutMs: 5_000 });
    const refused = expect(waiting).rejects.toMatchObject({
      status: 504,
      errcode: "M_NOT_YET_UPLOADED",
    });
    while (t.clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
    t.clock.advance(5_000);
    await refused;
    const again = t.media.download(remote("slow"));
    deliver({});
    expect((await again).size).toBe(6);
    expect(t.asked.filter((asked) => asked === "slow")).toHaveLength(1);
  });

  test("give way to newer ones when there is no more room", async () => {
    const own = await upload(t.media, Buffer.from("remote"));
    for (let i = 0; i < 3; i += 1) {
      t.clock.advance(1000);
      t.remoteFiles.set(`big${i}`, { body: Readable.from([Buffer.alloc(4_900, i)]) });
      await t.media.download(remote(`big${i}`));
    }
    const kept = async () =>
      (await t.sql`SELECT media_id FROM media WHERE user_id IS NULL ORDER BY 1`).map(
        (r) => r["media_id"],
      );
    while ((await kept()).length > 2) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await kept()).toEqual(["big1", "big2"]);
    expect((await bytesOf(await t.media.download(local(own)))).toString()).toBe("remote");
  });

  test("count with what a row and a name take, so that empty ones are not without end", async () => {
    for (let i = 0; i < 30; i += 1) {
      t.clock.advance(1000);
      t.remoteFiles.set(`empty${i}`, { body: Readable.from([]) });
      await t.media.download(remote(`empty${i}`));
    }
    const count = async () => (await t.sql`SELECT FROM media WHERE user_id IS NULL`).length;
    while ((await count()) > 11) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await count()).toBe(11);
  });
});

test("a file goes to another server as the second part of a multipart body", async () => {
  const file = await t.media.download(
    local(await upload(t.media, Buffer.from("\r\n--x\r\n"), "text/plain", 'a "b".txt')),
  );
  const answer = multipartOf(file, systemRandom);
  const whole = await buffer(answer.body);
  expect(whole).toHaveLength(answer.length);
  const parts = [];
  for await (const part of readMultipart(Readable.from([whole]), boundaryOf(answer.contentType)!)) {
    parts.push([part.headers.get("content-disposition"), (await buffer(part.body)).toString()]);
  }
  expect(parts).toEqual([
    [undefined, "{}"],
    ['inline; filename="a \\"b\\".txt"', "\r\n--x\r\n"],
  ]);
});
