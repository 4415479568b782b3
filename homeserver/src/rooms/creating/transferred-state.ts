/** State that moves along to a room's successor, as the successor's version can say it. */
import { isInteger, isJsonObject, numberOf } from "../../protocol/json.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";

/**
 * The content of an old room's state event for a room of `version`: without what its canonical JSON
 * forbids, and of join rules the next stricter one where it does not know the old one (nobody could
 * join by that, not even the invited).
 */
export function transferredContent(
  type: string,
  content: JsonObject,
  version: RoomVersion,
): JsonObject {
  const copy = version.strictCanonicalJson ? (strict(content) as JsonObject) : content;
  if (type !== "m.room.join_rules" || copy.join_rule === undefined) return copy;
  return { ...copy, join_rule: knownJoinRule(copy.join_rule, version) };
}

function knownJoinRule(rule: Json, version: RoomVersion): Json {
  const { knock, restrictedJoins, knockRestricted } = version;
  switch (rule) {
    case "knock_restricted":
      if (knockRestricted) return rule;
      if (restrictedJoins) return "restricted";
      return knock ? "knock" : "invite";
    case "restricted":
      return restrictedJoins ? rule : "invite";
    case "knock":
      return knock ? rule : "invite";
    default:
      return rule;
  }
}

/** Fractions are cut; numbers beyond ±(2^53 - 1) are left out. */
function strict(value: Json): Json | undefined {
  const number = numberOf(value);
  if (number !== undefined) {
    const cut = Math.trunc(number) || 0;
    return isInteger(cut) ? cut : undefined;
  }
  if (Array.isArray(value)) return value.map(strict).filter((entry) => entry !== undefined);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).flatMap(([key, entry]) => {
    const copy = entry === undefined ? undefined : strict(entry);
    return copy === undefined ? [] : [[key, copy] as const];
  });
  return Object.fromEntries(kept);
}
