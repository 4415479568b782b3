import { type VerifyKey, verifyKeyFromBase64, verifyText } from "../crypto.ts";
import { errors, matrixError } from "../errors.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import {
  isPublicKey,
  type KeyOwner,
  parseKeyName,
  shownName,
  signingKeyName,
} from "./key-names.ts";
import { divideSigned, type SignedObject, signedBy } from "./signed-object.ts";

/** Identity keys of a device, signed by itself. */
export interface DeviceKeys extends SignedObject {
  /** The content with the device's own signature, which is right, and no other. */
  readonly object: JsonObject;
  /** Public keys by their names. */
  readonly keys: ReadonlyMap<string, string>;
  /** The device's Ed25519 key. */
  readonly signingKey: VerifyKey;
}

/**
 * Checks identity keys: they name the device and its user, each key's name ends in the device's id,
 * there is an Ed25519 key, and it has signed the whole. Keys of unknown algorithms and unknown
 * members stay as they are: the signature covers them. (Client-server API, "Device keys",
 * "Uploading keys".)
 * @throws MatrixError M_BAD_JSON, M_INVALID_PARAM or M_INVALID_SIGNATURE 400
 */
export function readDeviceKeys(value: unknown, owner: KeyOwner): DeviceKeys {
  if (!isJsonObject(value)) throw errors.badJson("device_keys is not an object");
  const { algorithms } = value;
  if (!Array.isArray(algorithms) || algorithms.some((name) => typeof name !== "string")) {
    throw errors.badJson("device_keys.algorithms is not a list of texts");
  }
  ensureOwner(value, owner);
  const keys = readKeys(value["keys"], owner);
  const name = signingKeyName(owner);
  const publicKey = keys.get(name);
  if (publicKey === undefined) {
    throw errors.invalidParam(`device_keys has no key ${shownName(name)}`);
  }
  const signed = divideSigned(value, owner.userId);
  if (signed === undefined) {
    throw errors.invalidParam(
      "device_keys holds what canonical JSON forbids, or is nested too deep",
    );
  }
  const signingKey = verifyKeyFromBase64(publicKey);
  const signature = signed.signatures.get(name);
  if (signature === undefined) {
    throw matrixError(
      "M_INVALID_SIGNATURE",
      `device_keys is not signed by its own key ${shownName(name)}`,
    );
  }
  if (!verifyText(signed.text, signature, signingKey)) {
    throw matrixError(
      "M_INVALID_SIGNATURE",
      `The signature of device_keys by ${shownName(name)} is wrong`,
    );
  }
  const object = signedBy(signed.content, owner.userId, [[name, signature]]);
  return { ...signed, object, keys, signingKey };
}

/** The Ed25519 key in identity keys that were checked when they were stored. */
export function signingKeyOf(object: JsonObject, owner: KeyOwner): VerifyKey {
  const { keys } = object;
  const publicKey = isJsonObject(keys) ? keys[signingKeyName(owner)] : undefined;
  return verifyKeyFromBase64(typeof publicKey === "string" ? publicKey : "");
}

/**
 * Throws unless new identity keys hold all keys of the former ones: a key of an algorithm is not
 * replaced, since others may have verified the device by it. What else the device says of itself
 * may change, and keys of further algorithms may come.
 * @throws MatrixError M_INVALID_PARAM 400, naming the key
 */
export function ensureKeysStay(former: JsonObject, { keys }: Pick<DeviceKeys, "keys">): void {
  if (!isJsonObject(former["keys"])) return;
  for (const [name, key] of Object.entries(former["keys"])) {
    if (keys.get(name) === key) continue;
    throw errors.invalidParam(
      `The key ${shownName(name)} of this device is uploaded and can't be replaced: sign in as a new device`,
    );
  }
}

function ensureOwner(value: JsonObject, owner: KeyOwner): void {
  const named: readonly [string, string][] = [
    ["user_id", owner.userId],
    ["device_id", owner.deviceId],
  ];
  for (const [member, expected] of named) {
    const given = value[member];
    if (typeof given !== "string") throw errors.badJson(`device_keys.${member} is not a text`);
    if (given === expected) continue;
    throw errors.invalidParam(
      `device_keys.${member} is ${shownName(given)}, but the keys are for ${shownName(expected)}`,
    );
  }
}

function readKeys(keys: unknown, owner: KeyOwner): ReadonlyMap<string, string> {
  if (!isJsonObject(keys)) throw errors.badJson("device_keys.keys is not an object");
  const read = Object.entries(keys).map(([name, key]): [string, string] => {
    if (typeof key !== "string") throw errors.badJson(`The key ${shownName(name)} is not a text`);
    const { algorithm, id } = parseKeyName(name);
    if (id !== owner.deviceId) {
      throw errors.invalidParam(
        `The name of the key ${shownName(name)} does not end in the device's id ${shownName(owner.deviceId)}`,
      );
    }
    if ((algorithm === "ed25519" || algorithm === "curve25519") && !isPublicKey(key)) {
      throw errors.invalidParam(`The key ${shownName(name)} is not 32 bytes in unpadded base64`);
    }
    return [name, key];
  });
  return new Map(read);
}
