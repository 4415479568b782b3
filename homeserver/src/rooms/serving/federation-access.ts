/** Which servers may query a room, once its access list admits them (`x-acl` in the contract). */
import { errors } from "../../protocol/errors.ts";
import type { RoomId, ServerName } from "../../protocol/identifiers.ts";
import { membersOfServer, serverIsJoined } from "../../storage/rooms/members.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import type { LastMemberships } from "../visibility/last-membership.ts";
import type { RoomStore } from "../state/store.ts";
import type { MembershipRow, Room, StoredEvent } from "../api/index.ts";

export interface FederationAccess {
  /** A room that this server is in and knows completely. M_NOT_FOUND. */
  wholeRoom(roomId: RoomId): Promise<Room>;
  /**
   * A room that this server is in, for servers that are or were in it. Those may query events up to
   * the end of their last user's membership (after a ban, the server needs what the ban builds on).
   * Others must not learn whether the room exists: they always get M_FORBIDDEN.
   */
  roomForMember(origin: ServerName, roomId: RoomId): Promise<MemberServer>;
}

interface MemberServer {
  readonly room: Room;
  /** True for events that the server may query. */
  readonly mayAsk: (stored: StoredEvent) => boolean;
}

export interface FederationAccessDeps {
  readonly store: RoomStore;
  readonly partial: PartialRooms;
  readonly serverName: ServerName;
  readonly lastMemberships: LastMemberships;
}

export function createFederationAccess({
  store,
  partial,
  serverName,
  lastMemberships,
}: FederationAccessDeps): FederationAccess {
  /**
   * The log position up to which a server took part: Infinity while it is in the room, -1 if it
   * never was.
   */
  async function takesPartUntil(room: Room, server: ServerName): Promise<number> {
    const rows = (await membersOfServer(store.sql, room.nid, server)) as MembershipRow[];
    if (rows.some((row) => row.membership === "join")) return Infinity;
    let until = -1;
    for (const row of rows)
      until = Math.max(until, (await lastMemberships.endOf(row))?.position ?? -1);
    return until;
  }

  async function requireOurs(room: Room): Promise<Room> {
    if (!(await serverIsJoined(store.sql, room.nid, serverName))) throw notOurs();
    return room;
  }

  return {
    async wholeRoom(roomId) {
      const found = await store.registry.byId(roomId);
      if (found === undefined) throw notOurs();
      const room = await requireOurs(found);
      if (!(await partial.isPartial(room.nid))) return room;
      throw errors.notFound("This server does not know the room's whole state yet: ask another");
    },
    async roomForMember(origin, roomId) {
      const room = await store.registry.byId(roomId);
      if (room === undefined) throw notTheirs();
      const wasNamedInJoin = (await partial.servers(room.nid)).includes(origin);
      const until = wasNamedInJoin ? Infinity : await takesPartUntil(room, origin);
      if (until < 0) throw notTheirs();
      await requireOurs(room);
      if (wasNamedInJoin) return { room, mayAsk: () => true };
      return { room, mayAsk: (stored) => (stored.position ?? 0) <= until };
    },
  };
}

function notOurs(): Error {
  return errors.notFound("This server is not in that room");
}

function notTheirs(): Error {
  return errors.forbidden("Your server is not in that room");
}
