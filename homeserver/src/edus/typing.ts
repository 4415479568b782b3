import { errors } from "../protocol/errors.ts";
import { parseRoomId, parseUserId, serverOf } from "../protocol/identifiers.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { EduOutlet, RoomFacts } from "./types.ts";

/** Who types, shared by the replicas. */
export interface TypingState {
  /** Typing for so many ms; 0: not any more. */
  setTyping(roomId: RoomId, userId: UserId, ms: number): void | Promise<void>;
}

/** Typing notifications. (Client-server and server-server API, "Typing Notifications".) */
export interface Typing {
  /** PUT /rooms/{roomId}/typing/{userId}. @throws MatrixError M_FORBIDDEN 403 */
  set(
    userId: UserId,
    roomId: RoomId,
    typing: boolean,
    timeoutMs: number | undefined,
  ): Promise<void>;
  /** An m.typing EDU. What is malformed or not the origin's to say is ignored. */
  receive(origin: ServerName, content: JsonObject): Promise<void>;
}

const DEFAULT_MS = 30_000;
const MOST_MS = 120_000;

export function createTyping(deps: {
  readonly state: TypingState;
  readonly rooms: RoomFacts;
  readonly outlet: EduOutlet;
}): Typing {
  const { state, rooms, outlet } = deps;
  return {
    async set(userId, roomId, typing, timeoutMs) {
      if (!(await rooms.isJoined(roomId, userId)))
        throw errors.forbidden("You are not in the room");
      const ms = typing ? Math.min(timeoutMs ?? DEFAULT_MS, MOST_MS) : 0;
      await state.setTyping(roomId, userId, ms);
      outlet.toRoom(roomId, {
        key: `m.typing ${roomId} ${userId}`,
        type: "m.typing",
        content: { room_id: roomId, user_id: userId, typing: ms > 0 },
        lifeMs: DEFAULT_MS,
      });
    },

    async receive(origin, content) {
      const roomId = parseRoomId(content.room_id);
      const userId = parseUserId(content.user_id);
      if (serverOf(userId) !== origin || typeof content.typing !== "boolean") return;
      if (!(await rooms.isJoined(roomId, userId))) return;
      await state.setTyping(roomId, userId, content.typing ? DEFAULT_MS : 0);
    },
  };
}
