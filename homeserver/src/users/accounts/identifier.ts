import { errors } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { canonicalAddress } from "../contacts/email.ts";

/** A local part or a full user id; or an address in its canonical form, which may be somebody's. */
export type Named = string | { readonly medium: string; readonly address: string };

/**
 * The user named by a sign-in or an m.login.password stage: in an `identifier` object, or the
 * legacy `user`. (Client-server API, "Identifier types".)
 * @returns undefined for an address that cannot be anybody's here, such as a phone number
 * @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM, M_UNKNOWN (all 400)
 */
export function namedUser(body: JsonObject): Named | undefined {
  const { identifier } = body;
  if (identifier === undefined) {
    const named = addressIn(body) ?? userText(body["user"]);
    return named === NOBODY ? undefined : named;
  }
  if (identifier === null || typeof identifier !== "object" || Array.isArray(identifier)) {
    throw errors.invalidParam("identifier must be an object");
  }
  switch (identifier["type"]) {
    case "m.id.user":
      return userText(identifier["user"]);
    case "m.id.thirdparty": {
      const named = addressIn(identifier);
      if (named === undefined) throw errors.missingParam("identifier has no medium or address");
      return named === NOBODY ? undefined : named;
    }
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

/** An address that cannot be anybody's. */
const NOBODY = Symbol("nobody");

/** Undefined where no address is given. */
function addressIn({ medium, address: given }: JsonObject): Named | typeof NOBODY | undefined {
  if (typeof medium !== "string" || typeof given !== "string") return undefined;
  const address = canonicalAddress(medium, given);
  return address === undefined ? NOBODY : { medium, address };
}
