import { number, object, text, type Content, type MatrixEvent } from "../api/types.ts";

/** What rules look at besides the event. */
export interface PushContext {
  /** The reader's name in the room; "" when they have none. */
  displayName: string;
  memberCount: number;
  senderPowerLevel: number;
  /** The level that a kind of notification needs, from the room's power levels. */
  notificationLevels?: Content | undefined;
  /** Whether the reader follows the event's thread; undefined: it is in none, or it is not known. */
  followsThread?: boolean | undefined;
}

export interface PushVerdict {
  notify: boolean;
  highlight: boolean;
}

/** An event as rules see it. */
export type PushEvent = Pick<MatrixEvent, "type" | "sender" | "content" | "state_key"> & {
  room_id: string;
};

const KINDS = ["override", "content", "room", "sender", "underride"] as const;
/** Characters of a text that are looked through; longer ones are no mention. */
const MAX_TEXT = 20_000;

const isWord = (char: string | undefined): boolean => char !== undefined && /^\w$/.test(char);

/**
 * Whether a pattern is in a text: as a whole, or anywhere between words. `*` stands for any characters and `?` for one,
 * unless `isLiteral`. All ways are followed at once, so that no pattern takes long.
 */
function matches(
  value: string,
  pattern: string,
  where: "whole" | "words",
  isLiteral = false,
): boolean {
  const chars = Array.from(value.slice(0, MAX_TEXT).toLowerCase());
  const tokens = Array.from(pattern.toLowerCase());
  const isMark = (token: string | undefined, mark: string): boolean => !isLiteral && token === mark;
  const isEdge = (at: number): boolean =>
    where === "whole" ? at === chars.length : !(isWord(chars[at - 1]) && isWord(chars[at]));
  let active = new Set<number>();
  for (let at = 0; at <= chars.length; at++) {
    if (where === "whole" ? at === 0 : isEdge(at)) active.add(0);
    // A set that is walked through also gives what is added meanwhile.
    for (const state of active) if (isMark(tokens[state], "*")) active.add(state + 1);
    if (active.has(tokens.length) && isEdge(at)) return true;
    const next = new Set<number>();
    for (const state of active) {
      if (state === tokens.length) continue;
      if (isMark(tokens[state], "*")) next.add(state);
      else if (isMark(tokens[state], "?") || tokens[state] === chars[at]) next.add(state + 1);
    }
    active = next;
  }
  return false;
}

/** The names in a dotted path: a backslash takes a dot or another backslash as part of a name. */
function namesIn(path: string): string[] {
  const names = [""];
  for (const part of path.match(/\\[\\.]|[^]/g) ?? []) {
    if (part === ".") names.push("");
    else names[names.length - 1] += part.length === 2 ? part[1]! : part;
  }
  return names;
}

function propertyAt(event: PushEvent, path: unknown): unknown {
  if (typeof path !== "string") return undefined;
  let value: unknown = event;
  for (const name of namesIn(path)) {
    const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isTable || !Object.hasOwn(value as object, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

const isPlain = (value: unknown): boolean =>
  value === null || ["string", "number", "boolean"].includes(typeof value);

function isCount(is: unknown, count: number): boolean {
  const [, sign, wanted] = (typeof is === "string" && /^(==|<=|>=|<|>)?(\d+)$/.exec(is)) || [];
  if (wanted === undefined) return false;
  const limit = Number(wanted);
  switch (sign) {
    case "<":
      return count < limit;
    case ">":
      return count > limit;
    case "<=":
      return count <= limit;
    case ">=":
      return count >= limit;
    default:
      return count === limit;
  }
}

const body = (event: PushEvent): string => text(event.content, "body") ?? "";

/** Whether a condition of a rule holds. Unknown ones never do. */
export function holds(condition: Content, event: PushEvent, context: PushContext): boolean {
  const { kind, key, pattern, value, is } = condition;
  switch (kind) {
    case "event_match": {
      const found = propertyAt(event, key);
      if (typeof found !== "string" || typeof pattern !== "string") return false;
      return matches(found, pattern, key === "content.body" ? "words" : "whole");
    }
    case "event_property_is":
      return value !== undefined && isPlain(value) && propertyAt(event, key) === value;
    case "event_property_contains": {
      const found = propertyAt(event, key);
      return Array.isArray(found) && isPlain(value) && found.includes(value);
    }
    case "contains_display_name":
      return context.displayName !== "" && matches(body(event), context.displayName, "words", true);
    case "room_member_count":
      return isCount(is, context.memberCount);
    case "sender_notification_permission": {
      if (typeof key !== "string") return false;
      const levels = context.notificationLevels;
      const level = levels && Object.hasOwn(levels, key) ? number(levels, key) : undefined;
      return context.senderPowerLevel >= (level ?? 50);
    }
    case "io.element.msc4306.thread_subscription":
      // Where it is not known, rules about it hold neither way.
      return (
        context.followsThread !== undefined && context.followsThread === condition["subscribed"]
      );
    default:
      return false;
  }
}

function tables(value: unknown): Content[] {
  if (!Array.isArray(value)) return [];
  return value.filter((one): one is Content => typeof one === "object" && one !== null);
}

function applies(
  kind: (typeof KINDS)[number],
  rule: Content,
  event: PushEvent,
  context: PushContext,
): boolean {
  if (rule["enabled"] === false) return false;
  switch (kind) {
    case "room":
      return rule["rule_id"] === event.room_id;
    case "sender":
      return rule["rule_id"] === event.sender;
    case "content": {
      const pattern = text(rule, "pattern");
      return pattern !== undefined && matches(body(event), pattern, "words");
    }
    default:
      return tables(rule["conditions"]).every((condition) => holds(condition, event, context));
  }
}

/** What the first rule that applies says of an event. `rules` is the content of `m.push_rules`. */
export function verdictOf(
  rules: Content | undefined,
  event: PushEvent,
  context: PushContext,
): PushVerdict {
  const global = object(rules, "global");
  for (const kind of KINDS) {
    for (const rule of tables(global?.[kind])) {
      if (!applies(kind, rule, event, context)) continue;
      const actions: unknown[] = Array.isArray(rule["actions"]) ? rule["actions"] : [];
      const highlight = tables(actions).some(
        (tweak) => tweak["set_tweak"] === "highlight" && tweak["value"] !== false,
      );
      return { notify: actions.includes("notify"), highlight };
    }
  }
  return { notify: false, highlight: false };
}
