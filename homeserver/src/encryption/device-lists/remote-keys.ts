/**
 * Devices and cross-signing keys as other servers tell them. Nothing of that is trusted: what is
 * malformed, about somebody else, or signed wrongly is left out, and so are signatures that are not
 * verified. (Client-server API, "Device keys", "Cross-signing".)
 */
import type { Yielder } from "../../platform/yielder.ts";
import { type VerifyKey, verifyText } from "../../protocol/crypto.ts";
import { MatrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { canonicalJson, type Json, JsonError, type JsonObject } from "../../protocol/json.ts";
import {
  type CrossSigningKey,
  type KeyUsage,
  readCrossSigningKey,
} from "../../protocol/keys/cross-signing-keys.ts";
import { readDeviceKeys, signingKeyOf } from "../../protocol/keys/device-keys.ts";
import { signingKeyName } from "../../protocol/keys/key-names.ts";
import { signedBy, type SignedObject } from "../../protocol/keys/signed-object.ts";
import { isIndexable, wellFormed } from "../../protocol/text.ts";

/** A device of another server's user that encrypts. */
export interface RemoteDevice {
  readonly deviceId: string;
  /** Canonical JSON of its keys without `unsigned`. */
  readonly keys: string;
  readonly displayName: string | null;
}

/** All devices and cross-signing keys of another server's user. */
export interface RemoteList {
  readonly devices: readonly RemoteDevice[];
  /** Canonical JSON of the keys; null: there is none. */
  readonly masterKey: string | null;
  readonly selfSigningKey: string | null;
}

/** What another server says of a device. */
export interface ToldDevice {
  readonly deviceId: string;
  readonly keys: Json | undefined;
  readonly displayName: Json | undefined;
}

/** Devices of one user, at most. */
export const MAX_DEVICES = 1000;
/** Keys of all devices of a user, UTF-16 units of JSON. */
export const MAX_LIST = 2 * 1024 * 1024;
/** Keys of a device, or a cross-signing key, with their signatures: UTF-16 units of JSON. */
const MAX_KEYS = 16_384;
const MAX_DISPLAY_NAME = 256;
/** Devices whose signatures of their user's master key are kept. */
const MAX_SIGNERS = 20;

/** A public key that signatures are verified with, and its name. */
interface Signer {
  readonly name: string;
  readonly verifyKey: VerifyKey;
}

/** A signature by the name of its key. */
type Signature = readonly [name: string, signature: string];

/** What is read; undefined when it is refused. */
function accepted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MatrixError) return undefined;
    throw error;
  }
}

/** The canonical JSON; undefined when there is none, or it is too long. */
function textOf(object: JsonObject): string | undefined {
  try {
    const text = canonicalJson(object);
    return text.length <= MAX_KEYS ? text : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** Those of the signatures that these signers made. */
function madeBy({ text, signatures }: SignedObject, signers: readonly Signer[]): Signature[] {
  return signers.flatMap(({ name, verifyKey }) => {
    const signature = signatures.get(name);
    const isGood = signature !== undefined && verifyText(text, signature, verifyKey);
    return isGood ? [[name, signature] as const] : [];
  });
}

const crossSigner = (key: Json | undefined, userId: UserId, usage: KeyUsage) =>
  accepted(() => readCrossSigningKey(key, userId, usage));

/**
 * The device, if its keys are its own and signed by it; undefined when they are not. Of further
 * signatures, the one by the self-signing key is kept if it is right. `others`: some are not kept.
 */
function deviceOf(userId: UserId, told: ToldDevice, selfSigner: Signer | undefined) {
  const { deviceId, displayName: name } = told;
  if (!isIndexable(deviceId)) return undefined;
  const own = accepted(() => readDeviceKeys(told.keys, { userId, deviceId }));
  if (own === undefined) return undefined;
  const ownName = signingKeyName({ deviceId });
  const bySelfSigner = madeBy(own, selfSigner ? [selfSigner] : []);
  const made: Signature[] = [[ownName, own.signatures.get(ownName)!], ...bySelfSigner];
  const keys = textOf(signedBy(own.content, userId, made));
  if (keys === undefined) return undefined;
  const displayName =
    typeof name === "string" ? wellFormed(name, MAX_DISPLAY_NAME).replaceAll("\0", "") : null;
  return {
    device: { deviceId, keys, displayName },
    isSelfSigned: bySelfSigner.length > 0,
    hasOthers: own.signatures.size > made.length,
  };
}

/** Master keys may be signed by devices of their user. */
function masterText(
  master: CrossSigningKey,
  userId: UserId,
  devices: readonly RemoteDevice[],
): string | null {
  const signing = devices.filter((device) => master.signatures.has(signingKeyName(device)));
  const signers = signing.slice(0, MAX_SIGNERS).map(({ deviceId, keys }) => ({
    name: signingKeyName({ deviceId }),
    verifyKey: signingKeyOf(JSON.parse(keys) as JsonObject, { userId, deviceId }),
  }));
  return textOf(signedBy(master.content, userId, madeBy(master, signers))) ?? null;
}

/** Cross-signing keys of a user, as far as they are theirs; the second is signed by the first. */
function crossSigningOf(userId: UserId, told: Json | undefined, toldSelf: Json | undefined) {
  const master = crossSigner(told, userId, "master");
  if (master === undefined || textOf(master.content) === undefined) return undefined;
  const selfSigner = crossSigner(toldSelf, userId, "self_signing");
  const made = selfSigner ? madeBy(selfSigner, [master]) : [];
  if (selfSigner === undefined || made.length === 0) return { master };
  const self = textOf(signedBy(selfSigner.content, userId, made));
  return self === undefined ? { master } : { master, self, selfSigner };
}

/**
 * The list that another server tells of one of its users: of each device, and each key, what is
 * right.
 */
export async function remoteListOf(
  userId: UserId,
  told: {
    readonly devices: readonly ToldDevice[];
    readonly masterKey: Json | undefined;
    readonly selfSigningKey: Json | undefined;
  },
  yielder: Yielder,
): Promise<RemoteList> {
  const crossSigning = crossSigningOf(userId, told.masterKey, told.selfSigningKey);
  const devices = new Map<string, RemoteDevice>();
  for (const one of told.devices) {
    await yielder.pauseIfDue();
    const found = deviceOf(userId, one, crossSigning?.selfSigner);
    if (found !== undefined) devices.set(found.device.deviceId, found.device);
  }
  const found = [...devices.values()];
  return {
    devices: found,
    masterKey: crossSigning ? masterText(crossSigning.master, userId, found) : null,
    selfSigningKey: crossSigning?.self ?? null,
  };
}

/**
 * A device as an update tells it; undefined when it has no keys that are its own. "unknown signer" when a
 * key signed it that is not the stored self-signing key: that one has changed.
 */
export function updatedDevice(
  userId: UserId,
  told: ToldDevice,
  selfSigningKey: string | null,
): RemoteDevice | "unknown signer" | undefined {
  const stored = selfSigningKey === null ? undefined : (JSON.parse(selfSigningKey) as Json);
  const found = deviceOf(userId, told, crossSigner(stored, userId, "self_signing"));
  if (found === undefined) return undefined;
  return found.hasOthers && !found.isSelfSigned ? "unknown signer" : found.device;
}

/**
 * Cross-signing keys as an update tells them, where a key that it does not name stays as it is.
 * Undefined when they do not belong together.
 */
export function updatedCrossSigning(
  userId: UserId,
  before: RemoteList,
  told: { readonly masterKey: Json | undefined; readonly selfSigningKey: Json | undefined },
): Pick<RemoteList, "masterKey" | "selfSigningKey"> | undefined {
  const stored = (text: string | null) => (text === null ? undefined : (JSON.parse(text) as Json));
  const master = told.masterKey ?? stored(before.masterKey);
  const self = told.selfSigningKey ?? stored(before.selfSigningKey);
  const found = crossSigningOf(userId, master, self);
  if (found === undefined || (self !== undefined && found.self === undefined)) return undefined;
  return {
    masterKey: masterText(found.master, userId, before.devices),
    selfSigningKey: found.self ?? null,
  };
}
