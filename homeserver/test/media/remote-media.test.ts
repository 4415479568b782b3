import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { multipartOf } from "../../src/media/multipart.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { MatrixError } from "../../src/protocol/errors.ts";
import { boundaryOf, readMultipart } from "../../src/federation-client/reading/multipart.ts";
import { errcodeOf } from "../users/support.ts";
import { bytesOf, local, openMedia, remote, upload } from "./support.ts";
import { until } from "../support/wait.ts";
import { t } from "./one-store.ts";

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
    await until(() => t.clock.sleepers > 0, { every: 0 });
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
    await until(async () => (await kept()).length <= 2);
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
    await until(async () => (await count()) <= 11);
    expect(await count()).toBe(11);
  });
});

test("a file goes to another server as the second part of a multipart body", async () => {
  const file = await t.media.download(
    local(await upload(t.media, Buffer.from("\r\n--x\r\n"), "text/plain", 'a "b".txt')),
  );
  const answer = await multipartOf(file, systemRandom);
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
