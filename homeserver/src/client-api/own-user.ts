import type { Requester } from "../http/access/authenticate.ts";
import { errors } from "../protocol/errors.ts";
import { parseUserId, type UserId } from "../protocol/identifiers.ts";

/**
 * The user in a path below which users may only access their own data.
 * @throws MatrixError M_INVALID_PARAM 400, M_FORBIDDEN 403 for another user
 */
export function ownUserId(requester: Requester, inPath: string): UserId {
  const userId = parseUserId(inPath);
  if (userId !== requester.userId) throw errors.forbidden("That is another user's");
  return userId;
}
