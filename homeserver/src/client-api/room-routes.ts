import type { Edus } from "../edus/index.ts";
import type { Route } from "../http/route.ts";
import type { Clock } from "../platform/clock.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Sync } from "../sync/index.ts";
import { banningRoutes } from "./banning.ts";
import { createRoomRoutes } from "./create-room.ts";
import { directoryRoutes } from "./directory.ts";
import { eventContextRoutes } from "./event-context.ts";
import { invitingRoutes } from "./inviting.ts";
import { joiningRoutes } from "./joining.ts";
import { kickingRoutes } from "./kicking.ts";
import { knockingRoutes } from "./knocking.ts";
import { leavingRoutes } from "./leaving.ts";
import { listJoinedRoomsRoutes } from "./list-joined-rooms.ts";
import { type ListPublicRoomsDeps, listPublicRoomsRoutes } from "./list-public-rooms.ts";
import { messagePaginationRoutes } from "./message-pagination.ts";
import { presenceRoutes } from "./presence.ts";
import { readMarkersRoutes } from "./read-markers.ts";
import { receiptsRoutes } from "./receipts.ts";
import { redactionRoutes } from "./redaction.ts";
import { relationsRoutes } from "./relations.ts";
import { roomEventByTimestampRoutes } from "./room-event-by-timestamp.ts";
import { roomSendRoutes } from "./room-send.ts";
import { roomStateRoutes } from "./room-state.ts";
import { roomUpgradesRoutes } from "./room-upgrades.ts";
import { roomsRoutes } from "./rooms.ts";
import { type SyncRouteDeps, syncRoutes } from "./sync.ts";
import { threadsListRoutes } from "./threads-list.ts";
import { typingRoutes } from "./typing.ts";

/** The operations about rooms, what happens in them, and following it. */
export function roomRoutes(
  deps: {
    readonly rooms: Rooms;
    readonly edus: Edus;
    readonly sync: Sync;
    readonly clock: Clock;
  } & ListPublicRoomsDeps &
    SyncRouteDeps,
): Route[] {
  return [
    ...banningRoutes(deps),
    ...createRoomRoutes(deps),
    ...directoryRoutes(deps),
    ...eventContextRoutes(deps),
    ...invitingRoutes(deps),
    ...joiningRoutes(deps),
    ...kickingRoutes(deps),
    ...knockingRoutes(deps),
    ...leavingRoutes(deps),
    ...listJoinedRoomsRoutes(deps),
    ...listPublicRoomsRoutes(deps),
    ...messagePaginationRoutes(deps),
    ...presenceRoutes(deps),
    ...readMarkersRoutes(deps),
    ...receiptsRoutes(deps),
    ...redactionRoutes(deps),
    ...relationsRoutes(deps),
    ...roomEventByTimestampRoutes(deps),
    ...roomSendRoutes(deps),
    ...roomStateRoutes(deps),
    ...roomUpgradesRoutes(deps),
    ...roomsRoutes(deps),
    ...syncRoutes(deps),
    ...threadsListRoutes(deps),
    ...typingRoutes(deps),
  ];
}
