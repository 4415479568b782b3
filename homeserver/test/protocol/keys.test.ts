import { describe, expect, test } from "vitest";
import { verifyKeyFromBase64, verifyText } from "../../src/protocol/crypto.ts";
import { MatrixError, matrixError } from "../../src/protocol/errors.ts";
import type { Json, JsonObject } from "../../src/protocol/json.ts";
import { type KeyUsage, readCrossSigningKey } from "../../src/protocol/keys/cross-signing-keys.ts";
import { ensureKeysStay, readDeviceKeys } from "../../src/protocol/keys/device-keys.ts";
import type { KeyOwner } from "../../src/protocol/keys/key-names.ts";
import { readOneTimeKey } from "../../src/protocol/keys/one-time-keys.ts";
import { vectors } from "./vectors.ts";

/** The code of the error that the work throws; null when it throws none. */
function refusal(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof MatrixError) return error.errcode;
    throw error;
  }
}

describe("identity keys", () => {
  const { owner, cases } = vectors<{ object: Json; refused: string | null }, { owner: KeyOwner }>(
    "keys/device-keys",
  );

  test.each(cases)("$name: $refused", ({ object, refused }) => {
    expect(refusal(() => readDeviceKeys(object, owner))).toBe(refused);
  });

  test("are kept with their device's signature alone, and without unsigned data", () => {
    for (const { object, refused } of cases) {
      if (refused !== null) continue;
      const { unsigned: _unsigned, signatures, ...content } = object as JsonObject;
      const own = (signatures as Record<string, JsonObject>)[owner.userId]!;
      const name = `ed25519:${owner.deviceId}`;
      const kept = { ...content, signatures: { [owner.userId]: { [name]: own[name] } } };
      expect(readDeviceKeys(object, owner).object).toEqual(kept);
    }
  });
});

describe("identity keys after others", () => {
  const { owner, cases } = vectors<
    { former: JsonObject; object: JsonObject; refused: string | null },
    { owner: KeyOwner }
  >("keys/replaced-device-keys");

  test.each(cases)("$name: $refused", ({ former, object, refused }) => {
    const keys = readDeviceKeys(object, owner);
    expect(refusal(() => ensureKeysStay(former, keys))).toBe(refused);
  });
});

describe("one-time keys", () => {
  const { owner, signingKey, cases } = vectors<
    { key: string; value: Json; refused: string | null },
    { owner: KeyOwner; signingKey: string }
  >("keys/one-time-keys");
  const verifyKey = verifyKeyFromBase64(signingKey);

  test.each(cases)("$name: $refused", ({ key, value, refused }) => {
    const read = () => {
      const { content, signature } = readOneTimeKey(key, value, owner);
      if (signature === undefined || verifyText(content, signature, verifyKey)) return;
      throw matrixError("M_INVALID_SIGNATURE", "wrong");
    };
    expect(refusal(read)).toBe(refused);
  });

  test("are the same key, whatever signed them", () => {
    const [signed] = cases;
    const { signatures: _signatures, ...key } = signed!.value as JsonObject;
    const read = readOneTimeKey(signed!.key, signed!.value, owner);
    expect(JSON.parse(read.content)).toEqual(key);
    expect(JSON.parse(read.text)).toEqual(signed!.value);
  });
});

describe("cross-signing keys", () => {
  const { userId, cases } = vectors<
    { usage: KeyUsage; object: Json; refused: string | null },
    { userId: string }
  >("keys/cross-signing-keys");

  test.each(cases)("$name: $refused", ({ usage, object, refused }) => {
    expect(refusal(() => readCrossSigningKey(object, userId, usage))).toBe(refused);
  });
});

test("keys that are nested so deep that clients could not read them are refused", () => {
  let deep: Json = [];
  for (let level = 1; level < 150; level += 1) deep = [deep];
  const { owner, cases } = vectors<{ object: JsonObject }, { owner: KeyOwner }>("keys/device-keys");
  const device = { ...cases[0]!.object, more: deep };
  expect(refusal(() => readDeviceKeys(device, owner))).toBe("M_INVALID_PARAM");
  const named = "org.example.new:1";
  expect(refusal(() => readOneTimeKey(named, { deep }, owner))).toBe("M_INVALID_PARAM");
  const users = vectors<{ object: JsonObject }, { userId: string }>("keys/cross-signing-keys");
  const key = { ...users.cases[0]!.object, more: deep };
  expect(refusal(() => readCrossSigningKey(key, users.userId, "master"))).toBe("M_INVALID_PARAM");
});
