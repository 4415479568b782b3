/**
 * Restricted joins: who may join without an invite, and which local user authorises it (room
 * versions 8 and 10).
 */
import { isRoomId, serverOf } from "../../protocol/identifiers.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { isJsonObject } from "../../protocol/json.ts";
import { partialRoomsByNids } from "../../storage/rooms/partial-rooms.ts";
import { localJoinedUsers, membershipIn, serverIsJoined } from "../../storage/rooms/members.ts";
import { powerLevelsOf } from "../commands/local-events.ts";
import type { RoomStore } from "../state/store.ts";
import type { RoomCommand } from "../commands/room-command.ts";

export type JoinAuthorisation =
  /**
   * The join rule is another one; or the user is invited, joined, or banned, which no authorisation
   * changes.
   */
  | { readonly kind: "not-needed" }
  /** The user is in an allowed room; `authorisingUser` of this server can invite. */
  | { readonly kind: "allowed"; readonly authorisingUser: UserId }
  /** The user is in an allowed room, but no user of this server has the power to invite. */
  | { readonly kind: "no-authorising-user" }
  /** The user is in none of the allowed rooms; `unknown`: of some this server can't tell. */
  | { readonly kind: "refused"; readonly unknown: boolean };

/** Decides on the head whether the room's allow rules let `userId` join. */
export async function authoriseJoin(
  store: RoomStore,
  command: RoomCommand,
  serverName: string,
  userId: UserId,
): Promise<JoinAuthorisation> {
  const joinRules = (await command.stateEvent("m.room.join_rules", ""))?.event.content;
  const rule = joinRules?.join_rule;
  const { restrictedJoins, knockRestricted } = command.room.version;
  const restricted =
    (rule === "restricted" && restrictedJoins) || (rule === "knock_restricted" && knockRestricted);
  if (!restricted) return { kind: "not-needed" };
  const member = (await command.stateEvent("m.room.member", userId))?.event.content.membership;
  if (member === "join" || member === "invite" || member === "ban") return { kind: "not-needed" };

  const allowed = await isAllowed(store, joinRules?.allow, userId, serverName);
  if (allowed !== true) return { kind: "refused", unknown: allowed === "unknown" };
  const authorisingUser = await findAuthorisingUser(store, command, serverName);
  return authorisingUser === undefined
    ? { kind: "no-authorising-user" }
    : { kind: "allowed", authorisingUser };
}

async function isAllowed(
  store: RoomStore,
  allow: unknown,
  userId: UserId,
  serverName: string,
): Promise<boolean | "unknown"> {
  let unknown = false;
  for (const entry of Array.isArray(allow) ? allow : []) {
    if (!isJsonObject(entry) || entry.type !== "m.room_membership") continue;
    if (!isRoomId(entry.room_id)) continue;
    const room = await store.registry.byId(entry.room_id);
    if (room === undefined) {
      unknown = true;
      continue;
    }
    const row = await membershipIn(store.sql, room.nid, userId);
    const isOurs = serverOf(userId) === serverName;
    // For a room that this server is not in, or knows in part, it knows only its own users'
    // memberships.
    const isKnown = await isKnownWhole(store, room.nid, serverName);
    if (row?.membership === "join" && (isOurs || isKnown)) return true;
    if (!isKnown) unknown = true;
  }
  return unknown ? "unknown" : false;
}

async function isKnownWhole(
  store: RoomStore,
  roomNid: number,
  serverName: string,
): Promise<boolean> {
  if (!(await serverIsJoined(store.sql, roomNid, serverName))) return false;
  const [partial] = await partialRoomsByNids(store.sql, [roomNid]);
  return partial?.complete !== false;
}

/**
 * Servers with users who may invite, by the room's power levels: they are asked first when this
 * server cannot authorise the join.
 */
export async function serversThatMayAuthorise(command: RoomCommand): Promise<ReadonlySet<string>> {
  const levels = await powerLevelsOf(command);
  return new Set(
    levels
      .named()
      .filter((user) => levels.userLevel(user) >= levels.invite)
      .map(serverOf),
  );
}

/** The most powerful joined local user who may invite. */
async function findAuthorisingUser(
  store: RoomStore,
  command: RoomCommand,
  serverName: string,
): Promise<UserId | undefined> {
  const levels = await powerLevelsOf(command);
  let best: UserId | undefined;
  for (const user of await localJoinedUsers(store.sql, command.room.nid, serverName)) {
    if (levels.userLevel(user) < levels.invite) continue;
    const member = await command.stateEvent("m.room.member", user);
    if (member?.event.content.membership !== "join") continue;
    if (best === undefined || levels.userLevel(user) > levels.userLevel(best)) {
      best = user as UserId;
    }
    if (levels.userLevel(best) >= 100) break;
  }
  return best;
}
