import type { Change, Log } from "../../log/types.ts";
import { verifyText } from "../../protocol/crypto.ts";
import { errors, matrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { canonicalJson, isJsonObject, type JsonObject } from "../../protocol/json.ts";
import {
  type CrossSigningKey,
  type KeyUsage,
  readCrossSigningKey,
} from "../../protocol/keys/cross-signing-keys.ts";
import { signingKeyOf } from "../../protocol/keys/device-keys.ts";
import { shownName } from "../../protocol/keys/key-names.ts";
import { ensureSignedByNobodyElse, signedBy } from "../../protocol/keys/signed-object.ts";
import { lockAccount } from "../../storage/users/accounts.ts";
import * as storage from "../../storage/users/cross-signing-keys.ts";
import type { KeySignatureRow } from "../../storage/users/cross-signing-keys.ts";
import { lockDeviceKeysOf } from "../../storage/users/device-keys.ts";
import { findDeviceAmong } from "../../storage/users/devices.ts";
import type { Tx } from "../../storage/sql.ts";
import { MAX_CROSS_SIGNING_KEY_BYTES } from "./bounds.ts";

/** Cross-signing keys as a user uploads them. */
interface CrossSigningUpload {
  readonly master_key?: unknown;
  readonly self_signing_key?: unknown;
  readonly user_signing_key?: unknown;
}

export interface CrossSigning {
  /**
   * Stores a user's cross-signing keys, all or none, once their signatures are verified. Keys that
   * are stored already are passed over. Without authentication only a user who has no master key
   * stores new ones. (Client-server API, "Cross-signing".)
   * @returns false when nothing was stored since the user has to authenticate first
   * @throws MatrixError M_BAD_JSON, M_INVALID_PARAM, M_INVALID_SIGNATURE or M_MISSING_PARAM 400,
   * M_FORBIDDEN 403 where a device has the id of a key, M_TOO_LARGE 413
   */
  uploadCrossSigningKeys(
    userId: UserId,
    upload: CrossSigningUpload,
    isAuthenticated: boolean,
  ): Promise<boolean>;
}

const USAGES: readonly KeyUsage[] = ["master", "self_signing", "user_signing"];

type Keys = Partial<Record<KeyUsage, CrossSigningKey>>;

export function createCrossSigning({ log }: { log: Log }): CrossSigning {
  return {
    async uploadCrossSigningKeys(userId, upload, isAuthenticated) {
      const given = readAll(userId, upload);
      return log.change(async (change) => {
        const { tx } = change;
        if (!(await lockAccount(tx, userId))) throw errors.unknownToken();
        const stored = await storedKeys(tx, userId);
        const fresh = freshKeys(userId, given, stored);
        if (fresh.length === 0) return true;
        if (stored.master && !isAuthenticated) return false;
        await ensureFreeNames(tx, userId, { ...stored, ...given });
        await replace(change, userId, fresh, stored);
        return true;
      });
    },
  };
}

/** A user's stored cross-signing keys. They stay as they are while the account is locked. */
export async function storedKeys(tx: Tx, userId: UserId): Promise<Keys> {
  const rows = await storage.crossSigningKeysOf(tx, [userId]);
  return Object.fromEntries(
    rows.map(({ usage, key }) => [
      usage,
      readCrossSigningKey(JSON.parse(key), userId, usage as KeyUsage),
    ]),
  );
}

/** The given keys that are new, in order, all with right signatures. @throws MatrixError 400 */
function freshKeys(userId: UserId, given: Keys, stored: Keys): CrossSigningKey[] {
  const master = given.master ?? stored.master;
  if (!master) throw errors.missingParam("master_key is missing, and none was uploaded before");
  for (const key of Object.values(given)) {
    if (key !== given.master || key.signatures.has(master.name)) ensureSigned(userId, key, master);
  }
  return USAGES.flatMap((usage) => {
    const key = given[usage];
    return key && key.text !== stored[usage]?.text ? [key] : [];
  });
}

function ensureSigned(userId: UserId, key: CrossSigningKey, master: CrossSigningKey): void {
  const signature = key.signatures.get(master.name);
  if (signature !== undefined && verifyText(key.text, signature, master.verifyKey)) return;
  const fault = signature === undefined ? "is missing" : "is wrong";
  throw matrixError(
    "M_INVALID_SIGNATURE",
    `The signature of ${key.usage}_key by the master key ${master.name} of ${userId} ${fault}`,
  );
}

/** Names of devices and of cross-signing keys are one namespace for each user. */
async function ensureFreeNames(tx: Tx, userId: UserId, keys: Keys): Promise<void> {
  const names = Object.values(keys).map(({ publicKey }) => publicKey);
  if (new Set(names).size < names.length) {
    throw errors.invalidParam("Two of the cross-signing keys are the same key");
  }
  const deviceId = await findDeviceAmong(tx, userId, names);
  if (deviceId === undefined) return;
  throw errors.forbidden(`The public key ${deviceId} is the id of one of your devices`);
}

/** Stores new keys. What the former ones signed, and what was signed on them, ends with them. */
async function replace(
  { tx, record }: Change,
  userId: UserId,
  fresh: readonly CrossSigningKey[],
  stored: Keys,
): Promise<void> {
  const usages = new Set(fresh.map(({ usage }) => usage));
  const master = fresh.find(({ usage }) => usage === "master");
  // Uploads of devices lock in this order, too: the device, then the cross-signing keys.
  const ofDevices = master ? await signedByDevices(tx, userId, master) : [];
  // Nothing of the former master key's is trusted any more.
  const orphans = master ? USAGES.filter((usage) => stored[usage] && !usages.has(usage)) : [];
  const ended = [...usages, ...orphans].flatMap((usage) => stored[usage] ?? []);
  await storage.deleteCrossSigningKeys(tx, userId, orphans);
  await storage.deleteSignaturesBy(
    tx,
    userId,
    ended.map(({ name }) => name),
  );
  await storage.deleteSignaturesOn(
    tx,
    userId,
    ended.map(({ publicKey }) => publicKey),
  );
  const signer = master ?? stored.master!;
  const rows = fresh.map((key) => ({
    ...{ usage: key.usage, publicKey: key.publicKey },
    key: canonicalJson(withSignature(userId, key, signer)),
  }));
  await storage.writeCrossSigningKeys(tx, userId, rows);
  await storage.writeKeySignatures(tx, ofDevices);
  const isOpen = (usage: KeyUsage) => usage !== "user_signing";
  if ([...usages, ...orphans].some(isOpen)) {
    record({ kind: "device_list", userId, deviceId: "", isRemoved: false });
  }
  if (usages.has("user_signing") || orphans.includes("user_signing")) {
    record({ kind: "user_signature", userId, targetId: userId });
  }
}

/** The key with the master key's signature, if it has one. */
function withSignature(
  userId: UserId,
  key: CrossSigningKey,
  { name }: CrossSigningKey,
): JsonObject {
  const signature = key.signatures.get(name);
  return signature === undefined ? key.content : signedBy(key.content, userId, [[name, signature]]);
}

/**
 * The right signatures of the user's devices on their master key; those of unknown devices are left
 * out.
 * @throws MatrixError M_INVALID_SIGNATURE 400 for a wrong one
 */
export async function signedByDevices(
  tx: Tx,
  userId: UserId,
  { signatures, text, publicKey }: Pick<CrossSigningKey, "signatures" | "text" | "publicKey">,
): Promise<KeySignatureRow[]> {
  const deviceIds = [...signatures.keys()].flatMap((name) =>
    name.startsWith("ed25519:") ? [name.slice("ed25519:".length)] : [],
  );
  const storable = deviceIds.filter((id) => id.isWellFormed() && !id.includes("\0"));
  const devices = await lockDeviceKeysOf(tx, userId, storable);
  return devices.map(({ deviceId, keys }) => {
    const signerKey = `ed25519:${deviceId}`;
    const signature = signatures.get(signerKey)!;
    const device = { userId, deviceId };
    if (!verifyText(text, signature, signingKeyOf(JSON.parse(keys) as JsonObject, device))) {
      throw matrixError(
        "M_INVALID_SIGNATURE",
        `The signature of the master key by ${shownName(signerKey)} is wrong`,
      );
    }
    return { targetId: userId, targetKey: publicKey, signerId: userId, signerKey, signature };
  });
}

function readAll(userId: UserId, upload: CrossSigningUpload): Keys {
  const read = USAGES.flatMap((usage) => {
    const value = upload[`${usage}_key`];
    if (value === undefined) return [];
    const key = readCrossSigningKey(value, userId, usage);
    if (isJsonObject(value)) ensureSignedByNobodyElse(value, userId, `${usage}_key`);
    if (Buffer.byteLength(key.text) > MAX_CROSS_SIGNING_KEY_BYTES) {
      throw errors.tooLarge(`${usage}_key is longer than ${MAX_CROSS_SIGNING_KEY_BYTES} bytes`);
    }
    return [[usage, key] as const];
  });
  return Object.fromEntries(read);
}
