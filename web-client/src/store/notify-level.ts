import { strings, text, type Content } from "../api/types.ts";

/** What one is told of in a room: as everywhere, of every message, of what is for them only, of nothing. */
export type NotifyLevel = "default" | "all" | "mentions" | "mute";

/** The rules of a kind. */
export function rulesOf(rules: Content | undefined, kind: string): Content[] {
  const global = rules?.["global"] as Content | undefined;
  const found = global?.[kind];
  if (!Array.isArray(found)) return [];
  return found.filter((one): one is Content => typeof one === "object" && one !== null);
}

const isOn = (rule: Content | undefined): rule is Content =>
  rule !== undefined && rule["enabled"] !== false;
const notifies = (rule: Content): boolean => strings(rule, "actions").includes("notify");

/** A rule of one's own that silences a whole room. */
export function silences(rule: Content): string | undefined {
  const conditions = rule["conditions"];
  if (!isOn(rule) || notifies(rule) || !Array.isArray(conditions)) return undefined;
  if (conditions.length !== 1) return undefined;
  const [only] = conditions as Content[];
  const isOfRoom = only?.["kind"] === "event_match" && only["key"] === "room_id";
  return isOfRoom ? text(only, "pattern") : undefined;
}

/** The rooms for which there is a rule of their own, with the level that it makes. `rules` is the content of `m.push_rules`. */
export function notifyLevels(rules: Content | undefined): Map<string, NotifyLevel> {
  const levels = new Map<string, NotifyLevel>();
  for (const rule of rulesOf(rules, "room")) {
    const roomId = text(rule, "rule_id");
    if (roomId !== undefined && isOn(rule)) levels.set(roomId, notifies(rule) ? "all" : "mentions");
  }
  for (const rule of rulesOf(rules, "override")) {
    const roomId = silences(rule);
    if (roomId !== undefined) levels.set(roomId, "mute");
  }
  return levels;
}
