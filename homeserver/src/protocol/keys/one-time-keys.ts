import { errors, matrixError } from "../errors.ts";
import { canonicalJson, isJsonObject, type Json, JsonError, type JsonObject } from "../json.ts";
import {
  isPublicKey,
  type KeyOwner,
  parseKeyName,
  shownName,
  signingKeyName,
} from "./key-names.ts";
import { divideSigned, ensureSignedByNobodyElse, signedBy } from "./signed-object.ts";

/** A one-time or fallback key. */
export interface OneTimeKey {
  /** `<algorithm>:<id>`. */
  readonly name: string;
  readonly algorithm: string;
  readonly id: string;
  /** Canonical JSON of the key, with the device's signature alone. */
  readonly text: string;
  /** The same without signatures: what two uploads of one key have in common. */
  readonly content: string;
  /** The device's signature over `content`, which is still to be verified; undefined: unsigned. */
  readonly signature: string | undefined;
}

/** Algorithms whose keys are those of Curve25519. */
const CURVE25519 = new Set(["curve25519", "signed_curve25519"]);

/**
 * Checks the shape of a one-time or fallback key. `signed_curve25519` keys are signed, and
 * `curve25519` ones are plain texts; keys of unknown algorithms are texts or objects. (Client-server
 * API, "Key algorithms".)
 * @throws MatrixError M_BAD_JSON, M_INVALID_PARAM or M_INVALID_SIGNATURE 400, naming the key
 */
export function readOneTimeKey(name: string, value: Json, owner: KeyOwner): OneTimeKey {
  const { algorithm, id } = parseKeyName(name);
  if (id.includes(":")) {
    throw errors.invalidParam(`The name of the key ${shownName(name)} has more than one colon`);
  }
  const named = { name, algorithm, id };
  const isPlain = typeof value === "string";
  if (!isPlain && !isJsonObject(value)) {
    throw errors.badJson(`The key ${shownName(name)} is neither a text nor an object`);
  }
  if (algorithm === "curve25519" && !isPlain) {
    throw errors.badJson(`The key ${shownName(name)} is not a text`);
  }
  if (algorithm === "signed_curve25519" && isPlain) {
    throw errors.badJson(`The key ${shownName(name)} is not an object: it has to be signed`);
  }
  const key = isPlain ? value : value["key"];
  if (CURVE25519.has(algorithm) && !isPublicKey(key)) {
    throw errors.invalidParam(`The key ${shownName(name)} is not 32 bytes in unpadded base64`);
  }
  if (!isPlain) return { ...named, ...readSigned(named, value, owner) };
  const text = canonicalText(name, value);
  return { ...named, text, content: text, signature: undefined };
}

function readSigned(
  { name, algorithm }: Pick<OneTimeKey, "name" | "algorithm">,
  value: JsonObject,
  owner: KeyOwner,
): Pick<OneTimeKey, "text" | "content" | "signature"> {
  ensureSignedByNobodyElse(value, owner.userId, `The key ${shownName(name)}`);
  const signed = divideSigned(value, owner.userId);
  if (signed === undefined) throw unwritable(name);
  const signer = signingKeyName(owner);
  const signature = signed.signatures.get(signer);
  if (
    signature === undefined &&
    (algorithm === "signed_curve25519" || signed.signatures.size > 0)
  ) {
    throw matrixError(
      "M_INVALID_SIGNATURE",
      `The key ${shownName(name)} is not signed by the device's key ${shownName(signer)}`,
    );
  }
  const kept =
    signature === undefined
      ? signed.content
      : signedBy(signed.content, owner.userId, [[signer, signature]]);
  return { text: canonicalText(name, kept), content: signed.text, signature };
}

function canonicalText(name: string, value: Json): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    if (error instanceof JsonError) throw unwritable(name);
    throw error;
  }
}

function unwritable(name: string): Error {
  return errors.invalidParam(
    `The key ${shownName(name)} holds what canonical JSON forbids, or is nested too deep`,
  );
}
