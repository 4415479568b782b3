import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { KeySignatureRow } from "../../storage/users/cross-signing-keys.ts";
import { type DeviceWithKeys, publicKeysOf } from "../../storage/users/public-keys.ts";
import type { Sql } from "../../storage/sql.ts";
import { withSignatures } from "./with-signatures.ts";

/** A user's keys with the signatures on them. */
export interface UserKeys {
  readonly devices: ReadonlyMap<string, JsonObject>;
  /** By usage: master, self_signing and user_signing, which is the user's alone. */
  readonly crossSigning: ReadonlyMap<string, JsonObject>;
}

type Signatures = ReadonlyMap<string, readonly KeySignatureRow[]>;

/**
 * The keys of those of the users who have, or had, an account, all of one moment, with the
 * signatures that the asking user may see; undefined: another server.
 */
export async function readUserKeys(
  sql: Sql,
  asker: UserId | undefined,
  userIds: readonly UserId[],
): Promise<Map<UserId, UserKeys>> {
  const read = await publicKeysOf(sql, asker ?? null, userIds);
  const signatures = Map.groupBy(read.signatures, ({ targetId, targetKey }) =>
    signedKey(targetId, targetKey),
  );
  const users = new Map(
    (read.known as UserId[]).map((userId) => [
      userId,
      { devices: new Map<string, JsonObject>(), crossSigning: new Map<string, JsonObject>() },
    ]),
  );
  for (const row of read.devices) {
    const user = users.get(row.userId as UserId);
    user?.devices.set(row.deviceId, deviceInformation(row, signatures));
  }
  for (const { userId, usage, publicKey, key } of read.crossSigning) {
    const more = signatures.get(signedKey(userId, publicKey)) ?? [];
    const object = withSignatures(JSON.parse(key) as JsonObject, more);
    users.get(userId as UserId)?.crossSigning.set(usage, object);
  }
  return users;
}

function deviceInformation(row: DeviceWithKeys, signatures: Signatures): JsonObject {
  const { userId, deviceId, keys, displayName } = row;
  const more = signatures.get(signedKey(userId, deviceId)) ?? [];
  return {
    ...withSignatures(JSON.parse(keys) as JsonObject, more),
    ...(displayName !== null && { unsigned: { device_display_name: displayName } }),
  };
}

/** Names a signed key among those of all users. */
export function signedKey(targetId: string, targetKey: string): string {
  return `${targetId}\0${targetKey}`;
}
