/** How users of this server enter a room: joins and knocks, here or through another server. */
import { createKeyedQueue } from "../../platform/keyed-queue.ts";
import { errors } from "../../protocol/errors.ts";
import { isRoomAlias } from "../../protocol/identifiers.ts";
import type { RoomAlias, RoomId, ServerName } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { addLocal } from "../commands/local-drafts.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import { memberDraft } from "../records/member-events.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import type { CheckNotBlocked } from "../state/blocked-rooms.ts";
import type { RoomStore } from "../state/store.ts";
import type { Actor, Room, RoomDirectory, RoomMembers } from "../api/index.ts";
import type { MemberContent } from "./member-content.ts";
import type { RemoteMembership } from "./remote-membership.ts";
import type { Residency } from "./residency.ts";
import { serversThatMayAuthorise, authoriseJoin } from "./restricted-joins.ts";

export interface EnteringDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly partial: PartialRooms;
  readonly residency: Residency;
  readonly remote: Pick<RemoteMembership, "join" | "knock">;
  readonly memberContent: MemberContent;
  readonly resolveAlias: RoomDirectory["resolve"];
  readonly checkNotBlocked: CheckNotBlocked;
}

/** Who joins, with what member event. */
interface Entry {
  readonly by: Actor;
  readonly content: JsonObject;
  readonly originServerTs?: number | undefined;
}

export function createEntering(deps: EnteringDeps): Pick<RoomMembers, "join" | "knock"> {
  const { store, local, partial, remote, memberContent } = deps;
  const { isResident, otherServers, candidateServers } = deps.residency;
  const { serverName } = local.identity;
  /** Serialises joins of a room: the second user finds this server in the room. */
  const entering = createKeyedQueue<RoomId>();

  async function enter(roomId: RoomId, entry: Entry, via: ServerName[]) {
    const room = await store.registry.byId(roomId);
    if (room !== undefined && (await isResident(room))) return joinAsResident(room, entry);
    const { by, content } = entry;
    await remote.join(roomId, by.userId, content, await candidateServers(room, by.userId, via));
  }

  async function joinAsResident(room: Room, entry: Entry): Promise<void> {
    if (await joinLocally(room, entry)) return;
    const { by, content } = entry;
    const others = await otherServers(room);
    if (others.length === 0) throw errors.forbidden("Nobody in the room can let you in");
    const first = await local.run(room, serversThatMayAuthorise);
    const asked = [...others.filter((name) => first.has(name)), ...others];
    await remote.join(room.roomId, by.userId, content, { first: [...new Set(asked)] });
  }

  /** False when another server has to authorise the join. */
  async function joinLocally(room: Room, { by, content, originServerTs }: Entry): Promise<boolean> {
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
      await addLocal(command, memberDraft(by.userId, by.userId, full, originServerTs));
      return true;
    });
  }

  async function destination(
    by: Actor,
    room: RoomId | RoomAlias,
    via: readonly ServerName[] = [],
  ): Promise<{ roomId: RoomId; via: ServerName[] }> {
    const named = isRoomAlias(room)
      ? await deps.resolveAlias(room, by.service?.id)
      : { roomId: room, servers: [] };
    const { roomId, servers } = named;
    await deps.checkNotBlocked(roomId);
    return { roomId, via: [...new Set([...via, ...servers])] };
  }

  return {
    async join(request) {
      const { by, thirdPartySigned } = request;
      const { roomId, via } = await destination(by, request.room, request.via);
      const content: JsonObject = {
        ...(await memberContent("join", by.userId, request)),
        ...(thirdPartySigned === undefined ? {} : { third_party_signed: thirdPartySigned }),
      };
      const entry = { by, content, originServerTs: request.originServerTs };
      const room = await store.registry.byId(roomId);
      if (room !== undefined && (await isResident(room))) await joinAsResident(room, entry);
      else await entering.run(roomId, () => enter(roomId, entry, via));
      return roomId;
    },

    async knock(request) {
      const { by } = request;
      const { roomId, via } = await destination(by, request.room, request.via);
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
        const draft = memberDraft(by.userId, by.userId, content, request.originServerTs);
        await local.send(room, draft);
      }
      return roomId;
    },
  };
}
