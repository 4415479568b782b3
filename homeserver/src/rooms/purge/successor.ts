/** The room that the users of a deleted room are moved to. */
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import { moveAliases } from "../../storage/rooms/aliases.ts";
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
  /** Creates the room, where only its creator can talk, and posts the message. */
  make(wanted: NewRoom): Promise<RoomId>;
  /** Joins as many of the users as possible, and moves the old room's aliases. */
  moveIn(from: RoomId, to: RoomId, users: readonly UserId[]): Promise<void>;
}

export function createSuccessors({ sql, members, create, send }: SuccessorDeps): Successors {
  return {
    async make({ by, name, message }) {
      const roomId = await create.room(
        { userId: by, isAdmin: true },
        {
          preset: "public_chat",
          name,
          power_level_content_override: { users_default: -10 },
        },
      );
      const content = { msgtype: "m.text", body: message };
      await send.message({ by: { userId: by }, roomId, type: "m.room.message", content });
      return roomId;
    },
    async moveIn(from, to, users) {
      await moveAliases(sql, from, to);
      for (const userId of users) {
        await members.join({ by: { userId }, room: to }).catch(() => undefined);
      }
    },
  };
}
