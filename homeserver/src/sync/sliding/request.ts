import type { RequestBody } from "@weft/spec/types";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { combineRequiredState, parseRequiredState, type RequiredState } from "./required-state.ts";

type Body = RequestBody<"slidingSync">;
type ListBody = NonNullable<Body["lists"]>[string];
export type RoomFilters = NonNullable<ListBody["filters"]>;

/** What is wanted of a room. */
export interface RoomConfig {
  readonly limit: number;
  readonly required: RequiredState;
}

interface ListRequest {
  readonly config: RoomConfig;
  /** First and last place, counted from 0; undefined: all rooms. */
  readonly ranges: readonly (readonly [number, number])[] | undefined;
  readonly filters: RoomFilters;
}

/** A request with its parameters checked. */
export interface SlidingBody {
  readonly connId: string;
  readonly lists: ReadonlyMap<string, ListRequest>;
  /** By room id. */
  readonly subscriptions: ReadonlyMap<string, RoomConfig>;
  readonly extensions: NonNullable<Body["extensions"]>;
}

const MAX_LISTS = 100;
const MAX_SUBSCRIPTIONS = 100;
const MAX_TIMELINE = 100;
/** Each room in a list says its name. */
const MAX_NAME = 255;

/**
 * @throws MatrixError 400 M_INVALID_PARAM for too many lists or rooms, a name that is too long, or a
 * range that is none
 */
export function parseSlidingBody(body: Body, userId: UserId): SlidingBody {
  const lists = Object.entries(body.lists ?? {});
  const subscriptions = Object.entries(body.room_subscriptions ?? {});
  if (lists.length > MAX_LISTS) throw errors.invalidParam(`lists: at most ${MAX_LISTS}`);
  if (lists.some(([name]) => name.length > MAX_NAME)) {
    throw errors.invalidParam(`lists: names have ${MAX_NAME} characters at most`);
  }
  if (subscriptions.length > MAX_SUBSCRIPTIONS) {
    throw errors.invalidParam(`room_subscriptions: at most ${MAX_SUBSCRIPTIONS}`);
  }
  return {
    connId: body.conn_id ?? "",
    lists: new Map(
      lists.map(([name, list]) => [
        name,
        {
          config: configOf(list, userId),
          ranges: rangesOf(name, list),
          filters: list.filters ?? {},
        },
      ]),
    ),
    extensions: body.extensions ?? {},
    subscriptions: new Map(subscriptions.map(([id, room]) => [id, configOf(room, userId)])),
  };
}

function configOf(
  given: Pick<ListBody, "timeline_limit" | "required_state">,
  userId: UserId,
): RoomConfig {
  return {
    limit: Math.min(given.timeline_limit ?? 0, MAX_TIMELINE),
    required: parseRequiredState(given.required_state ?? [], userId),
  };
}

function rangesOf(name: string, list: ListBody): ListRequest["ranges"] {
  const all = list.ranges ?? (list.range && [list.range]);
  return (
    all &&
    merged(
      all.map(([first = 0, last = 0]) => {
        if (last < first) throw errors.invalidParam(`lists.${name}: ${first} is after ${last}`);
        return [first, last] as const;
      }),
    )
  );
}

type Range = readonly [first: number, last: number];

/** The same places by ranges that do not overlap. */
function merged(ranges: readonly Range[]): Range[] {
  const out: Range[] = [];
  for (const [first, last] of ranges.toSorted((one, other) => one[0] - other[0])) {
    const before = out.at(-1);
    if (before === undefined || before[1] < first) out.push([first, last]);
    else out[out.length - 1] = [before[0], Math.max(before[1], last)];
  }
  return out;
}

/** What one of several wants. */
export function combineConfigs(all: readonly RoomConfig[]): RoomConfig {
  if (all.length === 1) return all[0]!;
  return {
    limit: Math.max(0, ...all.map(({ limit }) => limit)),
    required: combineRequiredState(all.map(({ required }) => required)),
  };
}
