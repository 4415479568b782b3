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
  /**
   * Handles an m.typing EDU. Malformed ones, and users of other servers than the origin, are
   * ignored.
   */
  receive(origin: ServerName, content: JsonObject): Promise<void>;
  /** The user has left the room, and so stops typing in it. */
  left(roomId: RoomId, userId: UserId): void;
  stop(): void;
}

/** A typing local user, as announced to other servers. */
interface AnnouncedTyping {
  readonly roomId: RoomId;
  readonly userId: UserId;
  /** ms since 1970. */
  until: number;
  announcedAt: number;
}

const DEFAULT_MS = 30_000;
const MAX_MS = 120_000;
/** Other servers forget a typing user after DEFAULT_MS: it is announced again in time. */
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

  /** Announces users whose typing timed out, and repeats those who still type. */
  function sweep(): void {
    const now = clock.now();
    for (const [key, one] of announced) {
      const { roomId, userId } = one;
      if (one.until <= now) {
        announced.delete(key);
        announce(roomId, userId, false);
      } else if (now - one.announcedAt >= ANNOUNCE_AGAIN_MS) {
        one.announcedAt = now;
        // The user may have stopped on another replica.
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
