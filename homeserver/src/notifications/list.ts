import type { Clock } from "../platform/clock.ts";
import { errors } from "../protocol/errors.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { Reader, RoomView } from "../rooms/api/index.ts";
import type { Notified, NotifiedEvent } from "./notified.ts";
import { isRead, type ReadPositions } from "./unread.ts";

/** A page of what a user was notified of. */
interface NotificationsPage {
  /** JSON object texts, the newest first. */
  readonly notifications: readonly string[];
  /** Where the next page begins; undefined: there is none. */
  readonly next: string | undefined;
}

interface NotificationsQuery {
  readonly from?: string | undefined;
  readonly limit?: number | undefined;
  readonly onlyHighlights: boolean;
}

/** GET /notifications. @throws MatrixError M_INVALID_PARAM 400 */
export type ListNotifications = (
  reader: Reader,
  query: NotificationsQuery,
) => Promise<NotificationsPage>;

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
/** What is older is not listed. */
const MAX_AGE_MS = 30 * 24 * 3_600_000;
/** Events that are looked at for one page; it is short then. */
const MAX_LOOKED = 1_000;
const AT_ONCE = 200;
/** Log positions that are looked through at first; where little is found it becomes more. */
const FIRST_WIDTH = 10_000;
const TOKEN = /^n(\d{1,15})$/;

/** Evaluated when it is asked for: nobody pays for the list of who never reads it. */
export function createNotificationsList(deps: {
  readonly notified: Notified;
  readonly view: Pick<RoomView, "visibleTo" | "present" | "threadOf">;
  /** Of each of the rooms, in their order. */
  readonly readPositions: (
    userId: UserId,
    roomNids: readonly number[],
  ) => Promise<readonly ReadPositions[]>;
  /** The log's. */
  readonly position: () => number;
  readonly clock: Clock;
}): ListNotifications {
  const { notified, view, readPositions, clock } = deps;

  /** Up to `limit` events, and up to where the log was looked through: 0 when that is all of it. */
  async function find(userId: UserId, from: number, limit: number, onlyHighlights: boolean) {
    const since = clock.now() - MAX_AGE_MS;
    const found: NotifiedEvent[] = [];
    let upTo = from;
    let width = FIRST_WIDTH;
    for (let looked = 0; upTo > 0 && found.length < limit && looked < MAX_LOOKED;) {
      const after = Math.max(0, upTo - width);
      const range = { after, upTo, limit: AT_ONCE, newestFirst: true, since };
      const { events, lookedTo } = await notified(userId, range);
      found.push(...events.filter(({ outcome }) => outcome.highlight || !onlyHighlights));
      if (lookedTo === undefined) width *= 4;
      else looked += AT_ONCE;
      upTo = lookedTo === undefined ? after : lookedTo - 1;
    }
    if (found.length <= limit) return { found, upTo };
    const page = found.slice(0, limit);
    return { found: page, upTo: page.at(-1)!.position - 1 };
  }

  /** Those that the user may see, as clients get them, by nid. */
  async function textsOf(reader: Reader, found: readonly NotifiedEvent[]) {
    const inRooms = found.flatMap(({ stored, isInvite }) => (isInvite ? [] : [stored]));
    const invites = found.flatMap(({ stored, isInvite }) =>
      isInvite ? [{ stored, membership: "invite" as const }] : [],
    );
    const visible = [...(await view.visibleTo(reader.userId, inRooms)), ...invites];
    const texts = await view.present(visible, reader);
    return new Map(visible.map(({ stored }, i) => [stored.nid, texts[i]!]));
  }

  async function readByRoom(userId: UserId, found: readonly NotifiedEvent[]) {
    const rooms = [...new Set(found.map(({ room }) => room.nid))];
    const positions = await readPositions(userId, rooms);
    return new Map(rooms.map((nid, i) => [nid, positions[i]!]));
  }

  return async function list(reader, { from, limit = DEFAULT_LIMIT, onlyHighlights }) {
    const { userId } = reader;
    const start = from === undefined ? deps.position() : Number(TOKEN.exec(from)?.[1]);
    if (Number.isNaN(start)) throw errors.invalidParam("from is not a token of this server's");
    const most = Math.min(limit, MAX_LIMIT);
    const { found, upTo } = await find(userId, start, most, onlyHighlights);
    const [texts, read] = await Promise.all([textsOf(reader, found), readByRoom(userId, found)]);
    const notifications = await Promise.all(
      found.map(async ({ stored, room, position, outcome }) => {
        const text = texts.get(stored.nid);
        if (text === undefined) return [];
        const thread = await view.threadOf(stored);
        const rest = {
          actions: outcome.actions,
          read: isRead(read.get(room.nid)!, thread, position),
          room_id: room.roomId,
          ts: stored.event.originServerTs,
        };
        return [`${JSON.stringify(rest).slice(0, -1)},"event":${text}}`];
      }),
    );
    return { notifications: notifications.flat(), next: upTo > 0 ? `n${upTo}` : undefined };
  };
}
