import type { Change, Log } from "../../log/types.ts";
import { verifyText } from "../../protocol/crypto.ts";
import { errors, MatrixError, matrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import {
  type CrossSigningKey,
  readCrossSigningKey,
} from "../../protocol/keys/cross-signing-keys.ts";
import { shownName } from "../../protocol/keys/key-names.ts";
import { divideSigned, type SignedObject } from "../../protocol/keys/signed-object.ts";
import { lockAccount } from "../../storage/users/accounts.ts";
import * as storage from "../../storage/users/cross-signing-keys.ts";
import type { KeySignatureRow } from "../../storage/users/cross-signing-keys.ts";
import { lockDeviceKeysOf } from "../../storage/users/device-keys.ts";
import type { Tx } from "../../storage/sql.ts";
import { MAX_SIGNED_USERS } from "./bounds.ts";
import { signedByDevices, storedKeys } from "./cross-signing.ts";

/** Signed keys by user, then by device id or public key. */
export type SignedKeys = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
/** Why signatures were refused, by the same. */
type SignatureFailures = ReadonlyMap<string, ReadonlyMap<string, MatrixError>>;
/** The master keys of users, as they are known; unknown ones are missing. */
type MasterKeys = ReadonlyMap<UserId, JsonObject>;

export interface KeySignatures {
  /**
   * Stores signatures that are right and that the user may make: by the self-signing key on their
   * own devices, by their devices on their own master key, by the user-signing key on others'
   * master keys. The others are refused one by one. `remote` has the master keys of other servers'
   * users. (Client-server API, "Cross-signing".)
   */
  uploadSignatures(
    userId: UserId,
    signed: SignedKeys,
    remote?: MasterKeys,
  ): Promise<SignatureFailures>;
}

/** One signed key that was handed in. */
interface Entry {
  readonly targetId: string;
  /** Device id, or public key. */
  readonly targetKey: string;
  readonly object: JsonObject;
}

/** What signatures are checked against. */
interface Known {
  readonly own: Awaited<ReturnType<typeof storedKeys>>;
  /** Identity keys of the user's devices, of those that are signed. */
  readonly devices: ReadonlyMap<string, JsonObject>;
  /** Master keys of other users. */
  readonly masters: MasterKeys;
}

export function createKeySignatures({ log }: { log: Log }): KeySignatures {
  return {
    uploadSignatures(userId, signed, remote = new Map()) {
      const entries = Object.entries(signed).flatMap(([targetId, keys]) =>
        Object.entries(keys).map(([targetKey, object]) => ({ targetId, targetKey, object })),
      );
      return log.change((change) => store(change, userId, entries, remote));
    },
  };
}

async function store(
  { tx, record }: Change,
  userId: UserId,
  entries: readonly Entry[],
  remote: MasterKeys,
): Promise<SignatureFailures> {
  if (!(await lockAccount(tx, userId))) throw errors.unknownToken();
  const known = await readKnown(tx, userId, entries, remote);
  let room = MAX_SIGNED_USERS - (await storage.countSignedUsers(tx, userId));
  const failures = new Map<string, Map<string, MatrixError>>();
  const rows: KeySignatureRow[] = [];
  for (const entry of entries) {
    const { targetId, targetKey } = entry;
    try {
      if (targetId === userId) rows.push(...(await judgeOwn(tx, userId, entry, known)));
      else if ((room -= 1) < 0) throw tooManySigned();
      else rows.push(judgeOther(userId, entry, known));
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      const ofTarget = failures.get(targetId) ?? new Map<string, MatrixError>();
      failures.set(targetId, ofTarget.set(targetKey, error));
    }
  }
  await storage.deleteFormerSignatures(
    tx,
    rows.filter(({ targetId }) => targetId !== userId),
  );
  const written = await storage.writeKeySignatures(tx, rows);
  tell(record, userId, written, known);
  return failures;
}

/** A user's devices and master key are others' business; whom the user signed is nobody's. */
function tell(
  record: Change["record"],
  userId: UserId,
  written: readonly Pick<KeySignatureRow, "targetId" | "targetKey">[],
  { own }: Known,
): void {
  for (const { targetId, targetKey } of written) {
    if (targetId !== userId) {
      record({ kind: "user_signature", userId, targetId });
    } else {
      const deviceId = targetKey === own.master?.publicKey ? "" : targetKey;
      record({ kind: "device_list", userId, deviceId, isRemoved: false });
    }
  }
}

async function readKnown(
  tx: Tx,
  userId: UserId,
  entries: readonly Entry[],
  remote: MasterKeys,
): Promise<Known> {
  const own = await storedKeys(tx, userId);
  const storable = entries.filter(({ targetId, targetKey }) =>
    [targetId, targetKey].every((text) => text.isWellFormed() && !text.includes("\0")),
  );
  const ofOwn = storable.filter(({ targetId }) => targetId === userId);
  const devices = await lockDeviceKeysOf(
    tx,
    userId,
    ofOwn.map(({ targetKey }) => targetKey),
  );
  const others = new Set(storable.map(({ targetId }) => targetId).filter((id) => id !== userId));
  const rows = await storage.crossSigningKeysOf(tx, [...others]);
  const masters = rows.filter(({ usage }) => usage === "master");
  const local = masters.map(
    (row) => [row.userId as UserId, JSON.parse(row.key) as JsonObject] as const,
  );
  return {
    own,
    devices: new Map(devices.map((row) => [row.deviceId, JSON.parse(row.keys) as JsonObject])),
    masters: new Map([...remote, ...local]),
  };
}

/** @throws MatrixError that says why the signatures on the user's own key are refused */
async function judgeOwn(
  tx: Tx,
  userId: UserId,
  { targetKey, object }: Entry,
  { own, devices }: Known,
): Promise<KeySignatureRow[]> {
  const signed = divide(object, userId, targetKey);
  if (targetKey === own.master?.publicKey) {
    ensureSame(signed, own.master.text, targetKey);
    const rows = await signedByDevices(tx, userId, { ...signed, publicKey: targetKey });
    if (rows.length > 0) return rows;
    throw matrixError("M_INVALID_SIGNATURE", "None of your devices has signed the master key");
  }
  const device = devices.get(targetKey);
  if (device === undefined) {
    throw errors.notFound(
      `You have no device with keys, and no master key, ${shownName(targetKey)}`,
    );
  }
  ensureSame(signed, divide(device, userId, targetKey).text, targetKey);
  const signer = own.self_signing;
  if (!signer) throw errors.notFound("You have no self-signing key");
  return [signatureBy(signer, userId, signed, { targetId: userId, targetKey })];
}

/** @throws MatrixError that says why the signature on another user's key is refused */
function judgeOther(
  userId: UserId,
  { targetId, targetKey, object }: Entry,
  { own, masters }: Known,
): KeySignatureRow {
  const signer = own.user_signing;
  if (!signer) throw errors.notFound("You have no user-signing key");
  const master = masters.get(targetId as UserId);
  const known = master && readCrossSigningKey(master, targetId, "master");
  if (!known || known.publicKey !== targetKey) {
    throw errors.notFound(
      `${shownName(targetKey)} is not the master key of ${shownName(targetId)}`,
    );
  }
  const signed = divide(object, userId, targetKey);
  ensureSame(signed, known.text, targetKey);
  return signatureBy(signer, userId, signed, { targetId, targetKey });
}

function signatureBy(
  { name, verifyKey, usage }: CrossSigningKey,
  userId: UserId,
  { text, signatures }: SignedObject,
  target: Pick<KeySignatureRow, "targetId" | "targetKey">,
): KeySignatureRow {
  const signature = signatures.get(name);
  if (signature !== undefined && verifyText(text, signature, verifyKey)) {
    return { ...target, signerId: userId, signerKey: name, signature };
  }
  const fault = signature === undefined ? "is missing" : "is wrong";
  throw matrixError(
    "M_INVALID_SIGNATURE",
    `The signature by your ${usage} key ${name} on ${shownName(target.targetKey)} ${fault}`,
  );
}

function divide(object: JsonObject, userId: UserId, targetKey: string): SignedObject {
  const signed = divideSigned(object, userId);
  if (signed !== undefined) return signed;
  throw errors.invalidParam(`${shownName(targetKey)} holds what canonical JSON forbids`);
}

function ensureSame({ text }: SignedObject, stored: string, targetKey: string): void {
  if (text === stored) return;
  throw errors.invalidParam(
    `What is signed is not the key ${shownName(targetKey)} as it is stored`,
  );
}

function tooManySigned(): MatrixError {
  return matrixError(
    "M_RESOURCE_LIMIT_EXCEEDED",
    `You have signed the keys of ${MAX_SIGNED_USERS} users, which is as many as this server keeps`,
  );
}
