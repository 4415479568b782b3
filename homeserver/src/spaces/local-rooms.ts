/** Rooms that this server is in, with the children of those that are spaces. */
import { compareChildren, spaceChild, type SpaceChild } from "../protocol/events/space-child.ts";
import type { RoomId, ServerName } from "../protocol/identifiers.ts";
import type { Membership, RoomView } from "../rooms/api/index.ts";
import { membershipsOfServerIn } from "../storage/rooms/members.ts";
import type { Sql } from "../storage/sql.ts";
import type { Standing } from "./access.ts";
import { type FoundRoom, MAX_CHILDREN, SPACE } from "./types.ts";

export interface LocalRooms {
  /** Those of the rooms that this server is in; a fixed number of queries, however many. */
  find(roomIds: readonly RoomId[]): Promise<Map<RoomId, FoundRoom>>;
  /** What another server's users are to these rooms. */
  standingOfServer(server: ServerName, roomIds: readonly RoomId[]): Promise<Standing>;
}

export interface LocalRoomsDeps {
  readonly sql: Sql;
  readonly view: Pick<RoomView, "room" | "summaries" | "currentStateOfType">;
  readonly serverName: ServerName;
}

export function createLocalRooms({ sql, view, serverName }: LocalRoomsDeps): LocalRooms {
  async function nidsOf(roomIds: readonly RoomId[]): Promise<Map<number, RoomId>> {
    const rooms = await Promise.all(roomIds.map((roomId) => view.room(roomId)));
    return new Map(rooms.flatMap((room) => (room === undefined ? [] : [[room.nid, room.roomId]])));
  }

  async function childrenOf(roomNids: readonly number[]): Promise<Map<number, SpaceChild[]>> {
    const children = new Map<number, SpaceChild[]>();
    if (roomNids.length === 0) return children;
    const states = await view.currentStateOfType(roomNids, "m.space.child", MAX_CHILDREN);
    for (const [nid, events] of states) {
      const named = events.flatMap(({ event }) => spaceChild(event) ?? []);
      children.set(nid, named.toSorted(compareChildren));
    }
    return children;
  }

  return {
    async find(roomIds) {
      const known = await nidsOf(roomIds);
      if (known.size === 0) return new Map();
      const rows = await membershipsOfServerIn(sql, [...known.keys()], serverName);
      const ours = new Set(rows.flatMap((row) => (row.membership === "join" ? row.roomNid : [])));
      const summaries = await view.summaries([...ours]);
      const spaces = [...ours].filter((nid) => summaries.get(nid)?.room_type === SPACE);
      const children = await childrenOf(spaces);
      const found = new Map<RoomId, FoundRoom>();
      for (const [nid, summary] of summaries) {
        found.set(summary.room_id, { summary, children: children.get(nid) ?? [] });
      }
      return found;
    },
    async standingOfServer(server, roomIds) {
      const known = await nidsOf(roomIds);
      const rows = await membershipsOfServerIn(sql, [...known.keys()], server);
      const memberships = Map.groupBy(rows, (row) => known.get(row.roomNid)!);
      return {
        of: (roomId) => (memberships.get(roomId) ?? []).map((row) => row.membership as Membership),
      };
    },
  };
}
