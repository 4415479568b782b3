/**
 * Membership of this server's users: join, knock, invite, leave, kick, ban, unban, forget, profile
 * changes.
 */
import { isDeepStrictEqual } from "node:util";
import { addLocal } from "../commands/local-drafts.ts";
import type { Log } from "../../log/types.ts";
import { createKeyedQueue } from "../../platform/keyed-queue.ts";
import { errors } from "../../protocol/errors.ts";
import { isRoomAlias, serverOf } from "../../protocol/identifiers.ts";
import type { EventId, RoomAlias, RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { isUntold } from "../../storage/federation/outbound.ts";
import {
  joinedRoomNids,
  joinedServers,
  membershipIn,
  serverIsJoined,
} from "../../storage/rooms/members.ts";
import type { Invitees } from "./invitees.ts";
import type { EntryServers } from "./remote-join.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import { unchanged } from "../commands/local-events.ts";
import { clientMemberContent, withoutServersPart } from "./member-content.ts";
import { candidateServersOf } from "./candidate-servers.ts";
import { memberDraft, membershipOf, requireKickable } from "../records/member-events.ts";
import { createMemberByState } from "./members-by-state.ts";
import type { ChangeOther, MemberByState } from "./members-by-state.ts";
import { hidingFromOutsiders } from "../commands/outsiders.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import { serversThatMayAuthorise, authoriseJoin } from "./restricted-joins.ts";
import type { CheckNotBlocked } from "../state/blocked-rooms.ts";
import type { RoomStore } from "../state/store.ts";
import type { Actor, MemberChange, Profiles, Room, RoomMembers } from "../api/index.ts";
import type { RoomCommand } from "../commands/room-command.ts";

/**
 * The membership operations that need other servers, implemented by the federation side of the
 * engine.
 */
export interface RemoteMembership {
  join(roomId: RoomId, userId: UserId, content: JsonObject, servers: EntryServers): Promise<void>;
  knock(roomId: RoomId, userId: UserId, content: JsonObject, servers: EntryServers): Promise<void>;
  /**
   * Rejects an invite or withdraws a knock in a room that this server is not in. Works without the
   * other server too. False when the user has joined meanwhile and must leave like any member.
   */
  leave(room: Room, userId: UserId, content: JsonObject): Promise<boolean>;
  /** Gets the other server's signature on the invite, then adds it to the room. */
  invite(room: Room, sender: UserId, userId: UserId, content: JsonObject): Promise<EventId>;
}

export interface MembersDeps {
  readonly partial: PartialRooms;
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly profiles: Profiles;
  readonly log: Pick<Log, "append">;
  readonly remote: RemoteMembership;
  readonly resolveAlias: (alias: RoomAlias) => Promise<{ roomId: RoomId; servers: ServerName[] }>;
  readonly checkNotBlocked: CheckNotBlocked;
  readonly invitees: Invitees;
}

export interface Members extends RoomMembers {
  /**
   * A member event that a client sends as state: handled by the rules of the matching operation,
   * with the client's content. Returns the id of the user's current member event. M_INVALID_PARAM,
   * M_BAD_JSON (400), and what the operation throws.
   */
  readonly byState: MemberByState;
}

export function createMembers(deps: MembersDeps): Members {
  const { store, local, profiles, remote, partial } = deps;
  const { serverName } = local.identity;

  /** Serialises joins of a room: the second user finds this server in the room. */
  const entering = createKeyedQueue<RoomId>();

  async function enter(roomId: RoomId, by: Actor, content: JsonObject, via: ServerName[]) {
    const room = await store.registry.byId(roomId);
    if (room !== undefined && (await isResident(room))) return joinAsResident(room, by, content);
    await remote.join(roomId, by.userId, content, await candidateServers(room, by.userId, via));
  }

  async function joinAsResident(room: Room, by: Actor, content: JsonObject): Promise<void> {
    if (await joinLocally(room, by, content)) return;
    const others = await otherServers(room);
    if (others.length === 0) throw errors.forbidden("Nobody in the room can let you in");
    const first = await local.run(room, serversThatMayAuthorise);
    const asked = [...others.filter((name) => first.has(name)), ...others];
    await remote.join(room.roomId, by.userId, content, { first: [...new Set(asked)] });
  }

  const operations: RoomMembers = {
    async join(request) {
      const { by, thirdPartySigned } = request;
      const { roomId, via } = await destination(request.room, request.via);
      const content: JsonObject = {
        ...(await memberContent("join", by.userId, request)),
        ...(thirdPartySigned === undefined ? {} : { third_party_signed: thirdPartySigned }),
      };
      const room = await store.registry.byId(roomId);
      if (room !== undefined && (await isResident(room))) await joinAsResident(room, by, content);
      else await entering.run(roomId, () => enter(roomId, by, content, via));
      return roomId;
    },

    async knock(request) {
      const { by } = request;
      const { roomId, via } = await destination(request.room, request.via);
      const content = await memberContent("knock", by.userId, request);
      const room = await store.registry.byId(roomId);
      if (room === undefined || !(await isResident(room))) {
        await remote.knock(
          roomId,
          by.userId,
          content,
          await candidateServers(room, by.userId, via),
        );
      } else {
        await partial.whole(room.nid);
        await local.send(room, memberDraft(by.userId, by.userId, content));
      }
      return roomId;
    },

    async invite(request) {
      const { by, userId, isDirect } = request;
      const room = await local.room(request.roomId);
      const content = {
        ...(await memberContent("invite", userId, request)),
        ...(isDirect === true ? { is_direct: true } : {}),
      };
      await sendInvite(room, by.userId, userId, content);
    },

    async leave(request) {
      const { by, roomId } = request;
      const room = await store.registry.byId(roomId);
      const row = room && (await membershipIn(store.sql, room.nid, by.userId));
      if (room === undefined || row === undefined)
        throw errors.forbidden("You are not in that room");
      const isOut = row.membership === "leave" || row.membership === "ban";
      if (isOut && !(await isUntold(store.sql, row.eventNid))) return;
      const content = { ...contentOf(request), membership: "leave" };
      const isBeside = row.membership !== "join" && !(await isInGraph(room, by.userId));
      if (isBeside && (await remote.leave(room, by.userId, content))) return;
      if (isOut) return;
      await local.send(room, memberDraft(by.userId, by.userId, content));
    },

    async kick(request) {
      await changeOther(request, "leave", requireKickable);
    },
    async ban(request) {
      await changeOther(request, "ban", () => {});
    },
    async unban(request) {
      await changeOther(request, "leave", (present) => {
        if (membershipOf(present) !== "ban") throw errors.forbidden("That user is not banned");
      });
    },

    async forget(by, roomId) {
      const room = await store.registry.byId(roomId);
      const row = room && (await membershipIn(store.sql, room.nid, by.userId));
      if (room === undefined || row === undefined) throw errors.notFound("You know no such room");
      if (row.membership !== "leave" && row.membership !== "ban") {
        throw errors.unknown("Leave the room before you forget it", 400);
      }
      const record = { kind: "forgotten", roomNid: room.nid, roomId, userId: by.userId } as const;
      await deps.log.append({ records: [record] });
    },

    async profileChanged(userId) {
      let profile = await profiles.get(userId);
      for (let sent: typeof profile | undefined; !isDeepStrictEqual(sent, profile);) {
        const now = profile;
        const rooms = await store.registry.byNids(await joinedRoomNids(store.sql, userId));
        // A room whose rules refuse the change keeps the old name; the other rooms still get the
        // new one.
        await Promise.allSettled(
          [...rooms.values()].map((room) =>
            local.run(room, (command) => updateMember(command, userId, now)),
          ),
        );
        sent = now;
        // If the profile was changed again meanwhile, perhaps on another replica, the rooms may now
        // have an older one.
        profile = await profiles.get(userId);
      }
    },
  };
  const byState = createMemberByState({
    store,
    local,
    operations,
    changeOther,
    invite: sendInvite,
  });
  return { ...operations, byState };

  async function destination(
    room: RoomId | RoomAlias,
    via: readonly ServerName[] = [],
  ): Promise<{ roomId: RoomId; via: ServerName[] }> {
    const named = isRoomAlias(room) ? await deps.resolveAlias(room) : { roomId: room, servers: [] };
    const { roomId, servers } = named;
    await deps.checkNotBlocked(roomId);
    return { roomId, via: [...new Set([...via, ...servers])] };
  }

  /** The user's profile, overlaid with the client's content and the membership. */
  async function memberContent(
    membership: string,
    userId: UserId,
    request: Pick<MemberChange, "reason" | "content">,
  ): Promise<JsonObject> {
    const isOurs = serverOf(userId) === serverName;
    const { displayname, avatar_url } = isOurs ? await profiles.get(userId) : {};
    return {
      ...(displayname === undefined ? {} : { displayname }),
      ...(avatar_url === undefined ? {} : { avatar_url }),
      ...contentOf(request),
      membership,
    };
  }

  /**
   * True when this server takes part in the room: a local user is joined, or no other server is.
   */
  async function isResident(room: Room): Promise<boolean> {
    if (await serverIsJoined(store.sql, room.nid, serverName)) return true;
    const hasHead = await local.run(room, async (command) => command.extremities.length > 0);
    return hasHead && (await otherServers(room)).length === 0;
  }

  /** False when the membership is not in the room's state here: the invite came out of band. */
  async function isInGraph(room: Room, userId: UserId): Promise<boolean> {
    if (!(await isResident(room))) return false;
    const present = await local.run(room, (command) => command.stateEvent("m.room.member", userId));
    const membership = membershipOf(present);
    return membership !== undefined && membership !== "leave";
  }

  async function otherServers(room: Room): Promise<ServerName[]> {
    const known = (await joinedServers(store.sql, room.nid)) as ServerName[];
    const servers = new Set([...known, ...(await partial.serversEver(room.nid))]);
    servers.delete(serverName);
    return [...servers];
  }

  /**
   * Servers through which to join: the requested ones and the inviter's. When none is requested or
   * reachable, also the last known servers in the room and those named in the invite's stripped
   * state. A client that names servers gets their answer.
   */
  async function candidateServers(
    room: Room | undefined,
    userId: UserId,
    via: readonly ServerName[],
  ): Promise<EntryServers> {
    const first = new Set(via);
    const otherwise = new Set<ServerName>();
    if (room !== undefined) {
      const [inviter, ...shown] = await candidateServersOf(store, room, userId);
      if (inviter !== undefined) first.add(inviter);
      const known = via.length > 0 ? otherwise : first;
      for (const server of [...(await otherServers(room)), ...shown]) {
        if (!first.has(server)) known.add(server);
      }
    }
    otherwise.delete(serverName);
    first.delete(serverName);
    return { first: [...first], otherwise: [...otherwise] };
  }

  /** False when another server has to authorise the join. */
  async function joinLocally(room: Room, by: Actor, content: JsonObject): Promise<boolean> {
    await partial.whole(room.nid);
    // Prepared here so that the room's other commands need not wait for it.
    await store.tuples.make([["m.room.member", by.userId]]);
    return local.run(room, async (command) => {
      const present = await command.stateEvent("m.room.member", by.userId);
      if (present?.event.content.membership === "join") return true;
      const authorisation = await authoriseJoin(store, command, serverName, by.userId);
      if (authorisation.kind === "no-authorising-user") return false;
      if (authorisation.kind === "refused" && authorisation.unknown) return false;
      const full =
        authorisation.kind === "allowed"
          ? { ...content, join_authorised_via_users_server: authorisation.authorisingUser }
          : content;
      await addLocal(command, memberDraft(by.userId, by.userId, full));
      return true;
    });
  }

  async function sendInvite(
    room: Room,
    sender: UserId,
    userId: UserId,
    content: JsonObject,
  ): Promise<EventId> {
    await partial.whole(room.nid);
    return hidingFromOutsiders(store.sql, room, sender, async () => {
      if (serverOf(userId) !== serverName) return remote.invite(room, sender, userId, content);
      await deps.invitees.check(userId);
      await store.tuples.make([["m.room.member", userId]]);
      return local.run(room, async (command) => {
        const draft = memberDraft(sender, userId, content);
        const present = await unchanged(command, draft);
        return present ?? (await addLocal(command, draft)).event.eventId;
      });
    });
  }

  /** Kick, ban, unban. `check` gets the present member event and may throw. */
  async function changeOther(
    ...[request, membership, check]: Parameters<ChangeOther>
  ): Promise<EventId> {
    const room = await local.room(request.roomId);
    await partial.whole(room.nid);
    return local.run(room, async (command) => {
      const present = await command.stateEvent("m.room.member", request.userId);
      const mine = await command.stateEvent("m.room.member", request.by.userId);
      if (mine?.event.content.membership !== "join") {
        throw errors.forbidden("You are not in that room");
      }
      check(present);
      const content = { ...contentOf(request), membership };
      const draft = memberDraft(request.by.userId, request.userId, content);
      // Another server may have missed an earlier event with the same content.
      const isOurs = serverOf(request.userId) === serverName;
      const same = isOurs ? await unchanged(command, draft) : undefined;
      return same ?? (await addLocal(command, draft)).event.eventId;
    });
  }
}

/** The client's additions to the member event. */
function contentOf({ reason, content }: Pick<MemberChange, "reason" | "content">): JsonObject {
  const own = content === undefined ? {} : clientMemberContent(content);
  return reason === undefined ? own : { ...own, reason };
}

async function updateMember(
  command: RoomCommand,
  userId: UserId,
  profile: { displayname?: string; avatar_url?: string },
): Promise<void> {
  const present = (await command.stateEvent("m.room.member", userId))?.event.content;
  if (present?.membership !== "join") return;
  const {
    displayname: oldName,
    avatar_url: oldAvatar,
    reason: _reason,
    ...content
  } = withoutServersPart(present);
  if (oldName === profile.displayname && oldAvatar === profile.avatar_url) return;
  if (profile.displayname !== undefined) content.displayname = profile.displayname;
  if (profile.avatar_url !== undefined) content.avatar_url = profile.avatar_url;
  await addLocal(command, memberDraft(userId, userId, content));
}
