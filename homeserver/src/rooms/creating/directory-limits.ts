/** Limits on aliases and published rooms, per user and per room. */
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import { countAliases } from "../../storage/rooms/aliases.ts";
import { countPublished } from "../../storage/rooms/published-rooms.ts";
import type { Sql } from "../../storage/sql.ts";
import { exceeds, tooMany, type UserLimits } from "../../users/common/limits.ts";

/** Both throw MatrixError M_RESOURCE_LIMIT_EXCEEDED 403. */
export interface DirectoryLimits {
  ensureMayMakeAlias(userId: UserId, roomId: RoomId): Promise<void>;
  ensureMayPublish(userId: UserId): Promise<void>;
}

/**
 * Aliases of one room, whoever created them: a request for a room's aliases returns all of them.
 */
const MAX_OF_ROOM = 500;

export function createDirectoryLimits(
  sql: Sql,
  limits: Pick<UserLimits, "aliases" | "publishedRooms">,
): DirectoryLimits {
  return {
    async ensureMayMakeAlias(userId, roomId) {
      const { made, ofRoom } = await countAliases(sql, userId, roomId);
      if (exceeds(made + 1, limits.aliases)) throw tooMany(limits.aliases, "aliases");
      if (exceeds(ofRoom + 1, MAX_OF_ROOM)) throw tooMany(MAX_OF_ROOM, "aliases of that room");
    },
    async ensureMayPublish(userId) {
      const { publishedRooms: max } = limits;
      if (max > 0 && exceeds((await countPublished(sql, userId)) + 1, max)) {
        throw tooMany(max, "rooms in the directory");
      }
    },
  };
}
