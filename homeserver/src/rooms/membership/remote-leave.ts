/** Leaving rooms, and knocking on rooms, that this server is not in. */
import type { Logger } from "../../platform/logger.ts";
import { buildEvent } from "../../protocol/events/build-event.ts";
import { errors } from "../../protocol/errors.ts";
import { referenceHash } from "../../protocol/events/event.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { ROOM_VERSION_IDS } from "../../protocol/room-versions.ts";
import { strippedState } from "../../protocol/events/client-event.ts";
import { membershipIn } from "../../storage/rooms/members.ts";
import { candidateServersOf } from "./candidate-servers.ts";
import { claimedRoom, fromTemplate, tryEach } from "./remote-join.ts";
import type { RemoteMembership } from "./remote-membership.ts";
import type { OutOfBand } from "../commands/out-of-band.ts";
import type { RoomStore } from "../state/store.ts";
import { shownByOther } from "./remote-stripped-state.ts";
import { listIn } from "../fetching/state-events.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import type { Identity } from "../commands/drafting.ts";

/** Servers that are asked one after another while the user waits. */
const MAX_SERVERS = 5;

export interface LeaveRemoteDeps {
  readonly store: RoomStore;
  readonly identity: Identity;
  readonly outOfBand: OutOfBand;
  readonly remote: RemoteRooms;
  readonly keyRing: EventKeys;
  readonly logger: Logger;
}

export function createLeaveRemote(
  deps: LeaveRemoteDeps,
): Pick<RemoteMembership, "leave" | "knock"> {
  const { store, identity, outOfBand, remote, logger } = deps;

  return {
    async leave(known, userId, content) {
      const row = await membershipIn(store.sql, known.nid, userId);
      const member = row && (await store.events.one(row.eventNid));
      // The room version of the invite: the room's own is not settled.
      const version = member?.event.version ?? known.version;
      const since = row?.eventNid ?? 0;
      const room = { ...known, version };
      const servers = await candidateServers(room, userId);
      try {
        return await tryEach(
          { first: servers },
          (server) => leaveBy(server, room, userId, content, since),
          logger,
        );
      } catch (error) {
        // The user had left before, but the other server does not know.
        if (row?.membership === "leave") return true;
        // The other server is gone, or has forgotten the invite: the user still gets rid of it.
        logger.info({ err: error, room: room.roomId }, "left without the other server");
        return leaveAlone(room, userId, content, member);
      }
    },
    async knock(roomId, userId, content, servers) {
      const known = await store.registry.byId(roomId);
      const row = known && (await membershipIn(store.sql, known.nid, userId));
      const since = row?.eventNid ?? 0;
      await tryEach(
        servers,
        async (server) => {
          const template = await remote.makeKnock(server, roomId, userId, ROOM_VERSION_IDS);
          const { event, version } = fromTemplate(identity, template, roomId, userId, content);
          const answer = await remote.sendKnock(server, roomId, event.eventId, event.pdu);
          const room = await claimedRoom(store, roomId, version, identity.now());
          const entries = listIn(answer, "knock_room_state");
          const shown = await shownByOther(deps.keyRing, entries, { roomId, version });
          const all = [...shown, strippedState(event)];
          const how = { shown: all, origin: server, handedOver: true, since };
          await outOfBand.store(room, event, userId, how);
        },
        logger,
      );
    },
  };

  async function candidateServers(room: Room, userId: UserId): Promise<ServerName[]> {
    const servers = await candidateServersOf(store, room, userId);
    return servers.filter((name) => name !== identity.serverName).slice(0, MAX_SERVERS);
  }

  async function leaveBy(
    server: ServerName,
    room: Room,
    userId: UserId,
    content: JsonObject,
    since: number,
  ): Promise<boolean> {
    const answer = await remote.makeLeave(server, room.roomId, userId);
    const template = { room_version: room.version.id, ...answer };
    const { event, version } = fromTemplate(identity, template, room.roomId, userId, content);
    if (version !== room.version) {
      throw errors.unknown("The other server says another version of that room", 502);
    }
    await remote.sendLeave(server, room.roomId, event.eventId, event.pdu);
    const how = { shown: null, origin: server, handedOver: true, since };
    return outOfBand.store(room, event, userId, how);
  }

  /** A leave event of this server that no other server gets. */
  async function leaveAlone(
    room: Room,
    userId: UserId,
    content: JsonObject,
    member: StoredEvent | undefined,
  ): Promise<boolean> {
    const prev = member === undefined ? [] : [member.event];
    const event = buildEvent(
      {
        roomId: room.roomId,
        type: "m.room.member",
        stateKey: userId,
        sender: userId,
        content,
        depth: (member?.event.depth ?? 0) + 1,
        originServerTs: identity.now(),
        prevEventIds: prev.map((one) => one.eventId),
        authEventIds: prev.map((one) => one.eventId),
        referenceHashes: new Map(prev.map((one) => [one.eventId, referenceHash(one)])),
      },
      room.version,
      identity.serverName,
      identity.signingKey,
    );
    return outOfBand.store(room, event, userId, { shown: null });
  }
}
