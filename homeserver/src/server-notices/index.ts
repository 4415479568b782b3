/**
 * Notices: what the server has to say to its users, each in a room of their own. (Client-server
 * API, "Server Notices".)
 */
import { createHash } from "node:crypto";
import { errors, matrixError } from "../protocol/errors.ts";
import type { EventId, RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { Rooms } from "../rooms/index.ts";
import type { Exclusive } from "../storage/exclusive.ts";
import { roomBetween } from "../storage/rooms/members.ts";
import { serverUser } from "../users/common/server-user.ts";
import type { Users } from "../users/users.ts";
import { createNoticeSendings, type NoticeSendings, type NoticeSendingsDeps } from "./sendings.ts";

export interface ServerNotices {
  /**
   * Sends a notice, in the one room that the user has with the server: it is made, or the user
   * invited to it again, if need be.
   * @throws MatrixError M_INVALID_PARAM, M_USER_IN_USE 400, M_NOT_FOUND 404, and as a message does
   */
  send(notice: ServerNotice): Promise<EventId>;
  /**
   * An invite to the room with the server cannot be rejected; who is in it may leave.
   * @throws MatrixError M_CANNOT_LEAVE_SERVER_NOTICE_ROOM 403
   */
  ensureMayLeave(userId: UserId, roomId: RoomId): Promise<void>;
  /** Notices to many users, in the background. */
  readonly sendings: NoticeSendings;
}

interface ServerNotice {
  readonly to: UserId;
  readonly type: string;
  readonly stateKey: string | undefined;
  readonly content: JsonObject;
  /**
   * Who sends it, or what for whoever decides it, and their own number of it: a repetition is
   * answered with the first one's event.
   */
  readonly by: UserId | "reports" | "notices";
  readonly txnId: string | undefined;
}

export interface ServerNoticesDeps extends Omit<NoticeSendingsDeps, "send"> {
  readonly serverName: ServerName;
  readonly exclusive: Exclusive;
  readonly rooms: Pick<Rooms, "create" | "members" | "send">;
  readonly users: Pick<Users, "accounts" | "registration" | "profiles" | "tags">;
}

const NAME = "Server notices";
const TOPIC = "What the people who run this server have to say to you.";
const TAG = "m.server_notice";
/** Stands in the account as the service that it belongs to: nobody signs in to it. */
const OWNER = "weft:server-notices";
/** Only the server talks there, and its messages stay readable. */
const LEVELS = { users_default: -10, invite: 100, events_default: 0, state_default: 100 };

export function createServerNotices(
  deps: ServerNoticesDeps,
): ServerNotices & { stop(): Promise<void> } {
  const { sql, serverName, exclusive, rooms, users } = deps;
  const sender = serverUser(serverName);
  let isReady = false;

  /** @throws MatrixError M_USER_IN_USE 400 when somebody has registered that name before */
  async function ensureSender(): Promise<void> {
    if (isReady) return;
    await users.registration.ensureSender(OWNER, sender);
    if (!(await users.accounts.isOfService(sender, OWNER))) {
      throw matrixError("M_USER_IN_USE", `${sender} is somebody's account: notices need that name`);
    }
    const profile = await users.profiles.get(sender);
    if (profile.displayname === undefined) await users.profiles.set(sender, "displayname", NAME);
    isReady = true;
  }

  /** The room of the server and the user, where the user is invited or joined. */
  async function roomWith(userId: UserId): Promise<RoomId> {
    // As a service: such rooms are not encrypted, since the server could not write there.
    const by = { userId: sender, service: { id: OWNER } };
    const found = await roomBetween(sql, sender, userId);
    if (found === undefined) {
      return await rooms.create.room(by, {
        preset: "private_chat",
        name: NAME,
        topic: TOPIC,
        invite: [userId],
        power_level_content_override: LEVELS,
      });
    }
    const roomId = found.roomId as RoomId;
    if (found.membership !== "join" && found.membership !== "invite") {
      await rooms.members.invite({ by, roomId, userId });
    }
    return roomId;
  }

  async function send(notice: ServerNotice): Promise<EventId> {
    const { to, type, stateKey, content, by, txnId } = notice;
    if (!users.accounts.isLocal(to)) {
      throw errors.invalidParam("Notices are for users of this server");
    }
    if (!(await users.accounts.exists(to))) throw errors.notFound("This server has no such user");
    if (to === sender) throw errors.invalidParam("The server says nothing to itself");
    await ensureSender();
    const roomId = await exclusive.run(`server notices ${to}`, () => roomWith(to));
    // Each time: the server may have stopped right after it made the room.
    await users.tags.set(to, roomId, TAG, {});
    const actor = { userId: sender, deviceId: `notices of ${by}` };
    if (stateKey !== undefined) {
      return await rooms.send.state({ by: actor, roomId, type, stateKey, content });
    }
    const once = txnId === undefined ? undefined : keyOf(to, txnId);
    return await rooms.send.message({ by: actor, roomId, type, content, txnId: once });
  }

  const sendings = createNoticeSendings({ ...deps, send });
  return {
    send,
    sendings,
    stop: () => sendings.stop(),

    async ensureMayLeave(userId, roomId) {
      const found = await roomBetween(sql, sender, userId);
      if (found?.roomId !== roomId || found.membership !== "invite") return;
      throw matrixError(
        "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM",
        "In this room the server tells you what you need to know: the invite cannot be rejected",
      );
    },
  };
}

/** The sender may use one number for several users. */
function keyOf(to: UserId, txnId: string): string {
  return createHash("sha256").update(`${to}\0${txnId}`).digest("base64url");
}
