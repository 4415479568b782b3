import type { EventId } from "./identifiers.ts";

/**
 * Room state: `stateTuple(type, stateKey)` → event id. Identifiers hold no NUL, so that a tuple is
 * one string.
 */
export type StateMap = ReadonlyMap<string, EventId>;

/** The key of (type, state key) in a StateMap. */
export function stateTuple(type: string, stateKey: string): string {
  return `${type}\0${stateKey}`;
}

/** [type, state key] of a StateMap's key. */
export function splitTuple(tuple: string): [type: string, stateKey: string] {
  const at = tuple.indexOf("\0");
  return [tuple.slice(0, at), tuple.slice(at + 1)];
}
