import { errors } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";

/**
 * The user named by a sign-in or an m.login.password stage: in an `identifier` object, or the
 * legacy `user`. (Client-server API, "Identifier types".)
 * @returns a localpart or a full user id; undefined for a third-party identifier, none of which is
 * known here
 * @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM, M_UNKNOWN (all 400)
 */
export function namedUser(body: JsonObject): string | undefined {
  const { identifier } = body;
  if (identifier === undefined) {
    if (typeof body["medium"] === "string" && typeof body["address"] === "string") return undefined;
    return userText(body["user"]);
  }
  if (identifier === null || typeof identifier !== "object" || Array.isArray(identifier)) {
    throw errors.invalidParam("identifier must be an object");
  }
  switch (identifier["type"]) {
    case "m.id.user":
      return userText(identifier["user"]);
    case "m.id.thirdparty":
    case "m.id.phone":
      return undefined;
    case undefined:
      throw errors.missingParam("identifier has no type");
    default:
      throw errors.unknown("That type of identifier is not known", 400);
  }
}

function userText(user: unknown): string {
  if (user === undefined) throw errors.missingParam("No user is named");
  if (typeof user !== "string") throw errors.invalidParam("The user must be a string");
  return user;
}
