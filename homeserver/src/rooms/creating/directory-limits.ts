/** Limits on aliases and published rooms, per user and per room, and whose the aliases are. */
import { errors } from "../../protocol/errors.ts";
import type { RoomAlias, RoomId } from "../../protocol/identifiers.ts";
import type { Actor } from "../api/index.ts";
import { countAliases } from "../../storage/rooms/aliases.ts";
import { countPublished } from "../../storage/rooms/published-rooms.ts";
import type { Sql } from "../../storage/sql.ts";
import { exceeds, tooMany, type UserLimits } from "../../users/common/limits.ts";

/** All throw MatrixError. The limits of users are none for application services. */
export interface DirectoryLimits {
  /** M_EXCLUSIVE 400, M_RESOURCE_LIMIT_EXCEEDED 403. */
  ensureMayMakeAlias(by: Actor, alias: RoomAlias, roomId: RoomId): Promise<void>;
  /** M_EXCLUSIVE 400 for an alias of somebody else's namespace. */
  ensureMayName(by: Actor, alias: RoomAlias): void;
  /** M_RESOURCE_LIMIT_EXCEEDED 403. */
  ensureMayPublish(by: Actor): Promise<void>;
}

/** Application services' namespaces of aliases. */
export interface AliasNamespaces {
  /** Whether only another service than this one (undefined: any service) may use the alias. */
  isReserved(alias: RoomAlias, service: string | undefined): boolean;
  /** Whether the alias is in a namespace of the service. */
  isOf(alias: RoomAlias, service: string): boolean;
  /**
   * Asks the services whose alias it would be to make it, but not the one that asks. True: one has.
   * @throws MatrixError M_UNKNOWN 408
   */
  ask(alias: RoomAlias, asking: string | undefined): Promise<boolean>;
}

/**
 * Aliases of one room, whoever created them: a request for a room's aliases returns all of them.
 */
const MAX_OF_ROOM = 500;

export function createDirectoryLimits(
  sql: Sql,
  limits: Pick<UserLimits, "aliases" | "publishedRooms">,
  namespaces?: AliasNamespaces,
): DirectoryLimits {
  function ensureMayName({ service }: Actor, alias: RoomAlias): void {
    const isOther = namespaces?.isReserved(alias, service?.id) === true;
    const isOutside = service !== undefined && namespaces?.isOf(alias, service.id) === false;
    if (!isOther && !isOutside) return;
    throw errors.exclusive(
      isOutside
        ? "The alias is in no namespace of the application service"
        : "The alias is reserved for an application service",
    );
  }

  return {
    ensureMayName,
    async ensureMayMakeAlias(by, alias, roomId) {
      ensureMayName(by, alias);
      const { made, ofRoom } = await countAliases(sql, by.userId, roomId);
      if (by.service === undefined && exceeds(made + 1, limits.aliases)) {
        throw tooMany(limits.aliases, "aliases");
      }
      if (exceeds(ofRoom + 1, MAX_OF_ROOM)) throw tooMany(MAX_OF_ROOM, "aliases of that room");
    },
    async ensureMayPublish({ userId, service }) {
      const { publishedRooms: max } = limits;
      if (max === 0 || service !== undefined) return;
      if (exceeds((await countPublished(sql, userId)) + 1, max)) {
        throw tooMany(max, "rooms in the directory");
      }
    },
  };
}
