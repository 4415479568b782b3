import { errors } from "../../protocol/errors.ts";
import type { Tx } from "../../storage/sql.ts";
import { holdAccount } from "../../storage/users/accounts.ts";

/**
 * The password hash of an account that somebody may be signed in to (null: it has none), which
 * stays as it is until the transaction ends; undefined when it is closed or was never there.
 * @throws MatrixError M_USER_LOCKED 401
 */
export async function holdOpenAccount(tx: Tx, userId: string): Promise<string | null | undefined> {
  const account = await holdAccount(tx, userId);
  if (account?.isLocked === true) throw errors.userLocked();
  return account?.passwordHash;
}
