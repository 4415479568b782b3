import type { FastifyRequest } from "fastify";
import { errors } from "../../protocol/errors.ts";
import type { Requester } from "../../users/common/types.ts";
import type { Sessions } from "../../users/sessions/sessions.ts";

export type { Requester };

export type Authenticator = Pick<Sessions, "byAccessToken">;

/** The request's access token: from the Authorization header, otherwise from `?access_token=`. */
export function accessTokenOf(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) {
    const match = /^bearer +(\S+)\s*$/i.exec(header);
    return match?.[1];
  }
  const query = (request.query as Record<string, unknown>)["access_token"];
  return typeof query === "string" && query !== "" ? query : undefined;
}

/**
 * The requester. With `optional`, a request without a token has none; a bad token is refused
 * nevertheless, so that clients notice.
 * @throws MatrixError M_MISSING_TOKEN, M_UNKNOWN_TOKEN (both 401)
 */
export function authenticateUser(
  request: FastifyRequest,
  ip: string,
  authenticator: Authenticator,
  optional: boolean,
): Requester | undefined | Promise<Requester> {
  const token = accessTokenOf(request);
  if (token === undefined) {
    if (optional) return undefined;
    throw errors.missingToken();
  }
  const userAgent = request.headers["user-agent"];
  return authenticator.byAccessToken(token, { ip, userAgent });
}
