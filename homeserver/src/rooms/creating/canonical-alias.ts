/** Content of m.room.canonical_alias. */
import { errors } from "../../protocol/errors.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";

/** `alias` and `alt_aliases`, whatever they are. */
export function aliasesIn(content: JsonObject): Json[] {
  const { alias, alt_aliases: others } = content;
  const main = alias === undefined || alias === null || alias === "" ? [] : [alias];
  return [...main, ...(Array.isArray(others) ? others : [])];
}

/** The same of what a client sends. M_INVALID_PARAM where `alt_aliases` is no list. */
export function aliasesSet(content: JsonObject): Json[] {
  const { alt_aliases: others } = content;
  if (others !== undefined && others !== null && !Array.isArray(others)) {
    throw errors.invalidParam("alt_aliases is not a list");
  }
  return aliasesIn(content);
}
