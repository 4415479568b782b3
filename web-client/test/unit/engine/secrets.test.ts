import { createCipheriv, createHmac, hkdfSync, pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../../src/encryption/base64.ts";
import { indexOf } from "../../../src/encryption/engine/reading.ts";
import { readRecoveryKey, writeRecoveryKey } from "../../../src/encryption/engine/recovery-key.ts";
import {
  keyFromPassphrase,
  openSecret,
  sealSecret,
} from "../../../src/encryption/engine/secret-storage.ts";

const key = Uint8Array.from({ length: 32 }, (_, at) => at * 5 + 1);

describe("a recovery key", () => {
  test("is base58 in groups of four, and reads back however it is spaced", () => {
    const text = writeRecoveryKey(key);
    expect(text).toMatch(/^E[sS]\w{2}( [1-9A-HJ-NP-Za-km-z]{4}){11}$/);
    for (const spaced of [text, text.replaceAll(" ", ""), `\n ${text.replaceAll(" ", "\t")} `]) {
      expect([...readRecoveryKey(spaced)]).toEqual([...key]);
    }
    const zeros = new Uint8Array(32);
    expect([...readRecoveryKey(writeRecoveryKey(zeros))]).toEqual([...zeros]);
  });

  test("with any letter changed, too short, too long or of other letters is none", () => {
    const text = writeRecoveryKey(key).replaceAll(" ", "");
    const changed = Array.from({ length: text.length }, (_, at) => {
      const other = text[at] === "A" ? "B" : "A";
      return text.slice(0, at) + other + text.slice(at + 1);
    });
    for (const wrong of [...changed, text.slice(1), `${text}A`, "0OIl", "", "A".repeat(10_000)]) {
      expect(() => readRecoveryKey(wrong)).toThrow("malformed-key");
    }
  });
});

describe("a sealed secret", () => {
  test("is what another library makes of it", async () => {
    const sealed = await sealSecret(key, "m.cross_signing.master", "the secret");
    const bits = Buffer.from(
      hkdfSync("sha256", key, new Uint8Array(32), "m.cross_signing.master", 64),
    );
    const iv = fromBase64(sealed.iv);
    expect(iv[8]! & 0x80).toBe(0);
    const cipher = createCipheriv("aes-256-ctr", bits.subarray(0, 32), iv);
    const expected = Buffer.concat([cipher.update("the secret"), cipher.final()]);
    expect(sealed.ciphertext).toBe(toBase64(expected));
    const mac = createHmac("sha256", bits.subarray(32)).update(expected).digest();
    expect(sealed.mac).toBe(toBase64(mac));
  });

  test("opens with its key under its name only, and not when it was changed", async () => {
    const sealed = await sealSecret(key, "a", "the secret");
    expect(await openSecret(key, "a", sealed)).toBe("the secret");
    const other = key.toReversed();
    for (const wrong of [
      openSecret(other, "a", sealed),
      openSecret(key, "b", sealed),
      openSecret(key, "a", { ...sealed, ciphertext: toBase64(new Uint8Array(10)) }),
      openSecret(key, "a", { ...sealed, mac: "?" }),
      openSecret(key, "a", {}),
    ]) {
      expect(await wrong).toBeUndefined();
    }
  });

  test("has a key that a passphrase makes as PBKDF2 says", async () => {
    const made = await keyFromPassphrase("correct horse ü", "salt", 1000);
    const expected = pbkdf2Sync("correct horse ü", "salt", 1000, 32, "sha512");
    expect(Buffer.compare(made, expected)).toBe(0);
  });
});

test("the place of a message in its session is read from its first bytes", () => {
  const message = (...bytes: number[]): string => toBase64(Uint8Array.from(bytes));
  expect(indexOf(message(3, 0x08, 0x05, 0x12, 1))).toBe(5);
  expect(indexOf(message(3, 0x08, 0xac, 0x02, 0x12))).toBe(300);
  expect(indexOf(message(3, 0x08, 0xff, 0xff, 0xff, 0xff, 0x0f))).toBe(0xffffffff);
  for (const wrong of [message(2, 8, 5), message(3, 9, 5), message(3, 8, 0x80), "", "?", 5, {}]) {
    expect(indexOf(wrong)).toBeUndefined();
  }
});
