import { createClaim } from "./claim.ts";
import { ApiError } from "./errors.ts";
import type { Http } from "./http.ts";
import { asSync, STATE } from "./sliding-answer.ts";
import type { Synced, SyncOptions } from "./sync.ts";
import { object, text, type SyncResponse } from "./types.ts";

/** Rooms that are asked for first: what a screen shows of the list. */
const FIRST = 24;
/** Each answer after it brings so many more. */
const MORE = 500;
/** So many of the list come with the newest event alone, to show what was said last: the whole list, of most people. */
const BRIEF = FIRST + MORE;
/** More rooms than anybody has. */
const ALL = 99_999;
/** Events of each room. */
const EVENTS = 20;

/** Our servers' extension: it names the position from which `/sync` goes on. (spec/socket.md) */
const ON_TO_SYNC = "weft.sync";

/** Where one is on a connection. As a position of sync it is written `~` and JSON. */
interface Place {
  connection: string;
  pos: string;
  /** Up to where the device has its messages. */
  toDevice?: string | undefined;
  /** The last place of the list to be asked for next, while not all rooms have come. */
  last?: number | undefined;
  /** The server has counted what is unread. */
  counts?: true;
}

const written = (place: Place): string => `~${JSON.stringify(place)}`;

/** Whether a position of sync is one of sliding sync; the others are of `/sync`. */
export const isPlace = (position: string): boolean => position.startsWith("~");

const placeOf = (position: string): Place => JSON.parse(position.slice(1)) as Place;

/** Whether it is one from which other rooms are still to come. */
export const isPart = (position: string): boolean =>
  isPlace(position) && placeOf(position).last !== undefined;

/** The server has no sliding sync, or not ours. */
function isMissing(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  const { status } = error;
  return status === 501 || (status >= 400 && status < 500 && status !== 401 && status !== 429);
}

/** The last place of the next part of the list, when `count` rooms are in it. */
function grown(last: number, count: number): number {
  const next = last + MORE;
  const isLast = last + 1 >= count || (next >= BRIEF && next + 1 >= count);
  return isLast ? ALL : next;
}

const newConnection = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(36)).join("");

/** What is asked for up to a place of the list. Messages and keys come with all rooms: who reads them is not there before. */
function bodyOf({ connection, toDevice }: Partial<Place>, last: number, open?: string) {
  const enabled = { enabled: true };
  const ofDevice = {
    to_device: { enabled: true, ...(toDevice !== undefined && { since: toDevice }) },
    e2ee: enabled,
  };
  const room = { timeline_limit: EVENTS, required_state: STATE };
  return {
    conn_id: connection,
    lists: {
      all: { ...room, ranges: [[0, last]], ...(last < BRIEF && { timeline_limit: 1 }) },
    },
    ...(open?.startsWith("!") === true && last < ALL && { room_subscriptions: { [open]: room } }),
    extensions: {
      ...(last === ALL && ofDevice),
      ...{ account_data: enabled, receipts: enabled, typing: enabled },
      [ON_TO_SYNC]: enabled,
    },
  };
}

/** Sliding sync (MSC4186): the newest rooms first, then all of them, then what is new. `http` is asked without the socket. */
export function createSliding(http: Http, me: string) {
  /** The rooms that were told of on a connection that has begun. */
  let begun: { connection: string; rooms: Set<string> } | undefined;
  /** Of all pages that have the same position, one goes on from it: they would take the answers from one another. */
  const claim = createClaim();
  const isOurs = (connection: string): Promise<boolean> =>
    claim.take(`weft.sliding ${me} ${connection}`);

  async function ask(
    place: Pick<Place, "connection"> & Partial<Place>,
    { timeout, presence, open }: SyncOptions,
    signal: AbortSignal,
  ): Promise<Synced> {
    const { connection, pos, toDevice: had, last = ALL } = place;
    const path = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
    const answer = await http.call<"slidingSync">("POST", path, {
      query: { pos, timeout, set_presence: presence },
      body: bodyOf(place, last, open),
      signal,
      timeout: timeout + 60_000,
    });
    if (pos === undefined) begun = { connection, rooms: new Set() };
    const { extensions } = answer;
    const onTo = object(extensions, ON_TO_SYNC);
    const given = Object.entries(answer.rooms ?? {});
    // Some answer 0 for each room.
    const hasCounted = given.some(([, room]) => (room.notification_count ?? 0) > 0);
    const counts = place.counts === true || onTo !== undefined || hasCounted;
    const rooms = begun?.connection === connection ? begun.rooms : undefined;
    for (const [roomId] of given) rooms?.add(roomId);
    const count = answer.lists?.["all"]?.count ?? 0;
    const there: Place = { connection, pos: answer.pos, ...(counts && { counts }) };
    const synced = (next: string): SyncResponse => asSync(answer, { next, me, counts });
    if (last < ALL) {
      const next = written({ ...there, last: grown(last, count) });
      return { response: synced(next), isPartial: true };
    }
    const next = text(onTo, "next_batch");
    if (onTo !== undefined && next === undefined && rooms !== undefined) {
      // The answer was full: there are more rooms to come. What is for the device comes with the last of them.
      const more = written({ ...there, last: ALL, toDevice: had });
      return { response: synced(more), isPartial: true };
    }
    const toDevice = text(object(extensions, "to_device"), "next_batch");
    return {
      response: synced(next ?? written({ ...there, toDevice })),
      unkept: written({ ...there, toDevice: had }),
      begins: rooms !== undefined,
      ...(rooms !== undefined && rooms.size >= count && { all: rooms }),
    };
  }

  return {
    /** The first rooms. Answers undefined where the server has no sliding sync. */
    async begin(options: SyncOptions, signal: AbortSignal): Promise<Synced | undefined> {
      const place = { connection: newConnection(), last: FIRST - 1 };
      await isOurs(place.connection);
      return ask(place, { ...options, timeout: 0 }, signal).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
    },

    /** What comes after a position; undefined when another page goes on from it. */
    async goOn(
      position: string,
      options: SyncOptions,
      signal: AbortSignal,
    ): Promise<Synced | undefined> {
      const place = placeOf(position);
      const isGrowing = place.last !== undefined;
      if (!isGrowing) begun = undefined;
      if (!(await isOurs(place.connection))) return undefined;
      return ask(place, isGrowing ? { ...options, timeout: 0 } : options, signal);
    },

    /** Lets another page go on from where this one is. */
    letGo: claim.letGo,
  };
}
