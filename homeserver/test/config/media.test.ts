import { rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

const folder = makeTemporaryFolder("weft-config-");
afterAll(() => rm(folder, { recursive: true, force: true }));

const BUCKET = { WEFT_MEDIA_S3_BUCKET: "files" };
const KEY = { WEFT_MEDIA_S3_ACCESS_KEY_ID: "id", WEFT_MEDIA_S3_SECRET_ACCESS_KEY: "hunter2" };
const media = (env: NodeJS.ProcessEnv) => loadConfig(undefined, env).media;

describe("the settings of a bucket", () => {
  test("say where it is and how to get in", () => {
    const { s3 } = media({ ...BUCKET, ...KEY, WEFT_MEDIA_S3_REGION: "eu-central-1" });
    expect(s3).toMatchObject({
      bucket: "files",
      region: "eu-central-1",
      pathStyle: true,
      prefix: "",
    });
    expect(s3?.endpoint.href).toBe("https://s3.eu-central-1.amazonaws.com/");
    expect(s3?.credentials()).toEqual({ accessKeyId: "id", secretAccessKey: "hunter2" });
    const own = { WEFT_MEDIA_S3_ENDPOINT: "http://minio:9000", WEFT_MEDIA_S3_PATH_STYLE: "false" };
    const other = media({ ...BUCKET, ...KEY, ...own }).s3;
    expect(other).toMatchObject({ pathStyle: false });
    expect(other?.endpoint.href).toBe("http://minio:9000/");
  });

  test("may name a file of credentials, which is read again when it changes", async () => {
    const file = join(folder, "credentials");
    const write = (id: string) =>
      writeFile(file, `[default]\naws_access_key_id = ${id}\naws_secret_access_key=s\n`);
    await write("one");
    const { s3 } = media({ ...BUCKET, WEFT_MEDIA_S3_CREDENTIALS_FILE: file });
    expect(s3?.credentials()).toMatchObject({ accessKeyId: "one", secretAccessKey: "s" });
    await write("two");
    await utimes(file, 1, 1);
    expect(s3?.credentials()).toMatchObject({ accessKeyId: "two" });
    await rm(file);
    expect(() => s3?.credentials()).toThrow("cannot be read");
  });

  test.each([
    [{ ...KEY }, /^WEFT_MEDIA_S3_ACCESS_KEY_ID: .*no use without media_s3_bucket/],
    [{ ...BUCKET }, /^WEFT_MEDIA_S3_BUCKET: .*needs media_s3_access_key_id/],
    [{ ...BUCKET, WEFT_MEDIA_S3_ACCESS_KEY_ID: "id" }, /needs media_s3_secret_access_key/],
    [{ ...BUCKET, WEFT_MEDIA_S3_SECRET_ACCESS_KEY: "hunter2" }, /needs media_s3_access_key_id/],
    [{ ...BUCKET, ...KEY, WEFT_MEDIA_S3_CREDENTIALS_FILE: "x" }, /cannot stand beside/],
    [{ ...BUCKET, WEFT_MEDIA_S3_CREDENTIALS_FILE: join(folder, "none") }, /cannot be read/],
    [{ ...BUCKET, ...KEY, WEFT_MEDIA_S3_ENDPOINT: "minio:9000" }, /write an http or https address/],
    [{ WEFT_MEDIA_S3_BUCKET: "No Bucket" }, /write the name of a bucket/],
  ])("%j are refused, and no secret is told", (env, message) => {
    const load = () => media(env);
    expect(load).toThrow(message);
    expect(load).not.toThrow(/hunter2/);
  });
});

test("copies are bounded by what the settings say", () => {
  expect(media({})).toMatchObject({ maxCopiesBytes: 20 * 2 ** 30, copyLifetimeMs: 0 });
  const own = { WEFT_MEDIA_CACHE_LIMIT: "none", WEFT_MEDIA_CACHE_LIFETIME: "90d" };
  const days = 90 * 86_400_000;
  expect(media(own)).toMatchObject({ maxCopiesBytes: Infinity, copyLifetimeMs: days });
  expect(() => media({ WEFT_MEDIA_CACHE_LIFETIME: "3h" })).toThrow(/write days such as 90d/);
});
