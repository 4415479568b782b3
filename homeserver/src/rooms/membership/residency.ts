/** Whether this server takes part in a room, and which other servers do. */
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import { joinedServers, serverIsJoined } from "../../storage/rooms/members.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import { membershipOf } from "../records/member-events.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room } from "../api/index.ts";
import { candidateServersOf } from "./candidate-servers.ts";
import type { EntryServers } from "./remote-join.ts";

export interface ResidencyDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly partial: PartialRooms;
}

export type Residency = ReturnType<typeof createResidency>;

export function createResidency({ store, local, partial }: ResidencyDeps) {
  const { serverName } = local.identity;

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

  return { isResident, isInGraph, otherServers, candidateServers };
}
