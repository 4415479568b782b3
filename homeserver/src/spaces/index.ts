/** Spaces and what is shown of rooms to those who are not in them. */
import type { RemoteServer } from "../federation-client/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Sql } from "../storage/sql.ts";
import { IN_ALL, standingOfUser } from "./access.ts";
import { createLocalRooms } from "./local-rooms.ts";
import { createRemoteRooms } from "./remote-rooms.ts";
import { createServeSpace } from "./serve.ts";
import { createSummary } from "./summary.ts";
import { createHierarchy } from "./walk.ts";

export type Spaces = ReturnType<typeof createSpaces>;

export interface SpacesDeps {
  readonly sql: Sql;
  readonly rooms: Pick<Rooms, "view" | "directory" | "federation">;
  readonly remote: Pick<RemoteServer, "hierarchy">;
  readonly serverName: ServerName;
  readonly clock: Clock;
}

export function createSpaces({ sql, rooms, remote, serverName, clock }: SpacesDeps) {
  const { view, directory, federation } = rooms;
  const standingOf = (userId: UserId) => standingOfUser(view, userId);
  const local = createLocalRooms({ sql, view, serverName });
  const remoteRooms = createRemoteRooms({ remote, serverName, clock });
  return {
    /** GET /rooms/{roomId}/hierarchy. */
    hierarchy: createHierarchy({ standingOf, local, remote: remoteRooms, clock }),
    /** The same for administrators of the server: all rooms that it knows, and no others. */
    wholeHierarchy: createHierarchy({
      ...{ local, clock, standingOf: async () => IN_ALL },
      remote: { find: async () => undefined },
    }),
    /** GET /room_summary/{roomIdOrAlias}. */
    summary: createSummary({ sql, view, directory, local, remote: remoteRooms }),
    /** GET /_matrix/federation/v1/hierarchy/{roomId}. */
    serve: createServeSpace({ local, aclAllows: federation.aclAllows }),
  };
}
