import type { Change, Log } from "../../log/types.ts";
import {
  sha256,
  type VerifyKey,
  verifyKeyFromBase64,
  verifyText,
  verifyTextAsync,
} from "../../protocol/crypto.ts";
import { errors, matrixError } from "../../protocol/errors.ts";
import { canonicalJson, isJsonObject, type JsonObject } from "../../protocol/json.ts";
import {
  type DeviceKeys,
  ensureKeysStay,
  readDeviceKeys,
  signingKeyOf,
} from "../../protocol/keys/device-keys.ts";
import { shownName, signingKeyName } from "../../protocol/keys/key-names.ts";
import { type OneTimeKey, readOneTimeKey } from "../../protocol/keys/one-time-keys.ts";
import { ensureSignedByNobodyElse } from "../../protocol/keys/signed-object.ts";
import {
  deleteSignaturesOn,
  lockCrossSigningKeys,
  writeKeySignatures,
} from "../../storage/users/cross-signing-keys.ts";
import * as devices from "../../storage/users/device-keys.ts";
import * as oneTime from "../../storage/users/one-time-keys.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import * as bounds from "./bounds.ts";
import type { DeviceOf, KeyCounts, KeyUpload, PreparedUpload } from "./types.ts";
import { readUploadLists, type UploadLists } from "./upload-lists.ts";

/** Uploads of keys by devices. */
export interface KeyUploads {
  /**
   * Checks keys and their signatures, with as little in the transaction that stores them as can be.
   * @throws MatrixError 400 that names the key
   */
  prepare(device: DeviceOf, upload: KeyUpload): Promise<PreparedUpload>;
  /**
   * Stores a device's keys, all or none. (Client-server API, "Uploading keys".)
   * @throws MatrixError M_BAD_JSON, M_INVALID_PARAM or M_INVALID_SIGNATURE 400, M_TOO_LARGE 413;
   * M_UNKNOWN_TOKEN 401 when the device is gone
   */
  upload(device: DeviceOf, upload: KeyUpload): Promise<KeyCounts>;
}

/** What is to be stored, checked but for what is stored already. */
interface Checked {
  readonly device: DeviceOf;
  readonly deviceKeys: DeviceKeys | undefined;
  /** By which the one-time keys' signatures are right; undefined: there are none. */
  readonly signingKey: VerifyKey | undefined;
  readonly oneTimeKeys: readonly OneTimeKey[];
  readonly fallbackKeys: readonly OneTimeKey[];
}

export function createKeyUploads({ sql, log }: { sql: Sql; log: Log }): KeyUploads {
  async function check(device: DeviceOf, upload: KeyUpload): Promise<Checked> {
    const deviceKeys = readIdentity(device, upload.device_keys);
    const oneTimeKeys = readKeys(device, upload.one_time_keys, bounds.MAX_UPLOADED_KEYS);
    const fallbackKeys = readKeys(device, upload.fallback_keys, bounds.MAX_FALLBACK_KEYS);
    ensureOneOfEach(fallbackKeys);
    const keys = [...oneTimeKeys, ...fallbackKeys];
    let signingKey = deviceKeys?.signingKey;
    if (signingKey === undefined && keys.length > 0) {
      const stored = await devices.findDeviceKeys(sql, device.userId, device.deviceId);
      if (stored === undefined) throw noIdentity(keys[0]!);
      signingKey = signingKeyOf(JSON.parse(stored) as JsonObject, device);
    }
    if (signingKey !== undefined) await verify(keys, signingKey, device);
    return { device, deviceKeys, signingKey, oneTimeKeys, fallbackKeys };
  }

  async function prepare(device: DeviceOf, upload: KeyUpload): Promise<PreparedUpload> {
    const checked = await check(device, upload);
    return { store: (change) => store(change, checked) };
  }

  return {
    prepare,
    async upload(device, upload) {
      const prepared = await prepare(device, upload);
      return log.change(async (change) => {
        const { userId, deviceId } = device;
        if (!(await devices.lockDevice(change.tx, userId, deviceId))) throw errors.unknownToken();
        return prepared.store(change);
      });
    },
  };
}

async function store({ tx, record }: Change, checked: Checked): Promise<KeyCounts> {
  const { device, deviceKeys, signingKey, oneTimeKeys, fallbackKeys } = checked;
  const { userId, deviceId } = device;
  const stored = await devices.lockDeviceKeys(tx, userId, deviceId);
  const before = stored === undefined ? undefined : (JSON.parse(stored) as JsonObject);
  if (deviceKeys) {
    if (before) ensureKeysStay(before, deviceKeys);
    const keys = canonicalJson(deviceKeys.object);
    if (keys !== stored) {
      await devices.writeDeviceKeys(tx, { userId, deviceId, keys });
      // They cover what the device said before.
      await deleteSignaturesOn(tx, userId, [deviceId]);
    }
    const isSigned = await keepSignature(tx, device, deviceKeys);
    if (keys !== stored || isSigned) {
      record({ kind: "device_list", userId, deviceId, isRemoved: false });
    }
  } else if (signingKey) {
    // The signatures were verified by the key of a device that was replaced since.
    const now = before && signingKeyOf(before, device).publicKeyBase64;
    if (now !== signingKey.publicKeyBase64) throw errors.unknownToken();
  }
  const lists = await readUploadLists(tx, device, before === undefined);
  await addOneTimeKeys(tx, device, oneTimeKeys, lists);
  await replaceFallbackKeys(tx, device, fallbackKeys, lists);
  ensureFewAlgorithms(lists);
  const changes = lists.changes();
  if (changes.length > 0) {
    await oneTime.makeKeyLists(tx, device, lists.missing());
    record({ kind: "one_time_keys", lists: changes });
  }
  return lists.counts();
}

/** Keeps the self-signing key's signature on identity keys, if it is right; true if it is new. */
async function keepSignature(
  tx: Tx,
  { userId, deviceId }: DeviceOf,
  { signatures, text }: DeviceKeys,
): Promise<boolean> {
  if (signatures.size < 2) return false;
  const keys = await lockCrossSigningKeys(tx, userId);
  const own = keys.find(({ usage }) => usage === "self_signing");
  const signerKey = `ed25519:${own?.publicKey}`;
  const signature = signatures.get(signerKey);
  if (own === undefined || signature === undefined) return false;
  if (!verifyText(text, signature, verifyKeyFromBase64(own.publicKey))) {
    throw matrixError(
      "M_INVALID_SIGNATURE",
      `The signature of device_keys by ${shownName(signerKey)} is wrong`,
    );
  }
  const row = { targetId: userId, targetKey: deviceId, signerId: userId, signerKey, signature };
  return (await writeKeySignatures(tx, [row])).length > 0;
}

/** Adds those that are new. */
async function addOneTimeKeys(
  tx: Tx,
  device: DeviceOf,
  keys: readonly OneTimeKey[],
  lists: UploadLists,
): Promise<void> {
  if (keys.length === 0) return;
  const known = new Map(
    (await oneTime.knownOneTimeKeys(tx, device, keys)).map((key) => [
      `${key.algorithm}:${key.id}`,
      key,
    ]),
  );
  const fresh: (oneTime.NewOneTimeKey & { seq: number })[] = [];
  for (const { name, algorithm, id, text, content } of keys) {
    const digest = sha256(content);
    const before = known.get(name);
    // It is there, or was given out since it was first uploaded.
    if (before !== undefined && digest.equals(before.digest)) continue;
    if (before !== undefined && before.text !== null) throw otherKey(name, before.text, text);
    fresh.push({ algorithm, id, text, digest, seq: lists.nextNumber(algorithm) });
  }
  if (fresh.length === 0) return;
  const remembered = Math.floor(bounds.REMEMBERED_KEYS / Math.max(lists.size(), 1));
  await oneTime.addOneTimeKeys(tx, device, fresh, remembered);
  const counts = Object.values(lists.counts().oneTimeKeys);
  if (counts.reduce((sum, count) => sum + count, 0) <= bounds.MAX_ONE_TIME_KEYS) return;
  throw errors.tooLarge(
    `The device would have more than ${bounds.MAX_ONE_TIME_KEYS} one-time keys that nobody has claimed`,
  );
}

/** Stores those that are new. Who uploads a used one again has not replaced it. */
async function replaceFallbackKeys(
  tx: Tx,
  device: DeviceOf,
  keys: readonly OneTimeKey[],
  lists: UploadLists,
): Promise<void> {
  if (keys.length === 0) return;
  const before = await oneTime.fallbackKeysOf(tx, device);
  const same = new Set(before.map(({ algorithm, id, text }) => `${algorithm}:${id} ${text}`));
  const fresh = keys.filter(({ name, text }) => !same.has(`${name} ${text}`));
  if (fresh.length === 0) return;
  const algorithms = new Set([...before, ...fresh].map(({ algorithm }) => algorithm));
  if (algorithms.size > bounds.MAX_FALLBACK_KEYS) throw tooManyFallbackKeys();
  await oneTime.writeFallbackKeys(tx, device, fresh);
  for (const { algorithm } of fresh) lists.hasFallback(algorithm);
}

function readIdentity(device: DeviceOf, value: unknown): DeviceKeys | undefined {
  if (value === undefined) return undefined;
  const keys = readDeviceKeys(value, device);
  if (isJsonObject(value)) ensureSignedByNobodyElse(value, device.userId, "device_keys");
  if (Buffer.byteLength(keys.text) > bounds.MAX_DEVICE_KEYS_BYTES) {
    throw errors.tooLarge(`device_keys is longer than ${bounds.MAX_DEVICE_KEYS_BYTES} bytes`);
  }
  return keys;
}

function readKeys(device: DeviceOf, given: JsonObject | undefined, max: number): OneTimeKey[] {
  const entries = Object.entries(given ?? {});
  if (entries.length > max) {
    throw errors.tooLarge(`${entries.length} keys are uploaded at once: ${max} are allowed`);
  }
  return entries.map(([name, value]) => {
    const key = readOneTimeKey(name, value ?? null, device);
    if (Buffer.byteLength(key.text) <= bounds.MAX_ONE_TIME_KEY_BYTES) return key;
    throw errors.tooLarge(
      `The key ${shownName(name)} is longer than ${bounds.MAX_ONE_TIME_KEY_BYTES} bytes`,
    );
  });
}

function ensureOneOfEach(keys: readonly OneTimeKey[]): void {
  const names = new Map<string, string>();
  for (const { algorithm, name } of keys) {
    const other = names.get(algorithm);
    if (other !== undefined) {
      throw errors.invalidParam(
        `The fallback keys ${shownName(other)} and ${shownName(name)} are of one algorithm`,
      );
    }
    names.set(algorithm, name);
  }
}

/** @throws MatrixError M_INVALID_SIGNATURE 400 for the first key that the device has not signed */
async function verify(
  keys: readonly OneTimeKey[],
  signingKey: VerifyKey,
  device: DeviceOf,
): Promise<void> {
  const results = await Promise.all(
    keys.map(async ({ content, signature }) =>
      signature === undefined ? true : await verifyTextAsync(content, signature, signingKey),
    ),
  );
  const wrong = keys.find((_key, index) => !results[index]);
  if (wrong === undefined) return;
  const signer = shownName(signingKeyName(device));
  throw matrixError(
    "M_INVALID_SIGNATURE",
    `The signature of the key ${shownName(wrong.name)} by ${signer} is wrong`,
  );
}

function noIdentity({ name }: OneTimeKey): Error {
  return errors.invalidParam(
    `The key ${shownName(name)} is of a device that has no device_keys: upload these first, or together`,
  );
}

/** Clients know this error by the words that the first homeserver used. */
function otherKey(name: string, before: string, now: string): Error {
  return errors.invalidParam(
    `One time key ${name} already exists. Old key: ${before}; new key: ${now}`,
  );
}

/** Each has a row for as long as the device is there. */
function ensureFewAlgorithms(lists: UploadLists): void {
  if (lists.missing().length === 0 || lists.size() <= bounds.MAX_ALGORITHMS) return;
  throw errors.tooLarge(
    `A device can have keys of ${bounds.MAX_ALGORITHMS} algorithms in its lifetime, not more`,
  );
}

function tooManyFallbackKeys(): Error {
  return errors.tooLarge(
    `A device can have fallback keys of ${bounds.MAX_FALLBACK_KEYS} algorithms, not more`,
  );
}
