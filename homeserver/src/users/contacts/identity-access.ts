/** What users name to have an identity server asked in their name. */
import { errors } from "../../protocol/errors.ts";
import { parseServerName, type ServerName } from "../../protocol/identifiers.ts";

/** @throws MatrixError M_INVALID_PARAM 400 */
export function parseIdentityServer(idServer: string): ServerName {
  try {
    return parseServerName(idServer);
  } catch {
    throw errors.invalidParam("That is no name of an identity server");
  }
}

/** @throws MatrixError M_INVALID_PARAM 400 for what cannot stand in a header */
export function checkIdentityToken(token: string): void {
  if (!/^[\x21-\x7e]+$/.test(token)) throw errors.invalidParam("id_access_token is no token");
}
