import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { isPublicKey } from "../../protocol/keys/key-names.ts";
import { lockAccount } from "../../storage/users/accounts.ts";
import { isCrossSigningKey } from "../../storage/users/cross-signing-keys.ts";
import type { Tx } from "../../storage/sql.ts";

/**
 * Throws if the id of a new device is one of the user's cross-signing keys: both are names of keys
 * that sign. The account is locked until the transaction ends, so that no such key comes meanwhile.
 * (Client-server API, "Cross-signing".)
 * @throws MatrixError M_INVALID_PARAM 400
 */
export async function ensureNoCrossSigningKey(
  tx: Tx,
  userId: UserId,
  deviceId: string,
): Promise<void> {
  if (!isPublicKey(deviceId)) return;
  await lockAccount(tx, userId);
  if (!(await isCrossSigningKey(tx, userId, deviceId))) return;
  throw errors.invalidParam("The device_id is the public key of one of your cross-signing keys");
}
