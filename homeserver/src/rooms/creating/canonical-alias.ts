/** Content of m.room.canonical_alias. */
import { errors } from "../../protocol/errors.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";

/** The values of `alias` and `alt_aliases`, valid or not. */
export function aliasesIn(content: JsonObject): Json[] {
  const { alias, alt_aliases: others } = content;
  const main = alias === undefined || alias === null || alias === "" ? [] : [alias];
  return [...main, ...(Array.isArray(others) ? others : [])];
}

/** The same for content that a client sends. M_INVALID_PARAM when `alt_aliases` is not a list. */
export function aliasesSet(content: JsonObject): Json[] {
  const { alt_aliases: others } = content;
  if (others !== undefined && others !== null && !Array.isArray(others)) {
    throw errors.invalidParam("alt_aliases is not a list");
  }
  return aliasesIn(content);
}
