/** Who may do what with whose account: see docs/decisions/0050. */
import type { Change } from "../../log/types.ts";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { setAdministrator } from "../../storage/administration/users.ts";
import { endActingBy } from "../sessions/acting.ts";

/** Otherwise a server's last administrator could lock everybody out. @throws MatrixError M_FORBIDDEN 403 */
export function ensureKeepsRole(by: UserId, userId: UserId, isAdmin: boolean): void {
  if (by === userId && !isAdmin) throw errors.forbidden("Nobody gives up their own role");
}

/** @throws MatrixError M_FORBIDDEN 403 */
export function ensureCloses(by: UserId, userId: UserId, isAdmin: boolean): void {
  if (by === userId) throw errors.forbidden("Nobody closes their own account in this way");
  if (isAdmin) throw errors.forbidden("That is another administrator: end their role first");
}

/** Every replica knows of it before it answers its next request. The account's row is locked. */
export async function changeRole(change: Change, userId: UserId, isAdmin: boolean): Promise<void> {
  const { tx, record } = change;
  await setAdministrator(tx, userId, isAdmin);
  if (!isAdmin) await endActingBy(change, userId);
  record({ kind: "session", userId });
}
