import type { RateLimiter } from "../http/rate-limit.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import { namedUser } from "../users/identifier.ts";
import type { Users } from "../users/users.ts";

export interface PasswordDeps {
  readonly users: Users;
  readonly limits: Pick<RateLimiter, "checkAccount">;
}

/**
 * Lets an operation go on once the user's password is proven by user-interactive authentication. Without a
 * `requester` the authentication itself says who it is. `operation` also names what is acted upon.
 * @throws UiaChallenge 401, MatrixError M_LIMIT_EXCEEDED 429
 */
export async function provePassword(
  { users, limits }: PasswordDeps,
  operation: string,
  body: JsonObject,
  requester: UserId | undefined,
): Promise<UserId> {
  const { auth } = body;
  if (isJsonObject(auth) && auth["type"] === "m.login.password") {
    const user = requester ?? namedUser(auth);
    if (user !== undefined) await limits.checkAccount(accountKey(users, user));
  }
  const flows = [["m.login.password"]] as const;
  const facts = await users.uia.authorise({ operation, body, userId: requester, flows });
  return facts.userId!;
}

/** One name for an account, however it was written. */
export function accountKey(users: Users, user: string): string {
  const id = user.startsWith("@") ? user : `@${user}:${users.accounts.serverName}`;
  return id.toLowerCase();
}
