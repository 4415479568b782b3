import { describe, expect, test } from "vitest";
import { encryptedFile, openFile, sealFile } from "../../src/encryption/attachments.ts";
import { fromBase64, toBase64 } from "../../src/encryption/base64.ts";

const bytesOf = async (blob: Blob): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer());

describe("a file that goes encrypted", () => {
  for (const size of [0, 1, 15, 16, 17, 4 * 1024 * 1024, 4 * 1024 * 1024 + 33]) {
    test(`of ${size} bytes opens again`, async () => {
      const bytes = new Uint8Array(size).map((_, at) => at * 31);
      const { sealed, key } = await sealFile(new Blob([bytes]));
      expect(sealed.size).toBe(size);
      const opened = await openFile(sealed, key, "image/png");
      expect(opened.type).toBe("image/png");
      expect(Buffer.compare(await bytesOf(opened), bytes)).toBe(0);
    });
  }

  test("is as one run of the cipher makes it, whatever its pieces", async () => {
    const bytes = new Uint8Array(4 * 1024 * 1024 + 33).map((_, at) => at * 7);
    const { sealed, key } = await sealFile(new Blob([bytes]));
    const raw = fromBase64(key.key.k);
    const whole = await crypto.subtle.importKey("raw", raw, "AES-CTR", false, ["encrypt"]);
    const algorithm = { name: "AES-CTR", counter: fromBase64(key.iv), length: 64 };
    const expected = await crypto.subtle.encrypt(algorithm, whole, bytes);
    expect(Buffer.compare(await bytesOf(sealed), new Uint8Array(expected))).toBe(0);
  });

  test("has a counter that begins at zero, and a key of its own each time", async () => {
    const [one, two] = await Promise.all([sealFile(new Blob(["x"])), sealFile(new Blob(["x"]))]);
    expect([...fromBase64(one.key.iv).slice(8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(one.key.key.k).not.toBe(two.key.key.k);
    expect(one.key.key.k).toMatch(/^[\w-]{43}$/);
  });

  test("is not opened when a byte was changed on the way", async () => {
    const { sealed, key } = await sealFile(new Blob(["a letter"]));
    const bytes = await bytesOf(sealed);
    bytes[3]! ^= 1;
    const changed = new Blob([new Uint8Array(bytes)]);
    await expect(openFile(changed, key, "text/plain")).rejects.toThrow("not the one that was sent");
  });
});

test("what a stranger says of an encrypted file is read with care", async () => {
  const { key } = await sealFile(new Blob(["x"]));
  const file = { ...key, url: "mxc://one/two" };
  expect(encryptedFile({ file }, "file")).toEqual(file);
  for (const wrong of [
    { ...file, url: 1 },
    { ...file, v: "v1" },
    { ...file, iv: undefined },
    { ...file, hashes: { sha1: "x" } },
    { ...file, key: { ...file.key, alg: "A256GCM" } },
    { ...file, key: "secret" },
    "x",
    undefined,
  ]) {
    expect(encryptedFile({ file: wrong }, "file")).toBeUndefined();
  }
});

test("base64 is written without padding and read with it or without, in both alphabets", () => {
  const bytes = new Uint8Array([251, 239, 190, 255]);
  expect(toBase64(bytes)).toBe("++++/w");
  for (const text of ["++++/w", "++++/w==", "----_w"]) {
    expect([...fromBase64(text)]).toEqual([...bytes]);
  }
  expect(() => fromBase64("?")).toThrow();
});
