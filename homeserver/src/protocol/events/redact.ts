import type { Pdu } from "./pdu.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { RedactionRules, RoomVersion } from "../room-versions.ts";

/** The PDU as a redaction leaves it, under the room version's rules; the original is untouched. */
export function redactPdu(pdu: Pdu, version: RoomVersion): Pdu {
  const redacted: JsonObject = {};
  for (const key of version.redaction.topLevelKeys) {
    if (pdu[key] !== undefined) redacted[key] = pdu[key];
  }
  redacted.content = redactContent(pdu.type, pdu.content, version.redaction);
  return redacted as Pdu;
}

/** What a redaction leaves of an event's content. */
export function redactContent(
  type: string,
  content: JsonObject,
  rules: RedactionRules,
): JsonObject {
  const kept = Object.hasOwn(rules.contentKeys, type) ? rules.contentKeys[type] : undefined;
  if (kept === undefined) return {};
  if (kept === true) return content;
  const redacted: JsonObject = {};
  for (const path of kept) {
    const dot = path.indexOf(".");
    if (dot < 0) copyKey(content, redacted, path);
    else copyNested(content, redacted, path.slice(0, dot), path.slice(dot + 1));
  }
  return redacted;
}

function copyKey(from: JsonObject, to: JsonObject, key: string): void {
  if (Object.hasOwn(from, key) && from[key] !== undefined) to[key] = from[key];
}

/** `outer` survives only as an object with `inner` in it. */
function copyNested(from: JsonObject, to: JsonObject, outer: string, inner: string): void {
  const value = Object.hasOwn(from, outer) ? from[outer] : undefined;
  if (!isJsonObject(value) || !Object.hasOwn(value, inner)) return;
  to[outer] = { [inner]: value[inner] };
}
