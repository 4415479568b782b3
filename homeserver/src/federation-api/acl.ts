import { errors } from "../protocol/errors.ts";
import type { RoomId, ServerName } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/types.ts";

/**
 * Refuses a server that the room's m.room.server_acl keeps out. (Server-server API, "Server Access Control
 * Lists (ACLs)".) @throws MatrixError M_FORBIDDEN 403
 */
export async function checkAcl(rooms: Rooms, roomId: RoomId, origin: ServerName): Promise<void> {
  if (await rooms.federation.aclAllows(roomId, origin)) return;
  throw errors.forbidden(`The room's access list keeps ${origin} out`);
}
