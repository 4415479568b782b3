import { type Budget, containsWords, glob, newBudget } from "../glob.ts";
import { isInteger, type Json, type JsonObject } from "../json.ts";
import { parsePropertyPath, propertyAt } from "../property-path.ts";
import { THREAD_CONDITION } from "./push-ruleset.ts";

/** What push rules see of an event: a RoomEvent will do. */
export interface PushEvent {
  readonly eventId?: string;
  readonly roomId: string;
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string | undefined;
  readonly content: JsonObject;
}

/** What they see of the room and of the user whose rules they are. */
export interface PushContext {
  /** The user's own display name in the room. */
  readonly displayName?: string | undefined;
  /** Joined members. */
  readonly memberCount: number;
  readonly senderPowerLevel: number;
  /** Whether the user follows the thread that the event is in; absent: it is in none. */
  readonly followsThread?: boolean | undefined;
  /** `notifications` of the power levels: level by key; what is not there is 50. */
  readonly notificationLevels?: Readonly<Record<string, number>> | undefined;
}

/** Patterns compare within the budget, and do not match beyond it. */
export type PushCondition = (event: PushEvent, context: PushContext, budget: Budget) => boolean;

/** For all rules of a user and one event: some hundred patterns and a text of 64 KiB. */
const STEPS = 10_000_000;

/** What the rules may compare of one event. */
export function eventBudget(): Budget {
  return newBudget(STEPS);
}

const DEFAULT_NOTIFICATION_LEVEL = 50;
const BODY = "content.body";
const MEMBER_COUNT = /^(==|<=|>=|<|>)?(\d+)$/;

const NEVER: PushCondition = () => false;

/**
 * A condition as a function; unknown kinds and malformed parameters never match. (Client-server
 * API, "Conditions".)
 */
export function compileCondition(condition: JsonObject): PushCondition {
  switch (condition.kind) {
    case "event_match":
      return eventMatch(condition.key, condition.pattern);
    case "event_property_is":
      return eventPropertyIs(condition.key, condition.value);
    case "event_property_contains":
      return eventPropertyContains(condition.key, condition.value);
    case "contains_display_name":
      return containsDisplayName;
    case "room_member_count":
      return roomMemberCount(condition.is);
    case "sender_notification_permission":
      return senderNotificationPermission(condition.key);
    case THREAD_CONDITION:
      return threadSubscription(condition.subscribed);
    default:
      return NEVER;
  }
}

/** The condition of a content rule: the pattern occurs in the body, at word boundaries. */
export function eventMatch(key: Json | undefined, pattern: Json | undefined): PushCondition {
  if (typeof key !== "string" || typeof pattern !== "string") return NEVER;
  const property = propertyOf(key);
  const compiled = glob(pattern, { ignoreCase: true });
  const covers = key === BODY ? compiled.matchesWords : compiled.matches;
  return (event, _context, budget) => {
    const value = property(event);
    return typeof value === "string" && covers(value, budget);
  };
}

function eventPropertyIs(key: Json | undefined, expected: Json | undefined): PushCondition {
  if (typeof key !== "string" || !isSimple(expected)) return NEVER;
  const property = propertyOf(key);
  return (event) => property(event) === expected;
}

function eventPropertyContains(key: Json | undefined, expected: Json | undefined): PushCondition {
  if (typeof key !== "string" || !isSimple(expected)) return NEVER;
  const property = propertyOf(key);
  return (event, _context, budget) => {
    const value = property(event);
    if (!Array.isArray(value) || (budget.steps -= value.length) < 0) return false;
    return value.includes(expected);
  };
}

/** A name is no pattern: its `*` and `?` stand for themselves. */
function containsDisplayName(event: PushEvent, context: PushContext, budget: Budget): boolean {
  const body = event.content.body;
  if (!context.displayName || typeof body !== "string") return false;
  return containsWords(body, context.displayName, budget);
}

function roomMemberCount(is: Json | undefined): PushCondition {
  const parts = typeof is === "string" ? MEMBER_COUNT.exec(is) : null;
  if (parts === null) return NEVER;
  const count = Number(parts[2]);
  switch (parts[1]) {
    case "<":
      return (_event, context) => context.memberCount < count;
    case ">":
      return (_event, context) => context.memberCount > count;
    case "<=":
      return (_event, context) => context.memberCount <= count;
    case ">=":
      return (_event, context) => context.memberCount >= count;
    default:
      return (_event, context) => context.memberCount === count;
  }
}

function senderNotificationPermission(key: Json | undefined): PushCondition {
  if (typeof key !== "string") return NEVER;
  return (_event, context) => {
    const levels = context.notificationLevels;
    const level = levels !== undefined && Object.hasOwn(levels, key) ? levels[key] : undefined;
    return context.senderPowerLevel >= (level ?? DEFAULT_NOTIFICATION_LEVEL);
  };
}

/** An event outside of all threads matches neither. (MSC4306.) */
function threadSubscription(subscribed: Json | undefined): PushCondition {
  if (typeof subscribed !== "boolean") return NEVER;
  return (_event, context) => context.followsThread === subscribed;
}

/** Strings, integers, booleans and null. */
function isSimple(value: Json | undefined): value is string | number | boolean | null {
  return (
    value === null || typeof value === "string" || typeof value === "boolean" || isInteger(value)
  );
}

/** Reads a property of the event in its client format. */
function propertyOf(key: string): (event: PushEvent) => Json | undefined {
  const [first, ...names] = parsePropertyPath(key) as [string, ...string[]];
  if (first === "content" && names.length > 0) return (event) => propertyAt(event.content, names);
  if (names.length > 0) return () => undefined;
  switch (first) {
    case "type":
      return (event) => event.type;
    case "sender":
      return (event) => event.sender;
    case "room_id":
      return (event) => event.roomId;
    case "event_id":
      return (event) => event.eventId;
    case "state_key":
      return (event) => event.stateKey;
    default:
      return () => undefined;
  }
}
