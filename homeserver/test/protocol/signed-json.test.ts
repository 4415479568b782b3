import fc from "fast-check";
import nacl from "tweetnacl";
import { describe, expect, test } from "vitest";
import {
  decodeBase64,
  encodeBase64,
  encodeBase64Url,
  generateSigningKey,
  isEd25519KeyId,
  signingKeyFromSeed,
  signText,
  verifyKeyFromBase64,
  verifyText,
} from "../../src/protocol/crypto.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { signJson, signingKeyIds, verifySignedJson } from "../../src/protocol/signed-json.ts";
import { vectors } from "./vectors.ts";

interface KeyFacts {
  seed: string;
  keyId: string;
  serverName: string;
  publicKey: string;
}

describe("signing JSON", () => {
  const file = vectors<{ object: JsonObject; signed: JsonObject }, KeyFacts>("signatures/json");
  const key = signingKeyFromSeed(file.keyId, bytes(file.seed));
  const verifyKey = verifyKeyFromBase64(file.publicKey);

  test("derives the public key from the seed", () => {
    expect(key.publicKeyBase64).toBe(file.publicKey);
    expect(bytes(key.seedBase64)).toEqual(bytes(file.seed));
  });

  test.each(file.cases)("$name", ({ object, signed }) => {
    expect(signJson(object, file.serverName, key)).toEqual(signed);
    expect(verifySignedJson(signed, file.serverName, file.keyId, verifyKey)).toBe(true);
  });
});

describe("checking a signature", () => {
  const file = vectors<{ object: JsonObject; valid: boolean }, KeyFacts>("signatures/checks");
  const key = verifyKeyFromBase64(file.publicKey);

  test.each(file.cases)("$name: $valid", ({ object, valid }) => {
    expect(verifySignedJson(object, file.serverName, file.keyId, key)).toBe(valid);
  });

  test("names the ed25519 keys that a server signed with and no others", () => {
    const signatures = { a: { "ed25519:1": "x", "rsa:1": "y", "ed25519:2": "z" }, b: 7 };
    expect(signingKeyIds(signatures, "a")).toEqual(["ed25519:1", "ed25519:2"]);
    expect(signingKeyIds(signatures, "b")).toEqual([]);
    expect(signingKeyIds(signatures, "constructor")).toEqual([]);
    expect(signingKeyIds(undefined, "a")).toEqual([]);
  });
});

describe("keys", () => {
  const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

  test("sign what another implementation verifies, and the other way round", () => {
    fc.assert(
      fc.property(seeds, fc.string({ unit: "grapheme" }), (seed, text) => {
        const key = signingKeyFromSeed("ed25519:t", seed);
        const other = nacl.sign.keyPair.fromSeed(seed);
        const message = new TextEncoder().encode(text);
        expect(key.publicKeyBase64).toBe(encodeBase64(other.publicKey));
        const signature = signText(text, key);
        expect(signature).toBe(encodeBase64(nacl.sign.detached(message, other.secretKey)));
        expect(verifyText(text, signature, verifyKeyFromBase64(key.publicKeyBase64))).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  test("are made of given randomness alone", () => {
    const make = () => generateSigningKey((count) => new Uint8Array(count).fill(7));
    expect(make().keyId).toBe("ed25519:07070707");
    expect(make().publicKeyBase64).toBe(make().publicKeyBase64);
    expect(isEd25519KeyId(make().keyId)).toBe(true);
  });

  test("of the wrong size or name are refused", () => {
    expect(() => signingKeyFromSeed("ed25519:1", new Uint8Array(31))).toThrow(RangeError);
    expect(() => signingKeyFromSeed("rsa:1", new Uint8Array(32))).toThrow(RangeError);
    for (const text of ["", "AAAA", "not base64!", `${"A".repeat(43)}AAAA`]) {
      expect(() => verifyKeyFromBase64(text)).toThrow(RangeError);
    }
  });
});

describe("base64", () => {
  test("is written without padding and read in either alphabet, padded or not", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        const buffer = Buffer.from(data);
        expect(encodeBase64(data)).toBe(buffer.toString("base64").replaceAll("=", ""));
        expect(encodeBase64Url(data)).toBe(buffer.toString("base64url"));
        for (const text of [encodeBase64(data), encodeBase64Url(data), buffer.toString("base64")]) {
          expect(decodeBase64(text)).toEqual(buffer);
        }
      }),
    );
  });

  test("with other characters or of an impossible length is none", () => {
    for (const text of ["a", "abcde", "ab c", "ab\n", "a=b", "ab===", "ü", 7, null, undefined]) {
      expect(decodeBase64(text)).toBeUndefined();
    }
  });
});

function bytes(base64: string): Buffer {
  return decodeBase64(base64) as Buffer;
}

test("what nobody can have signed has no right signature", () => {
  const key = signingKeyFromSeed("ed25519:1", Buffer.alloc(32, 1));
  const object = { ...signJson({ a: "b" }, "s.test", key), a: "\ud800" };
  const verifyKey = verifyKeyFromBase64(key.publicKeyBase64);
  expect(verifySignedJson(object, "s.test", "ed25519:1", verifyKey)).toBe(false);
});
