import type { Requester } from "../http/access/authenticate.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
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

/**
 * Lets an operation continue once the user's password is proven by user-interactive authentication.
 * Without a requester the authentication itself identifies the user. `operation` also names what is
 * acted upon.
 * @throws UiaChallenge 401, MatrixError M_LIMIT_EXCEEDED 429
 */
export async function provePassword(
  users: Users,
  operation: string,
  { body, requester, ip }: ProvingRequest,
): Promise<UserId> {
  const flows = [["m.login.password"]] as const;
  const visitor = { ip, deviceId: requester?.deviceId };
  const { userId } = requester ?? { userId: undefined };
  const facts = await users.uia.authorise({ operation, body, userId, visitor, flows });
  return facts.userId!;
}
