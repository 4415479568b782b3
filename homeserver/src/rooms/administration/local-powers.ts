/** Which users of this server may do something in a room: administrators act through them. */
import { creatorsOf, PowerLevels } from "../../protocol/events/power-levels.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";
import { serverOf, type RoomId, type ServerName, type UserId } from "../../protocol/identifiers.ts";
import { joinedAmong } from "../../storage/administration/room-members.ts";
import { someJoinedUsers } from "../../storage/rooms/members.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Room, RoomView, StoredEvent } from "../api/index.ts";

export interface LocalPowersDeps {
  readonly sql: Sql;
  readonly serverName: ServerName;
  readonly view: Pick<RoomView, "room" | "currentStateEvent">;
}

export interface RoomPowers {
  readonly room: Room;
  readonly levels: PowerLevels;
  /** m.room.power_levels. */
  readonly stored: StoredEvent | undefined;
  /** Who have every right, from room version 12 on. */
  readonly creators: ReadonlySet<string>;
  /** Joined local users whose level passes, the most powerful first; some of those without a name. */
  actors(passes: (level: number, userId: UserId) => boolean): Promise<UserId[]>;
}

/** Of users whose level is everybody's, how many are tried. */
const MAX_UNNAMED = 5;
/** How many users are tried until one may do it. */
const MAX_TRIED = 5;

export type LocalPowers = (roomId: RoomId) => Promise<RoomPowers>;

/** M_NOT_FOUND 404 for a room that is not known. */
export function createLocalPowers({ sql, serverName, view }: LocalPowersDeps): LocalPowers {
  return async (roomId) => {
    const room = await view.room(roomId);
    if (room === undefined) throw errors.notFound("This server does not know that room");
    const [stored, create] = await Promise.all([
      view.currentStateEvent(room.nid, "m.room.power_levels", ""),
      view.currentStateEvent(room.nid, "m.room.create", ""),
    ]);
    const levels = PowerLevels.of(stored?.event, create?.event, room.version);
    const creators = new Set(room.version.privilegedCreators ? creatorsOf(create?.event) : []);
    return {
      ...{ room, levels, stored, creators },
      async actors(passes) {
        const named = new Set(levels.named().filter((id) => serverOf(id) === serverName));
        const [known, others] = await Promise.all([
          joinedAmong(sql, room.nid, [...named]),
          someJoinedUsers(sql, room.nid, serverName, named.size + MAX_UNNAMED),
        ]);
        return ([...new Set([...known, ...others])] as UserId[])
          .filter((id) => passes(levels.userLevel(id), id))
          .toSorted((a, b) => compareLevels(levels.userLevel(b), levels.userLevel(a)));
      },
    };
  };
}

/** Levels may be infinite. */
function compareLevels(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/**
 * Has one user after another do it until the room lets one.
 * @throws MatrixError M_UNKNOWN 400 where nobody may; what it fails with for another reason
 */
export async function throughOneOf<T>(
  actors: readonly UserId[],
  act: (actor: UserId) => Promise<T>,
): Promise<T> {
  for (const actor of actors.slice(0, MAX_TRIED)) {
    try {
      return await act(actor);
    } catch (error) {
      if (!(error instanceof MatrixError) || error.status !== 403) throw error;
    }
  }
  throw errors.unknown("No user of this server has the power to do that in the room", 400);
}
