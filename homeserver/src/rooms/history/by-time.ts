/** Finds the event of a room that is closest to a moment (timestamp_to_event). */
import type { Logger } from "../../platform/logger.ts";
import { errors } from "../../protocol/errors.ts";
import { isEventId } from "../../protocol/identifiers.ts";
import type { EventId, RoomId, ServerName } from "../../protocol/identifiers.ts";
import { eventsByTime, gapsBetween } from "../../storage/rooms/timeline.ts";
import type { TimePlace } from "../../storage/rooms/timeline.ts";
import type { AccessControl } from "../visibility/access.ts";
import type { Backfill, Span } from "./backfill.ts";
import type { WithoutIgnored } from "../visibility/without-ignored.ts";
import type { RoomStore } from "../state/store.ts";
import { placeOf } from "../visibility/tokens.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Reader, Room, RoomHistory, StoredEvent } from "../api/index.ts";

export interface ByTimeDeps {
  readonly store: RoomStore;
  readonly access: AccessControl;
  readonly withoutIgnored: WithoutIgnored;
  readonly backfill: Backfill;
  readonly remote: Pick<RemoteRooms, "timestampToEvent">;
  readonly logger: Logger;
}

type Direction = "f" | "b";

const PAGE = 50;
/** Pages read at most while the reader may see none of their events. */
const MAX_PAGES = 10;
const SERVERS_TRIED = 3;

/**
 * The closest event that passes, the moment itself included. Looks at a bounded number of events.
 */
export async function closestEvent(
  store: RoomStore,
  roomNid: number,
  moment: { ts: number; dir: Direction },
  passing: (events: readonly StoredEvent[]) => Promise<readonly StoredEvent[]>,
): Promise<StoredEvent | undefined> {
  let behind: TimePlace | undefined;
  const ts = Math.max(Math.min(moment.ts, Number.MAX_SAFE_INTEGER), -Number.MAX_SAFE_INTEGER);
  for (let page = 0; page < MAX_PAGES; page++) {
    const rows = await eventsByTime(store.sql, roomNid, {
      ts,
      dir: moment.dir,
      behind,
      limit: PAGE,
    });
    const found = await store.events.byNids(rows.map((row) => row.nid));
    const [first] = await passing(rows.flatMap((row) => found.get(row.nid) ?? []));
    if (first !== undefined || rows.length < PAGE) return first;
    behind = rows.at(-1);
  }
  return undefined;
}

export function createByTime(deps: ByTimeDeps): Pick<RoomHistory, "closestTo"> {
  const { store, access, backfill, remote, logger } = deps;

  function local(reader: Reader, room: Room, moment: { ts: number; dir: Direction }) {
    return closestEvent(store, room.nid, moment, async (events) =>
      (await deps.withoutIgnored(reader.userId, events)).map(({ stored }) => stored),
    );
  }

  /** The gap, if any, that may contain a closer event: between the two neighbours of the moment. */
  async function doubtful(room: Room, ts: number): Promise<Span | undefined> {
    const all = async (events: readonly StoredEvent[]) => events;
    const [before, after] = await Promise.all([
      closestEvent(store, room.nid, { ts, dir: "b" }, all),
      closestEvent(store, room.nid, { ts, dir: "f" }, all),
    ]);
    const left = before === undefined ? undefined : placeOf(before);
    const right = after === undefined ? undefined : placeOf(after);
    const span: Span = {
      from: {
        position: left?.position ?? 0,
        ordinal: left === undefined ? LEAST : left.ordinal + 1,
      },
      to: right ?? { position: Number.MAX_SAFE_INTEGER, ordinal: 0 },
    };
    const gaps = await gapsBetween(store.sql, room.nid, span.from, span.to);
    return gaps.length > 0 ? span : undefined;
  }

  /** Fetches the event that another server answered, if it is closer than the local one. */
  async function ask(
    server: ServerName,
    room: Room,
    moment: { ts: number; dir: Direction },
    span: Span,
    ours: StoredEvent | undefined,
  ): Promise<void> {
    const { ts, dir } = moment;
    const answer = await remote.timestampToEvent(server, room.roomId, ts, dir);
    const { event_id: eventId, origin_server_ts: theirs } = answer;
    if (!isEventId(eventId) || typeof theirs !== "number") return;
    const isBehind = dir === "f" ? theirs >= ts : theirs <= ts;
    const distance = Math.abs(theirs - ts);
    const best = ours === undefined ? Infinity : Math.abs(ours.event.originServerTs - ts);
    if (isBehind && distance < best) await backfill.fetch(server, room, eventId, span);
  }

  return {
    async closestTo(reader, roomId: RoomId, moment) {
      const { room } = await access.of(reader.userId, roomId);
      let found = await local(reader, room, moment);
      const span = await doubtful(room, moment.ts);
      const servers = span === undefined ? [] : await backfill.servers(room);
      for (const server of servers.slice(0, SERVERS_TRIED)) {
        const before: EventId | undefined = found?.event.eventId;
        try {
          await ask(server, room, moment, span!, found);
          found = await local(reader, room, moment);
          if (found?.event.eventId !== before) break;
        } catch (error) {
          logger.info({ err: error, server, room: roomId }, "no event was found there by its time");
        }
      }
      if (found === undefined) throw errors.notFound("There is no such event that you may see");
      const { eventId, originServerTs } = found.event;
      return { eventId, originServerTs };
    },
  };
}

/** Lower than every ordinal. */
const LEAST = -(2 ** 31);
