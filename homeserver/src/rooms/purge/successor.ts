/** The room that the users of a deleted room are moved to. */
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import { moveAliases } from "../../storage/rooms/aliases.ts";
import { usersWhoWereIn } from "../../storage/rooms/members.ts";
import { MADE_FOR, roomMadeFor } from "../../storage/rooms/purges.ts";
import type { Sql } from "../../storage/sql.ts";
import type { RoomCreate, RoomMembers, RoomSend } from "../api/index.ts";
import type { NewRoom } from "../api/purges.ts";

export interface SuccessorDeps {
  readonly sql: Sql;
  readonly members: Pick<RoomMembers, "join">;
  readonly create: Pick<RoomCreate, "room">;
  readonly send: Pick<RoomSend, "message">;
}

export interface Successors {
  /**
   * Creates the room, where only its creator can talk, and posts the message: once for a purge, also
   * if an earlier attempt was cut off.
   */
  make(wanted: NewRoom, purgeId: string): Promise<RoomId>;
  /**
   * Joins as many of the users as possible, and moves the old room's aliases. It can be repeated:
   * those who are in the room stay as they are, and those who have left it meanwhile stay out.
   */
  moveIn(from: RoomId, to: RoomId, users: readonly UserId[], signal: AbortSignal): Promise<void>;
}

export function createSuccessors({ sql, members, create, send }: SuccessorDeps): Successors {
  return {
    async make({ by, name, message }, purgeId) {
      const made = (await roomMadeFor(sql, purgeId, by)) as RoomId | undefined;
      const roomId =
        made ??
        (await create.room(
          { userId: by, isAdmin: true },
          {
            preset: "public_chat",
            name,
            creation_content: { [MADE_FOR]: purgeId },
            power_level_content_override: { users_default: -10 },
          },
        ));
      const content = { msgtype: "m.text", body: message };
      const actor = { userId: by, deviceId: "purges" };
      await send.message({ by: actor, roomId, type: "m.room.message", content, txnId: purgeId });
      return roomId;
    },
    async moveIn(from, to, users, signal) {
      await moveAliases(sql, from, to);
      const moved = await usersWhoWereIn(sql, to, users);
      for (const userId of users) {
        if (moved.has(userId)) continue;
        signal.throwIfAborted();
        await members.join({ by: { userId }, room: to }).catch(() => undefined);
      }
    },
  };
}
