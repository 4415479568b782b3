/** POST /search: messages by their words, as far as the searcher may see them now. */
import { errors } from "../protocol/errors.ts";
import { type Filter, matchesEvent, matchesRoom } from "../protocol/filter.ts";
import { historyVisibility } from "../protocol/events/visibility.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { isJsonObject } from "../protocol/json.ts";
import type { Reader, RoomView, VisibleEvent } from "../rooms/api/index.ts";
import {
  bestFound,
  countByRoom,
  foundAmongNewest,
  type FoundRow,
  lastSearchable,
  type MessageCondition,
  type MessagePlace,
  newestFound,
  type RoomCount,
} from "../storage/search/find-messages.ts";
import { SEARCHABLE } from "../storage/search/searchable-events.ts";
import { anyWord, everyWord } from "../storage/search/words.ts";
import type { Sql } from "../storage/sql.ts";
import { textsOf } from "./message-follower.ts";
import {
  searchPlace,
  type SearchGroup,
  type SearchOrder,
  type SearchPlace,
} from "./message-places.ts";
import { searchedWords } from "./words.ts";

export interface MessageQuery {
  readonly term: string;
  /** Numbers of keys; all when absent. */
  readonly keys?: readonly number[] | undefined;
  readonly order: SearchOrder;
  readonly filter: Filter | undefined;
  readonly limit: number;
  readonly from?: string | undefined;
}

/** An event that was found, with how well it fits. */
export interface FoundMessage {
  readonly visible: VisibleEvent;
  readonly rank: number;
  readonly roomId: string;
}

export interface MessagePage {
  readonly found: readonly FoundMessage[];
  /** About how many there are. */
  readonly count: number;
  /** Where the next page begins, of all or of one group; undefined: there is none. */
  next(group?: SearchGroup): SearchPlace | undefined;
}

export interface MessageSearchDeps {
  readonly sql: Sql;
  readonly view: Pick<
    RoomView,
    "membershipsOf" | "rooms" | "events" | "visibleTo" | "related" | "currentStateOfRooms"
  >;
  readonly ignoredBy: (userId: UserId) => Promise<ReadonlySet<string>>;
}

/** Words of a search; the rest is passed over. */
const MAX_WORDS = 20;
/** Words from here on are found by their beginning: "meeting" also finds "meetings". */
const PREFIX_FROM = 4;
/** So many that fit are put in order; where there are more, the newest events are gone through. */
const MAX_FOUND = 1000;
/** Events that are gone through; so many of them first, which is enough for common words. */
const DEPTH = 20_000;
const FIRST_DEPTH = 1000;
/** Events beyond a page that are looked at with it, since some may not be seen; and at once. */
const SPARE = 5;
const STEP = 50;
/** Events that are looked at for one page. */
const MAX_LOOKED_AT = 500;

export function createMessageSearch({ sql, view, ignoredBy }: MessageSearchDeps) {
  /** The rooms in which something may be found, by nid. */
  async function roomsOf(userId: UserId, filter: Filter | undefined, group?: SearchGroup) {
    const rows = await view.membershipsOf(userId);
    const been = rows.filter(({ membership }) => membership !== "invite" && membership !== "knock");
    const rooms = await view.rooms(been.map((row) => row.roomNid));
    const wanted = [...rooms.values()].filter(
      ({ roomId }) =>
        (filter === undefined || matchesRoom(filter, roomId)) &&
        (group?.key !== "room_id" || group.value === roomId),
    );
    return new Map(wanted.map((room) => [room.nid, room.roomId as string]));
  }

  /** The next rows in order, behind the last one; and by rank, how many there are in which room. */
  async function rowsFrom(
    wanted: MessageCondition,
    place: SearchPlace,
    last: FoundRow | undefined,
    limit: number,
  ): Promise<{ rows: FoundRow[]; counts?: RoomCount[] }> {
    const before = last ?? (place.ts === Infinity ? undefined : place);
    if (place.order === "rank") {
      return bestFound(sql, wanted, { after: before, limit, max: MAX_FOUND, upTo: place.upTo });
    }
    return { rows: await newestFrom(wanted, before, limit) };
  }

  async function newestFrom(
    wanted: MessageCondition,
    before: MessagePlace | undefined,
    limit: number,
  ): Promise<FoundRow[]> {
    const newest = await foundAmongNewest(sql, wanted, { before, limit, depth: FIRST_DEPTH });
    if (newest.length === limit) return newest;
    const found = await newestFound(sql, wanted, { before, limit, max: MAX_FOUND });
    if (found.total <= MAX_FOUND) return found.rows;
    const rows = await foundAmongNewest(sql, wanted, { before, limit, depth: DEPTH });
    if (rows.length === limit) return rows;
    return (await newestFound(sql, wanted, { before, limit, max: DONE })).rows;
  }

  /**
   * About how many there are. Where history is shared, members see all of it; elsewhere only what
   * was found counts, so that a number tells nobody what they may not see.
   */
  async function estimate(
    userId: UserId,
    counts: readonly RoomCount[],
    found: readonly FoundMessage[],
    rooms: ReadonlyMap<number, string>,
  ): Promise<number> {
    const nids = counts.map((row) => row.roomNid);
    const joined = new Set(
      (await view.membershipsOf(userId)).flatMap(({ membership, roomNid }) =>
        membership === "join" ? roomNid : [],
      ),
    );
    const states = await view.currentStateOfRooms(nids, [["m.room.history_visibility", ""]]);
    let total = 0;
    for (const { roomNid, n } of counts) {
      const visibility = historyVisibility(states.get(roomNid)?.[0]?.event);
      const isShared = visibility === "shared" || visibility === "world_readable";
      const seen = found.filter(({ roomId }) => rooms.get(roomNid) === roomId).length;
      total += isShared && joined.has(roomNid) ? n : seen;
    }
    return total;
  }

  /** Those of the rows that the reader may see, with their texts as they are now. */
  async function visibleOf(reader: Reader, rows: readonly FoundRow[], filter: Filter | undefined) {
    const { userId } = reader;
    const nids = new Set(rows.flatMap(({ nid, sourceNid }) => [nid, sourceNid]));
    const [events, ignored] = await Promise.all([view.events([...nids]), ignoredBy(userId)]);
    const inTimeline = [...events.values()].filter((stored) => stored.position !== null);
    const visible = new Map(
      (await view.visibleTo(userId, inTimeline)).map((each) => [each.stored.nid, each]),
    );
    const shown = rows.flatMap((row) => {
      const [own, source] = [visible.get(row.nid), visible.get(row.sourceNid)];
      if (own === undefined || source === undefined || !hasText(row, source)) return [];
      const { event } = own.stored;
      if (event.stateKey === undefined && ignored.has(event.sender)) return [];
      return filter === undefined || matchesEvent(filter, event) ? [own] : [];
    });
    return new Map(
      (await view.related(userId, filter, shown)).map((each) => [each.stored.nid, each]),
    );
  }

  return async (reader: Reader, query: MessageQuery): Promise<MessagePage> => {
    const { order, filter, limit } = query;
    const place = query.from === undefined ? await start(order) : searchPlace(query.from, order);
    if (place === undefined) throw errors.invalidParam("That is not a token of such a search");
    const rooms = await roomsOf(reader.userId, filter, place.group);
    const words = searchedWords(query.term, { max: MAX_WORDS, prefixFrom: PREFIX_FROM });
    const wanted = conditionOf(query, words, [...rooms.keys()], place.group);
    if (wanted === undefined) return { found: [], count: 0, next: () => undefined };
    const countAll = () => countByRoom(sql, wanted, MAX_FOUND + 1);
    const found: FoundMessage[] = [];
    const used: FoundRow[] = [];
    let more = true;
    let counts: readonly RoomCount[] | undefined;
    // One more than a page: that something follows must not tell of what the reader may not see.
    let isFull = false;
    let looked = 0;
    let last: FoundRow | undefined;
    while (more && !isFull && looked < MAX_LOOKED_AT) {
      const step = looked === 0 ? Math.min(limit + SPARE, STEP) : STEP;
      const next = await rowsFrom(wanted, place, last, step);
      const { rows } = next;
      more = rows.length === step;
      counts ??= next.counts;
      // Where there are more, they are counted while these are looked at.
      const [visible, counted] = await Promise.all([
        visibleOf(reader, rows, filter),
        more ? (counts ?? countAll()) : counts,
      ]);
      counts = counted;
      looked += rows.length;
      last = rows.at(-1) ?? last;
      for (const row of rows) {
        const own = visible.get(row.nid);
        isFull ||= own !== undefined && found.length === limit;
        if (isFull) break;
        used.push(row);
        if (own === undefined) continue;
        found.push({ visible: own, rank: row.rank, roomId: rooms.get(row.roomNid)! });
      }
    }
    const goesOn = isFull || more;
    return {
      found,
      count: goesOn
        ? await estimate(reader.userId, counts ?? (await countAll()), found, rooms)
        : found.length,
      next(group = place.group) {
        if (!goesOn) return undefined;
        const own = group === undefined ? used : used.filter((row) => isIn(group, row, rooms));
        const end = own.at(-1) ?? used.at(-1);
        if (end === undefined) return undefined;
        const { ts, nid, rank } = end;
        return { order, ts, nid, rank, upTo: place.upTo, group };
      },
    };
  };

  async function start(order: SearchOrder): Promise<SearchPlace> {
    const upTo = order === "recent" ? 0 : await lastSearchable(sql);
    return { order, ts: Infinity, nid: 0, rank: Infinity, upTo };
  }
}

/** Where those that fit are all old: of so many of them the newest. */
const DONE = 100_000;

/** Undefined where nothing can be found. */
function conditionOf(
  { keys, filter }: MessageQuery,
  words: ReturnType<typeof searchedWords>,
  roomNids: readonly number[],
  group: SearchGroup | undefined,
): MessageCondition | undefined {
  const wantedKeys = SEARCHABLE.flatMap((type, key) => {
    if (keys?.includes(key) === false) return [];
    if (filter?.notTypes.some((pattern) => pattern.matches(type)) === true) return [];
    return (filter?.types?.some((pattern) => pattern.matches(type)) ?? true) ? [key] : [];
  });
  if (words.length === 0 || roomNids.length === 0 || wantedKeys.length === 0) return undefined;
  const named = filter?.senders === undefined ? undefined : [...filter.senders];
  const isOfSender = group?.key === "sender";
  const senders = isOfSender ? [group.value].filter((id) => named?.includes(id) ?? true) : named;
  return {
    words: everyWord(words),
    whole: anyWord(words.map(({ text }) => text)),
    ...{ roomNids, keys: wantedKeys, senders },
    notSenders: [...(filter?.notSenders ?? [])],
  };
}

/** The index may lag: what was redacted, for everybody or for the reader, has no text. */
function hasText(row: FoundRow, { stored: { event } }: VisibleEvent): boolean {
  const edited = event.content["m.new_content"];
  const isEdit = row.sourceNid !== row.nid;
  if (isEdit) return isJsonObject(edited) && textsOf(row.key, edited).length > 0;
  return textsOf(row.key, event.content).length > 0;
}

function isIn(group: SearchGroup, row: FoundRow, rooms: ReadonlyMap<number, string>): boolean {
  return group.key === "sender"
    ? row.sender === group.value
    : rooms.get(row.roomNid) === group.value;
}
