/** How long a room's messages are kept. (MSC1763.) */
import type { JsonObject } from "../../protocol/json.ts";

/** What the server's settings say. All times in ms. */
export interface RetentionRules {
  /** Whether messages end at all. */
  readonly isOn: boolean;
  /** For rooms that say nothing; undefined: for ever. */
  readonly usual: number | undefined;
  /** What a room says is taken as at least this, and at most that. */
  readonly shortest: number | undefined;
  readonly longest: number | undefined;
}

export const NO_RETENTION: RetentionRules = {
  ...{ isOn: false, usual: undefined, shortest: undefined, longest: undefined },
};

/** The stable name, which servers and clients use, and that of the proposal. */
export const RETENTION_TYPES = ["m.room.retention", "org.matrix.msc1763.retention"] as const;

/**
 * How long messages of a room are kept, in ms; undefined: for ever. `said` is the content of the
 * room's m.room.retention, undefined when it has none. A `min_lifetime` is kept by itself: nothing
 * ends before `max_lifetime`.
 */
export function lifetimeIn(
  rules: RetentionRules,
  said: JsonObject | undefined,
): number | undefined {
  if (!rules.isOn) return undefined;
  if (said === undefined) return rules.usual;
  const { max_lifetime: wished } = said;
  if (!isLifetime(wished)) return rules.longest;
  return Math.min(Math.max(wished, rules.shortest ?? 0), rules.longest ?? Infinity);
}

function isLifetime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
