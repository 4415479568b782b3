/** State that is copied into an upgraded room, adapted to its version. */
import { isInteger, isJsonObject, numberOf } from "../../protocol/json.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";

/**
 * The content of an old room's state event for a room of `version`. What the new version's
 * canonical JSON forbids is left out. A join rule that it does not know becomes the next stricter
 * one: nobody could join by an unknown rule, not even with an invite.
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

/** Fractions are truncated; numbers beyond ±(2^53 - 1) are left out. */
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
