import type { DelayedEvents } from "../delayed-events/index.ts";
import type { Edus } from "../edus/index.ts";
import type { Encryption } from "../encryption/index.ts";
import type { Route } from "../http/route.ts";
import type { Clock } from "../platform/clock.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Search } from "../search/index.ts";
import type { Spaces } from "../spaces/index.ts";
import type { Sync } from "../sync/index.ts";
import { appserviceRoomDirectoryRoutes } from "./appservice-room-directory.ts";
import { banningRoutes } from "./banning.ts";
import { type CreateRoomDeps, createRoomRoutes } from "./create-room.ts";
import { delayedEventsRoutes } from "./delayed-events.ts";
import { directoryRoutes } from "./directory.ts";
import { eventContextRoutes } from "./event-context.ts";
import { type InvitingDeps, invitingRoutes } from "./inviting.ts";
import { joiningRoutes } from "./joining.ts";
import { kickingRoutes } from "./kicking.ts";
import { knockingRoutes } from "./knocking.ts";
import { type LeavingDeps, leavingRoutes } from "./leaving.ts";
import { listJoinedRoomsRoutes } from "./list-joined-rooms.ts";
import { type ListPublicRoomsDeps, listPublicRoomsRoutes } from "./list-public-rooms.ts";
import { messagePaginationRoutes } from "./message-pagination.ts";
import { mutualRoomsRoutes } from "./mutual-rooms.ts";
import { oldSyncRoutes } from "./old-sync.ts";
import { presenceRoutes } from "./presence.ts";
import { readMarkersRoutes } from "./read-markers.ts";
import { receiptsRoutes } from "./receipts.ts";
import { redactionRoutes } from "./redaction.ts";
import { relationsRoutes } from "./relations.ts";
import { roomEventByTimestampRoutes } from "./room-event-by-timestamp.ts";
import { roomSendRoutes } from "./room-send.ts";
import { roomStateRoutes } from "./room-state.ts";
import { roomSummaryRoutes } from "./room-summary.ts";
import { roomUpgradesRoutes } from "./room-upgrades.ts";
import { roomsRoutes } from "./rooms.ts";
import { slidingSyncRoutes } from "./sliding-sync.ts";
import { searchRoutes } from "./search.ts";
import { spaceHierarchyRoutes } from "./space-hierarchy.ts";
import { type SyncRouteDeps, syncRoutes } from "./sync.ts";
import { type ThreadSubscriptionsDeps, threadSubscriptionsRoutes } from "./thread-subscriptions.ts";
import { threadsListRoutes } from "./threads-list.ts";
import { toDeviceRoutes } from "./to-device.ts";
import { typingRoutes } from "./typing.ts";
import { usersRoutes } from "./users.ts";

/** The operations about rooms, what happens in them, and following it. */
export function roomRoutes(
  deps: {
    readonly rooms: Rooms;
    readonly edus: Edus;
    readonly delayedEvents: DelayedEvents;
    readonly encryption: Encryption;
    readonly search: Search;
    readonly spaces: Spaces;
    readonly sync: Sync;
    readonly clock: Clock;
  } & CreateRoomDeps &
    InvitingDeps &
    LeavingDeps &
    ListPublicRoomsDeps &
    ThreadSubscriptionsDeps &
    SyncRouteDeps,
): Route[] {
  return [
    ...appserviceRoomDirectoryRoutes(deps),
    ...banningRoutes(deps),
    ...createRoomRoutes(deps),
    ...delayedEventsRoutes(deps),
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
    ...mutualRoomsRoutes(deps),
    ...oldSyncRoutes(deps),
    ...presenceRoutes(deps),
    ...readMarkersRoutes(deps),
    ...receiptsRoutes(deps),
    ...redactionRoutes(deps),
    ...relationsRoutes(deps),
    ...roomEventByTimestampRoutes(deps),
    ...roomSendRoutes(deps),
    ...roomStateRoutes(deps),
    ...roomSummaryRoutes(deps),
    ...roomUpgradesRoutes(deps),
    ...roomsRoutes(deps),
    ...searchRoutes(deps),
    ...spaceHierarchyRoutes(deps),
    ...syncRoutes(deps),
    ...slidingSyncRoutes(deps),
    ...threadSubscriptionsRoutes(deps),
    ...threadsListRoutes(deps),
    ...toDeviceRoutes(deps),
    ...typingRoutes(deps),
    ...usersRoutes(deps),
  ];
}
