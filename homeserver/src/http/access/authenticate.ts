import type { FastifyRequest } from "fastify";
import { errors } from "../../protocol/errors.ts";
import type { Requester, Visit } from "../../users/common/types.ts";
import type { Sessions } from "../../users/sessions/sessions.ts";

export type { Requester };

export interface Authenticator extends Pick<Sessions, "byAccessToken" | "watch"> {
  /**
   * The requester of a request with an application service's token; undefined for any other token.
   * Absent: there are no services.
   * @throws MatrixError
   */
  byServiceToken?(
    token: string,
    role: { readonly userId?: string | undefined; readonly deviceId?: string | undefined },
    visit: Visit,
  ): Requester | Promise<Requester> | undefined;
}

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
  const visit = { ip, userAgent: request.headers["user-agent"] };
  return (
    authenticator.byServiceToken?.(token, roleIn(request), visit) ??
    authenticator.byAccessToken(token, visit)
  );
}

/** The application service whose token it is, as its sender; other tokens count as none. */
export function authenticateService(
  request: FastifyRequest,
  ip: string,
  authenticator: Authenticator,
): Requester | undefined | Promise<Requester> {
  const token = accessTokenOf(request);
  if (token === undefined) return undefined;
  return authenticator.byServiceToken?.(token, {}, { ip });
}

/** As whom an application service acts. (Application service API, "Identity assertion".) */
function roleIn(request: FastifyRequest) {
  const query = request.query as Record<string, unknown>;
  return {
    userId: single(query["user_id"], "user_id"),
    deviceId: single(query["device_id"] ?? query["org.matrix.msc3202.device_id"], "device_id"),
  };
}

function single(value: unknown, name: string): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw errors.invalidParam(`${name} is given more than once`);
}
