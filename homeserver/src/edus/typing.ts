import type { Ephemeral } from "../cluster/ephemeral.ts";
import type { Clock } from "../platform/clock.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomId, parseUserId, serverOf } from "../protocol/identifiers.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { EduOutlet, RoomFacts } from "./types.ts";

/** Who types, shared by the replicas. */
type TypingState = Pick<Ephemeral, "setTyping" | "typing">;

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
  /** The user is not in the room any more, and so does not type in it. */
  left(roomId: RoomId, userId: UserId): void;
  stop(): void;
}

/** A local user who types, as other servers were told. */
interface AnnouncedTyping {
  readonly roomId: RoomId;
  readonly userId: UserId;
  /** ms since 1970. */
  until: number;
  announcedAt: number;
}

const DEFAULT_MS = 30_000;
const MAX_MS = 120_000;
/** Other servers forget after DEFAULT_MS who types: they are told again in time. */
const ANNOUNCE_AGAIN_MS = 20_000;
const SWEEP_MS = 1_000;

export function createTyping(deps: {
  readonly state: TypingState;
  readonly rooms: RoomFacts;
  readonly outlet: EduOutlet;
  readonly clock: Clock;
}): Typing {
  const { state, rooms, outlet, clock } = deps;
  const announced = new Map<string, AnnouncedTyping>();
  const sweeper = setInterval(sweep, SWEEP_MS);
  sweeper.unref();

  function announce(roomId: RoomId, userId: UserId, typing: boolean): void {
    outlet.toRoom(roomId, {
      key: `m.typing ${roomId} ${userId}`,
      type: "m.typing",
      content: { room_id: roomId, user_id: userId, typing },
      lifeMs: DEFAULT_MS,
    });
  }

  /** Tells other servers who stopped by letting the time pass, and who still types. */
  function sweep(): void {
    const now = clock.now();
    for (const [key, one] of announced) {
      const { roomId, userId } = one;
      if (one.until <= now) {
        announced.delete(key);
        announce(roomId, userId, false);
      } else if (now - one.announcedAt >= ANNOUNCE_AGAIN_MS) {
        one.announcedAt = now;
        // Another replica may have been told that they stopped.
        if (state.typing(roomId).users.includes(userId)) announce(roomId, userId, true);
        else announced.delete(key);
      }
    }
  }

  return {
    async set(userId, roomId, typing, timeoutMs) {
      if (!(await rooms.isJoined(roomId, userId))) {
        throw errors.forbidden("You are not in the room");
      }
      const ms = typing ? Math.min(timeoutMs ?? DEFAULT_MS, MAX_MS) : 0;
      state.setTyping(roomId, userId, ms);
      const key = `${roomId} ${userId}`;
      if (ms <= 0) {
        announced.delete(key);
        return announce(roomId, userId, false);
      }
      const now = clock.now();
      const before = announced.get(key);
      if (before) before.until = now + ms;
      else {
        announced.set(key, { roomId, userId, until: now + ms, announcedAt: now });
        announce(roomId, userId, true);
      }
    },

    async receive(origin, content) {
      const roomId = parseRoomId(content.room_id);
      const userId = parseUserId(content.user_id);
      if (serverOf(userId) !== origin || typeof content.typing !== "boolean") return;
      if (!(await rooms.isJoined(roomId, userId))) return;
      if (!(await rooms.aclAllows(roomId, origin))) return;
      state.setTyping(roomId, userId, content.typing ? DEFAULT_MS : 0);
    },

    left(roomId, userId) {
      announced.delete(`${roomId} ${userId}`);
      if (state.typing(roomId).users.includes(userId)) state.setTyping(roomId, userId, 0);
    },

    stop() {
      clearInterval(sweeper);
    },
  };
}
