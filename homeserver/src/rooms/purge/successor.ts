/** The room to which those go who are put out of another one. */
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
  /** Makes the room, in which its maker alone speaks, and says there why. */
  make(wanted: NewRoom): Promise<RoomId>;
  /** Takes users in, as far as they can be; the old room's aliases lead there from now on. */
  moveIn(from: RoomId, to: RoomId, users: readonly UserId[]): Promise<void>;
}

export function createSuccessors({ sql, members, create, send }: SuccessorDeps): Successors {
  return {
    async make({ by, name, message }) {
      const roomId = await create.room(
        { userId: by },
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
