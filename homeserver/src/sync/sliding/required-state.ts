import type { UserId } from "../../protocol/identifiers.ts";

/** A pair of type and state key, where `*` stands for any. */
export type StatePair = readonly [type: string, stateKey: string];

/** What is wanted with members who are met in the timeline, or without them. */
interface Part {
  /** Sorted, each once; without `$LAZY`, and with the user for `$ME`. */
  readonly pairs: readonly StatePair[];
  /** Members come with the timeline: of them only pairs that name one count. */
  readonly lazy: boolean;
}

/** The state that is wanted of a room: whatever one of the parts wants, of which there are two. */
export interface RequiredState {
  readonly parts: readonly Part[];
  /** The same for the same wishes. */
  readonly key: string;
}

const MEMBER = "m.room.member";
const NO_STATE: RequiredState = { parts: [], key: "[]" };

/** From `required_state` of a request. */
export function parseRequiredState(
  pairs: readonly (readonly string[])[],
  userId: UserId,
): RequiredState {
  const lazy = pairs.some(([type, key]) => type === MEMBER && key === "$LAZY");
  const wanted = pairs.flatMap(([type = "", given = ""]): StatePair[] =>
    given === "$LAZY" ? [] : [[type, given === "$ME" ? userId : given]],
  );
  return ofParts([{ pairs: wanted, lazy }]);
}

/** What one of several wants. */
export function combineRequiredState(all: readonly RequiredState[]): RequiredState {
  const [first, ...others] = all;
  if (first === undefined) return NO_STATE;
  if (others.every(({ key }) => key === first.key)) return first;
  return ofParts(all.flatMap(({ parts }) => parts));
}

/** The wishes that a `key` stands for. */
export function requiredStateOf(key: string): RequiredState {
  return { parts: JSON.parse(key) as Part[], key };
}

function ofParts(all: readonly Part[]): RequiredState {
  const parts = [false, true].flatMap((isLazy): Part[] => {
    const these = all.filter(({ lazy }) => lazy === isLazy);
    if (these.length === 0) return [];
    const wanted = new Map(
      these.flatMap(({ pairs }) => pairs).map((pair) => [JSON.stringify(pair), pair]),
    );
    const sorted = [...wanted].sort(([one], [other]) => (one < other ? -1 : 1));
    return [{ pairs: sorted.map(([, pair]) => pair), lazy: isLazy }];
  });
  return { parts, key: JSON.stringify(parts) };
}

/** Type → keys. A client may ask for thousands of pairs, and a room have as many states. */
type Index = ReadonlyMap<string, ReadonlySet<string>>;
const indexes = new WeakMap<Part, Index>();

function indexOf(part: Part): Index {
  let index = indexes.get(part);
  if (index === undefined) {
    const byType = Map.groupBy(part.pairs, ([type]) => type);
    index = new Map(
      [...byType].map(([type, pairs]) => [type, new Set(pairs.map(([, key]) => key))]),
    );
    indexes.set(part, index);
  }
  return index;
}

function partWants(part: Part, type: string, stateKey: string): boolean {
  const index = indexOf(part);
  const keys = index.get(type);
  if (part.lazy && type === MEMBER) return keys?.has(stateKey) ?? false;
  if (keys && (keys.has(stateKey) || keys.has("*"))) return true;
  const ofAny = index.get("*");
  return ofAny !== undefined && (ofAny.has(stateKey) || ofAny.has("*"));
}

export function wantsState({ parts }: RequiredState, type: string, stateKey: string): boolean {
  return parts.some((part) => partWants(part, type, stateKey));
}

/** All members are wanted, whether or not they are met. */
function wantsAllMembers(part: Part): boolean {
  return !part.lazy && partWants(part, MEMBER, "*");
}

/** Members are wanted as they are met in the timeline. */
export function isLazy({ parts }: RequiredState): boolean {
  return parts.some((part) => part.lazy) && !parts.some(wantsAllMembers);
}

/** How the state is read: by these keys, or the types as a whole. */
export function readingOf(required: RequiredState): {
  /** undefined: everything, but members only as `members` says. */
  readonly types: readonly string[] | undefined;
  readonly keys: readonly StatePair[];
  /** undefined: all of them. */
  readonly members: readonly string[] | undefined;
} {
  const pairs = required.parts.flatMap((part) => part.pairs);
  const named = pairs.filter(([type, key]) => type !== "*" && key !== "*");
  const members = required.parts.some(wantsAllMembers)
    ? undefined
    : pairs
        .filter(([type, key]) => (type === MEMBER || type === "*") && key !== "*")
        .map(([, key]) => key);
  const isWide = pairs.some(([type]) => type === "*");
  const whole = pairs.filter(([type, key]) => key === "*" && type !== "*").map(([type]) => type);
  const types = members === undefined ? whole : whole.filter((type) => type !== MEMBER);
  return { types: isWide ? undefined : [...new Set(types)], keys: named, members };
}

/** Whether the wishes may go beyond those that a `key` stands for. */
export function goesBeyond(wanted: RequiredState, others: RequiredState["key"]): boolean {
  if (wanted.key === others) return false;
  const { parts } = requiredStateOf(others);
  return wanted.parts.some(({ pairs, lazy }) => {
    const had = parts.find((part) => part.lazy === lazy);
    if (had === undefined) return lazy || pairs.length > 0;
    const index = indexOf(had);
    return pairs.some(([type, key]) => !index.get(type)?.has(key));
  });
}
