/** Events related to an event, and the threads of a room. */
import { redactEvent } from "../../protocol/events/event.ts";
import { isUserId } from "../../protocol/identifiers.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { relationsPage, threadsPage } from "../../storage/rooms/relations.ts";
import type { AccessControl } from "../visibility/access.ts";
import type { IgnoredBy, WithoutIgnored } from "../visibility/without-ignored.ts";
import type { RoomStore } from "../state/store.ts";
import { formatPlace, placeBefore } from "../visibility/tokens.ts";
import type { PlaceIn } from "../visibility/tokens.ts";
import type { VisibleEvent, Reader, RoomHistory, RoomView } from "../api/index.ts";

export interface RelationsDeps {
  readonly store: RoomStore;
  readonly view: RoomView;
  readonly access: AccessControl;
  readonly withoutIgnored: WithoutIgnored;
  readonly ignoredBy: IgnoredBy;
  readonly placeIn: PlaceIn;
}

const DEFAULT_LIMIT = 5;
const DEFAULT_THREADS = 20;
const MAX_LIMIT = 100;
/** How many levels of relations `recurse` follows. */
const RECURSION_DEPTH = 3;

export function createRelations(deps: RelationsDeps): Pick<RoomHistory, "relations" | "threads"> {
  const { store, view, access } = deps;

  return {
    async relations(reader, roomId, eventId, query) {
      const target = await access.event(reader.userId, roomId, eventId);
      const room = (await view.room(roomId))!;
      const limit = limitOf(query.limit, DEFAULT_LIMIT);
      const direction = query.dir ?? "b";
      const rows = await relationsPage(store.sql, {
        roomNid: target.roomNid,
        target: eventId,
        relType: query.relType,
        type: query.eventType,
        depth: query.recurse === true ? RECURSION_DEPTH : 1,
        direction,
        from: await deps.placeIn(room, query.from, ["r", "t"]),
        to: await deps.placeIn(room, query.to, ["r", "t"]),
        limit: limit + 1,
      });
      const page = rows.slice(0, limit);
      const found = await view.events(page.map((row) => row.nid));
      const events = page.flatMap((row) => found.get(row.nid) ?? []);
      const last = page.at(-1);
      // The redacted copy of an erased user's event relates to nothing.
      const shown = (await deps.withoutIgnored(reader.userId, events)).filter(
        ({ stored }) => stored.event === found.get(stored.nid)?.event,
      );
      const chunk = await view.present(shown, reader);
      return {
        chunk,
        ...(rows.length <= limit || last === undefined
          ? {}
          : {
              next_batch: formatPlace(room.nid, direction === "b" ? placeBefore(last) : last, "r"),
            }),
        ...(query.from === undefined ? {} : { prev_batch: query.from }),
        ...(query.recurse === undefined
          ? {}
          : { recursion_depth: query.recurse ? RECURSION_DEPTH : 1 }),
      };
    },

    async threads(reader, roomId, query) {
      const { room, until } = await access.of(reader.userId, roomId);
      const limit = limitOf(query.limit, DEFAULT_THREADS);
      const rows = await threadsPage(store.sql, {
        roomNid: room.nid,
        from: await deps.placeIn(room, query.from, ["h"]),
        until,
        participant: query.include === "participated" ? reader.userId : undefined,
        ignored: [...(await deps.ignoredBy(reader.userId))].filter(isUserId),
        limit: limit + 1,
      });
      const page = rows.slice(0, limit);
      const found = await view.eventsById(page.map((row) => row.root as EventId));
      const roots = page.flatMap((row) => found.get(row.root as EventId) ?? []);
      const ofRoom = roots.filter((stored) => stored.roomNid === room.nid);
      const visible = await view.visibleTo(reader.userId, ofRoom);
      const chunk = await presentRoots(visible, reader);
      const last = page.at(-1);
      if (rows.length <= limit || last === undefined) return { chunk };
      return { chunk, next_batch: formatPlace(room.nid, placeBefore(last), "h") };
    },
  };

  /** A thread root of an ignored user is returned redacted, so that the thread stays visible. */
  async function presentRoots(visible: readonly VisibleEvent[], reader: Reader): Promise<string[]> {
    const ignored = await deps.ignoredBy(reader.userId);
    const roots = visible.map((root) =>
      ignored.has(root.stored.event.sender)
        ? { ...root, stored: { ...root.stored, event: redactEvent(root.stored.event) } }
        : root,
    );
    return view.present(roots, reader);
  }
}

function limitOf(limit: number | undefined, usual: number): number {
  return Math.min(Math.max(limit ?? usual, 1), MAX_LIMIT);
}
