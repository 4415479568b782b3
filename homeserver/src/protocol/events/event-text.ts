import { canonicalString, sortedKeys, writeCanonical } from "../json/canonical-json.ts";
import type { Pdu } from "./pdu.ts";
import { redactContent } from "./redact.ts";
import type { RedactionRules, RoomVersion } from "../room-versions.ts";

/**
 * The canonical texts that an event is hashed and signed by are cut from the same members, so that
 * each member is written once.
 */
export interface Member {
  readonly key: string;
  /** The value's canonical JSON. */
  readonly text: string;
}

/** The PDU's members but `unsigned`, in canonical order; throws JsonError "forbidden". */
export function membersOf(pdu: Pdu, version: RoomVersion): Member[] {
  const members: Member[] = [];
  for (const key of sortedKeys(pdu)) {
    const value = pdu[key];
    if (value === undefined || key === "unsigned") continue;
    members.push({ key, text: writeCanonical(value, 2, version.strictCanonicalJson) });
  }
  return members;
}

/** The whole event. */
export function wholeText(members: readonly Member[]): string {
  return join(members, () => true);
}

/** What the content hash covers. (Server-server API, "Calculating the content hash".) */
export function contentHashText(members: readonly Member[]): string {
  return join(members, (key) => key !== "hashes" && key !== "signatures");
}

/**
 * What signatures and the reference hash cover: the redacted event without its signatures.
 * (Server-server API, "Calculating the reference hash", "Signing Events".)
 */
export function signedEventText(
  members: readonly Member[],
  pdu: Pdu,
  version: RoomVersion,
): string {
  const kept = keptKeys(version.redaction);
  const redacted = redactContent(pdu.type, pdu.content, version.redaction);
  const content =
    redacted === pdu.content ? undefined : writeCanonical(redacted, 2, version.strictCanonicalJson);
  return join(members, (key) => key !== "signatures" && kept.has(key), content);
}

const keptKeySets = new WeakMap<RedactionRules, ReadonlySet<string>>();

function keptKeys(rules: RedactionRules): ReadonlySet<string> {
  let keys = keptKeySets.get(rules);
  if (keys === undefined) {
    keys = new Set(rules.topLevelKeys);
    keptKeySets.set(rules, keys);
  }
  return keys;
}

function join(
  members: readonly Member[],
  keep: (key: string) => boolean,
  content?: string,
): string {
  let text = "{";
  for (const member of members) {
    if (!keep(member.key)) continue;
    if (text.length > 1) text += ",";
    const value = content !== undefined && member.key === "content" ? content : member.text;
    text += `${canonicalString(member.key)}:${value}`;
  }
  return `${text}}`;
}
