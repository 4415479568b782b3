import { errors } from "./errors.ts";
import { type Glob, glob, isPattern, MAX_PATTERN_BYTES } from "./glob.ts";
import { isInteger, isJsonObject, type Json, type JsonObject } from "./json.ts";
import { parsePropertyPath, pickProperties } from "./property-path.ts";

/** A RoomEventFilter (or EventFilter: the parts for rooms are then empty), ready for matching. */
export interface Filter {
  /** At most MAX_FILTER_LIMIT; undefined when the client leaves it to the server. */
  readonly limit: number | undefined;
  readonly types: readonly Glob[] | undefined;
  readonly notTypes: readonly Glob[];
  readonly senders: ReadonlySet<string> | undefined;
  readonly notSenders: ReadonlySet<string>;
  readonly rooms: ReadonlySet<string> | undefined;
  readonly notRooms: ReadonlySet<string>;
  readonly containsUrl: boolean | undefined;
  readonly lazyLoadMembers: boolean;
  readonly includeRedundantMembers: boolean;
  readonly unreadThreadNotifications: boolean;
  readonly relatedByRelTypes: ReadonlySet<string> | undefined;
  readonly relatedBySenders: ReadonlySet<string> | undefined;
  /** True when no event is left out by type, sender, room, url or relation. */
  readonly admitsAll: boolean;
  /**
   * Types that were asked about, and whether they may come: an answer looks at the same ones again
   * and again.
   */
  readonly verdicts: Map<string, boolean>;
}

interface RoomFilter {
  readonly rooms: ReadonlySet<string> | undefined;
  readonly notRooms: ReadonlySet<string>;
  readonly includeLeave: boolean;
  readonly timeline: Filter;
  readonly state: Filter;
  readonly ephemeral: Filter;
  readonly accountData: Filter;
}

/** A whole filter, as /sync takes it and POST /user/{userId}/filter stores it. */
export interface SyncFilter {
  readonly eventFormat: "client" | "federation";
  /** Paths that stay of each event; undefined: all. */
  readonly eventFields: readonly (readonly string[])[] | undefined;
  readonly presence: Filter;
  readonly accountData: Filter;
  readonly room: RoomFilter;
  /** Keys of profile fields whose changes are wanted; undefined: of none. (MSC4429.) */
  readonly profileFields: ReadonlySet<string> | undefined;
}

/** The fields that a filter reads. Account data and ephemeral events have no sender. */
export interface Filterable {
  readonly type: string;
  readonly sender?: string | undefined;
  readonly roomId?: string | undefined;
  readonly content?: JsonObject | undefined;
}

/** Most entries of a list of patterns, relation types or fields. */
const MAX_FILTER_ENTRIES = 100;
/** Limit on lists of users or rooms: those are looked up, not tried one by one. */
const MAX_FILTER_IDS = 1000;
const VERDICTS_KEPT = 200;

/** Larger limits are reduced to this one. */
export const MAX_FILTER_LIMIT = 1000;

/**
 * The whole filter of a client; throws M_BAD_JSON when a part has the wrong shape, a list over 100
 * entries (of users or rooms 1000), an entry over 255 bytes. Unknown keys are ignored.
 * (Client-server API, "Filtering".)
 */
export function parseFilter(json: Json | undefined): SyncFilter {
  const filter = object(json, "filter");
  const format = filter.event_format ?? "client";
  if (format !== "client" && format !== "federation") {
    throw errors.badJson("event_format is neither client nor federation");
  }
  const room = object(filter.room, "room");
  const profiles = object(filter["org.matrix.msc4429.profile_fields"], "profile_fields");
  const fields = strings(profiles, "ids") ?? [];
  return {
    eventFormat: format,
    eventFields: strings(filter, "event_fields")?.map(parsePropertyPath),
    presence: parseEventFilter(filter.presence, "presence"),
    accountData: parseEventFilter(filter.account_data, "account_data"),
    profileFields: fields.length === 0 ? undefined : new Set(fields),
    room: {
      rooms: ids(room, "rooms", "!"),
      notRooms: ids(room, "not_rooms", "!") ?? NONE,
      includeLeave: flag(room, "include_leave") ?? false,
      timeline: parseEventFilter(room.timeline, "room.timeline"),
      state: parseEventFilter(room.state, "room.state"),
      ephemeral: parseEventFilter(room.ephemeral, "room.ephemeral"),
      accountData: parseEventFilter(room.account_data, "room.account_data"),
    },
  };
}

/**
 * One EventFilter or RoomEventFilter, as /messages, /context and search take it; throws M_BAD_JSON.
 */
export function parseEventFilter(json: Json | undefined, name = "filter"): Filter {
  if (json === undefined) return ADMIT_ALL;
  const filter = object(json, name);
  const types = strings(filter, "types");
  const notTypes = strings(filter, "not_types") ?? [];
  const parsed = {
    limit: limit(filter),
    types: types?.map((type) => glob(type)),
    notTypes: notTypes.map((type) => glob(type)),
    senders: ids(filter, "senders", "@"),
    notSenders: ids(filter, "not_senders", "@") ?? NONE,
    rooms: ids(filter, "rooms", "!"),
    notRooms: ids(filter, "not_rooms", "!") ?? NONE,
    containsUrl: flag(filter, "contains_url"),
    lazyLoadMembers: flag(filter, "lazy_load_members") ?? false,
    includeRedundantMembers: flag(filter, "include_redundant_members") ?? false,
    unreadThreadNotifications: flag(filter, "unread_thread_notifications") ?? false,
    relatedByRelTypes: set(strings(filter, "related_by_rel_types")),
    relatedBySenders: set(strings(filter, "related_by_senders")),
  };
  const lists = [parsed.types, parsed.senders, parsed.rooms, parsed.containsUrl];
  const admitsAll =
    [...lists, parsed.relatedByRelTypes, parsed.relatedBySenders].every((x) => x === undefined) &&
    parsed.notTypes.length + parsed.notSenders.size + parsed.notRooms.size === 0;
  return { ...parsed, admitsAll, verdicts: new Map() };
}

/** True when the filter lets the event through (relations apart: see matchesRelations). */
export function matchesEvent(filter: Filter, event: Filterable): boolean {
  if (filter.admitsAll) return true;
  if (event.roomId !== undefined && !matchesRoom(filter, event.roomId)) return false;
  return (
    matchesType(filter, event.type) &&
    matchesSender(filter, event.sender) &&
    matchesUrl(filter, event.content)
  );
}

/** True when events of that room may pass: ask this before reading any of them. */
export function matchesRoom(filter: Pick<Filter, "rooms" | "notRooms">, roomId: string): boolean {
  if (filter.notRooms.has(roomId)) return false;
  return filter.rooms === undefined || filter.rooms.has(roomId);
}

/** True when events of that type may come. */
function matchesType(filter: Filter, type: string): boolean {
  if (filter.types === undefined && filter.notTypes.length === 0) return true;
  let verdict = filter.verdicts.get(type);
  if (verdict === undefined) {
    if (filter.verdicts.size >= VERDICTS_KEPT) filter.verdicts.clear();
    filter.verdicts.set(type, (verdict = judgeType(filter, type)));
  }
  return verdict;
}

function judgeType(filter: Filter, type: string): boolean {
  if (filter.notTypes.some((pattern) => pattern.matches(type))) return false;
  return filter.types === undefined || filter.types.some((pattern) => pattern.matches(type));
}

/** True when events of that sender may come; events without one come unless senders are listed. */
function matchesSender(filter: Filter, sender: string | undefined): boolean {
  if (sender === undefined) return filter.senders === undefined;
  if (filter.notSenders.has(sender)) return false;
  return filter.senders === undefined || filter.senders.has(sender);
}

/** True when the filter asks for relations of events. */
export function asksForRelations(filter: Filter): boolean {
  return filter.relatedByRelTypes !== undefined || filter.relatedBySenders !== undefined;
}

/**
 * True when the event has a child that `related_by_rel_types` and `related_by_senders` both fit.
 */
export function matchesRelations(
  filter: Filter,
  children: readonly { readonly relType: string; readonly sender: string }[],
): boolean {
  const { relatedByRelTypes: types, relatedBySenders: senders } = filter;
  if (!asksForRelations(filter)) return true;
  return children.some(
    (child) => (types?.has(child.relType) ?? true) && (senders?.has(child.sender) ?? true),
  );
}

/** The client event with only the fields that the filter selects. */
export function pickFields(filter: SyncFilter, event: JsonObject): JsonObject {
  return filter.eventFields === undefined ? event : pickProperties(event, filter.eventFields);
}

function matchesUrl(filter: Filter, content: JsonObject | undefined): boolean {
  if (filter.containsUrl === undefined) return true;
  const contains = content !== undefined && typeof content.url === "string";
  return contains === filter.containsUrl;
}

const NONE: ReadonlySet<string> = new Set();

function object(json: Json | undefined, name: string): JsonObject {
  if (json === undefined || json === null) return {};
  if (isJsonObject(json)) return json;
  throw errors.badJson(`${name} is not an object`);
}

function strings(filter: JsonObject, key: string, max = MAX_FILTER_ENTRIES): string[] | undefined {
  const list = filter[key];
  if (list === undefined || list === null) return undefined;
  if (!Array.isArray(list) || !list.every((item) => typeof item === "string")) {
    throw errors.badJson(`${key} is not a list of strings`);
  }
  if (list.length > max) throw errors.badJson(`${key} has over ${max} entries`);
  if (list.every((item) => isPattern(item))) return list;
  throw errors.badJson(`${key} holds what is longer than ${MAX_PATTERN_BYTES} bytes`);
}

function ids(filter: JsonObject, key: string, sigil: string): ReadonlySet<string> | undefined {
  const list = strings(filter, key, MAX_FILTER_IDS);
  if (list?.every((id) => id.startsWith(sigil)) ?? true) return set(list);
  throw errors.badJson(`${key} holds what does not start with ${sigil}`);
}

function set(list: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return list === undefined ? undefined : new Set(list);
}

function flag(filter: JsonObject, key: string): boolean | undefined {
  const value = filter[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return value;
  throw errors.badJson(`${key} is not a boolean`);
}

function limit(filter: JsonObject): number | undefined {
  const value = filter.limit;
  if (value === undefined || value === null) return undefined;
  if (isInteger(value) && value >= 0) return Math.min(value, MAX_FILTER_LIMIT);
  throw errors.badJson("limit is not a positive integer");
}

/** The filter that leaves nothing out. */
export const ADMIT_ALL: Filter = parseEventFilter({});
