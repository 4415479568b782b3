/** GET /room_summary/{roomIdOrAlias}: what somebody may know of one room before they enter it. */
import { errors } from "../protocol/errors.ts";
import {
  type RoomAlias,
  type RoomId,
  type ServerName,
  serverOfRoomId,
  type UserId,
} from "../protocol/identifiers.ts";
import type { Membership, RoomDirectory, RoomSummary, RoomView } from "../rooms/api/index.ts";
import { strippedOrigin } from "../storage/rooms/members.ts";
import type { Sql } from "../storage/sql.ts";
import { mayKnowOf, STRANGER, standingOfUser } from "./access.ts";
import type { LocalRooms } from "./local-rooms.ts";
import type { RemoteRooms } from "./remote-rooms.ts";

export type RoomPreview = RoomSummary & { readonly membership?: Membership };

export interface SummaryDeps {
  readonly sql: Sql;
  readonly view: Pick<RoomView, "membershipsOf" | "rooms" | "room">;
  readonly directory: Pick<RoomDirectory, "resolve">;
  readonly local: LocalRooms;
  readonly remote: RemoteRooms;
}

/**
 * The room's summary, from this server or one that knows it, with what the user is to it; without a
 * user of open rooms only. M_NOT_FOUND 404 alike for what is not there and what they may not see.
 */
export function createSummary({ sql, view, directory, local, remote }: SummaryDeps) {
  return async (
    userId: UserId | undefined,
    room: RoomId | RoomAlias,
    via: readonly ServerName[] = [],
  ): Promise<RoomPreview> => {
    const { roomId, servers } = await whereIs(room, userId);
    const standing = userId === undefined ? STRANGER : await standingOfUser(view, userId);
    const summary =
      (await local.find([roomId])).get(roomId)?.summary ??
      (await elsewhere(roomId, [...via, ...servers, ...(await origins(roomId, userId))]));
    if (summary === undefined || !mayShow(summary)) throw notFound();
    if (userId === undefined) return summary;
    return { ...summary, membership: standing.of(roomId)[0] ?? "leave" };

    /** A ban takes nothing from what anybody is shown. */
    function mayShow(found: RoomSummary): boolean {
      return mayKnowOf(found, standing) || mayKnowOf(found, STRANGER);
    }
  };

  async function whereIs(room: RoomId | RoomAlias, userId: UserId | undefined) {
    if (!room.startsWith("#")) return { roomId: room as RoomId, servers: [] };
    return directory.resolve(room as RoomAlias, userId);
  }

  async function elsewhere(roomId: RoomId, servers: readonly ServerName[]) {
    const found = await remote.find(roomId, servers, false);
    return found?.summary;
  }

  /** Servers that likely know the room: that of its id, and that which sent the user an invite. */
  async function origins(roomId: RoomId, userId: UserId | undefined): Promise<ServerName[]> {
    const room = userId === undefined ? undefined : await view.room(roomId);
    const origin = room && (await strippedOrigin(sql, room.nid, userId!));
    const own = serverOfRoomId(roomId);
    return [origin as ServerName | undefined, own].filter((server) => server !== undefined);
  }
}

function notFound(): Error {
  return errors.notFound("There is no such room that you may see");
}
