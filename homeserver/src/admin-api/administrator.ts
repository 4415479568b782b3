import { errors } from "../protocol/errors.ts";
import type { Requester } from "../users/types.ts";

/** @throws MatrixError M_FORBIDDEN 403 */
export function checkAdministrator({ isAdmin }: Requester): void {
  if (!isAdmin) throw errors.forbidden("You are not an administrator of this server");
}
