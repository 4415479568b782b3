import type { Requester } from "../http/access/authenticate.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { Stage } from "../users/accounts/uia-request.ts";
import type { Users } from "../users/users.ts";

/**
 * A request that must prove the user's password: the signed-in requester, if any, and the client's
 * address.
 */
export interface ProvingRequest {
  readonly body: JsonObject;
  readonly requester: Requester | undefined;
  readonly ip: string;
}

/** By a password, or by signing in elsewhere once more where the account is linked. */
async function provingFlows(users: Users, userId: UserId | undefined): Promise<Stage[][]> {
  const byPassword: Stage[] = ["m.login.password"];
  if (userId === undefined || (await users.sso.providersOf(userId)).length === 0) {
    return [byPassword];
  }
  const hasPassword = await users.accounts.hasPassword(userId);
  return [...(hasPassword ? [byPassword] : []), ["m.login.sso"]];
}

/**
 * Lets an operation continue once its user is proven by user-interactive authentication: by their
 * password, or by single sign-on. Without a requester the authentication itself identifies the user. `operation` also names what is
 * acted upon.
 * @throws UiaChallenge 401, MatrixError M_LIMIT_EXCEEDED 429
 */
export async function provePassword(
  users: Users,
  operation: string,
  { body, requester, ip }: ProvingRequest,
): Promise<UserId> {
  const visitor = { ip, deviceId: requester?.deviceId };
  const { userId } = requester ?? { userId: undefined };
  const flows = await provingFlows(users, userId);
  const facts = await users.uia.authorise({ operation, body, userId, visitor, flows });
  return facts.userId!;
}

/**
 * The same, for what application services may do without: their users have no passwords, and the
 * service has full control over them. (Application service API, "Server admin style permissions",
 * "Device management", "Cross-signing".)
 */
export async function provePasswordUnlessService(
  users: Users,
  operation: string,
  request: ProvingRequest,
): Promise<UserId> {
  if (request.requester?.service !== undefined) return request.requester.userId;
  return await provePassword(users, operation, request);
}
