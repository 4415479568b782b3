/** This server's aliases, and its list of published rooms. */
import { errors, MatrixError } from "../../protocol/errors.ts";
import { addLocal } from "../commands/local-drafts.ts";
import { isRoomId, isServerName, serverOf } from "../../protocol/identifiers.ts";
import type { RoomAlias, RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { historyVisibility } from "../../protocol/events/visibility.ts";
import { aliasesOfRoom, deleteAlias, findAlias, insertAlias } from "../../storage/rooms/aliases.ts";
import {
  isPublished,
  listInNetwork,
  publishRoom,
  unlistFromNetwork,
  unpublishRoom,
} from "../../storage/rooms/published-rooms.ts";
import { joinedServers } from "../../storage/rooms/members.ts";
import { powerLevelsOf } from "../commands/local-events.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import type { AliasNamespaces, DirectoryLimits } from "./directory-limits.ts";
import { isJoined, notInRoom } from "../commands/outsiders.ts";
import { listPublished } from "./published-rooms.ts";
import { IS_ARCHIVED } from "../state/blocked-rooms.ts";
import type { RoomStore } from "../state/store.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room, RoomDirectory } from "../api/index.ts";

export interface DirectoryDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly remote: Pick<RemoteRooms, "directory">;
  readonly directoryLimits: DirectoryLimits;
  /** Asks application services for an alias that is not there. */
  readonly askServices?: AliasNamespaces["ask"] | undefined;
}

export function createDirectory(deps: DirectoryDeps): RoomDirectory {
  const { store, local, remote, directoryLimits } = deps;
  const { sql } = store;
  const { serverName } = local.identity;

  return {
    async resolve(alias, asking) {
      if (serverOf(alias) === serverName) {
        const found = await resolveLocal(alias, asking);
        if (found === undefined) throw errors.notFound("There is no such alias");
        return found;
      }
      return resolveRemote(alias);
    },
    resolveLocal: (alias) => resolveLocal(alias),
    async setAlias(by, alias, roomId) {
      requireOurs(alias);
      const room = await store.registry.byId(roomId);
      if (room === undefined) throw errors.notFound("That room is not known here");
      if (by.isAdmin !== true) await refuseArchived(room);
      await directoryLimits.ensureMayMakeAlias(by, alias, roomId);
      const row = { alias, roomId, creator: by.userId, createdTs: local.identity.now() };
      if (!(await insertAlias(sql, row))) {
        throw new MatrixError(409, "M_UNKNOWN", "That alias is taken");
      }
    },
    async deleteAlias(by, alias) {
      requireOurs(alias);
      const row = await findAlias(sql, alias);
      if (row === undefined) throw errors.notFound("There is no such alias");
      directoryLimits.ensureMayName(by, alias);
      // All aliases in its namespaces are a service's own.
      if (row.creator !== by.userId && by.service === undefined && by.isAdmin !== true) {
        const room = await store.registry.byId(row.roomId as RoomId);
        if (room === undefined || !(await mayNameRoom(room, by.userId))) {
          throw errors.forbidden("The alias is another user's");
        }
      }
      await deleteAlias(sql, alias);
      await takeBack(by.userId, alias, row.roomId as RoomId);
    },
    async aliases(by, roomId) {
      const room = await store.registry.byId(roomId);
      if (room === undefined) throw notInRoom();
      const isIn = by.isAdmin === true || (await isJoined(sql, room, by.userId));
      if (!isIn && !(await isWorldReadable(room))) throw notInRoom();
      return (await aliasesOfRoom(sql, roomId)) as RoomAlias[];
    },
    async isPublished(roomId) {
      const room = await store.registry.byId(roomId);
      if (room === undefined) throw errors.notFound("That room is not known here");
      return isPublished(sql, room.nid);
    },
    async setPublished(by, roomId, published) {
      const room = await store.registry.byId(roomId);
      if (room === undefined) throw notInRoom();
      const isAdmin = by.isAdmin === true;
      if (!isAdmin && !(await isJoined(sql, room, by.userId))) throw notInRoom();
      if (!isAdmin) await refuseArchived(room);
      if (!isAdmin && !(await mayNameRoom(room, by.userId))) {
        throw errors.forbidden("Your power does not suffice to publish the room");
      }
      if (!published) return unpublishRoom(sql, room.nid);
      if (await isPublished(sql, room.nid)) return;
      await directoryLimits.ensureMayPublish(by);
      await publishRoom(sql, room.nid, by.userId, local.identity.now());
    },
    async setListed({ service, networkId }, roomId, isListed) {
      const room = await store.registry.byId(roomId);
      if (room === undefined) throw errors.notFound("That room is not known here");
      const row = { service, networkId, roomNid: room.nid };
      return isListed ? listInNetwork(sql, row) : unlistFromNetwork(sql, row);
    },
    publicRooms: (query) => listPublished(store, serverName, query),
  };

  async function resolveLocal(
    alias: RoomAlias,
    asking?: string,
  ): Promise<{ roomId: RoomId; servers: ServerName[] } | undefined> {
    let row = await findAlias(sql, alias);
    if (row === undefined && (await deps.askServices?.(alias, asking)) === true) {
      row = await findAlias(sql, alias);
    }
    if (row === undefined) return undefined;
    const room = await store.registry.byId(row.roomId as RoomId);
    const servers = room === undefined ? [] : await joinedServers(sql, room.nid);
    const others = servers.filter((server) => server !== serverName);
    // This server first, if it is in the room, or if no server is.
    const isIn = others.length < servers.length || servers.length === 0;
    const named = isIn ? [serverName, ...others] : others;
    return { roomId: row.roomId as RoomId, servers: named as ServerName[] };
  }

  async function resolveRemote(
    alias: RoomAlias,
  ): Promise<{ roomId: RoomId; servers: ServerName[] }> {
    const answer = await remote.directory(serverOf(alias), alias).catch((error: unknown) => {
      if (error instanceof MatrixError && error.status === 404) {
        throw errors.notFound("There is no such alias");
      }
      throw errors.notFound(`${serverOf(alias)} could not be asked for the alias`);
    });
    if (!isRoomId(answer.room_id)) throw errors.notFound("There is no such alias");
    const listed = Array.isArray(answer.servers)
      ? answer.servers.slice(0, 100).filter(isServerName)
      : [];
    return { roomId: answer.room_id, servers: [...new Set([...listed, serverOf(alias)])] };
  }

  /**
   * Removes a deleted alias from m.room.canonical_alias, if the deleting user may send that event.
   */
  async function takeBack(userId: UserId, alias: RoomAlias, roomId: RoomId): Promise<void> {
    const room = await store.registry.byId(roomId);
    if (room === undefined || !(await mayNameRoom(room, userId))) return;
    await local.run(room, async (command) => {
      const present = await command.stateEvent("m.room.canonical_alias", "");
      const content = present && withoutAlias(present.event.content, alias);
      if (content === undefined) return;
      const draft = { type: "m.room.canonical_alias", stateKey: "", sender: userId, content };
      await addLocal(command, draft);
    });
  }

  /** @throws MatrixError M_FORBIDDEN 403 */
  async function refuseArchived(room: Room): Promise<void> {
    const isArchived = await local.run(room, async (command) => command.isArchived);
    if (isArchived) throw errors.forbidden(IS_ARCHIVED);
  }

  function requireOurs(alias: RoomAlias): void {
    if (serverOf(alias) === serverName) return;
    throw errors.invalidParam(`Aliases of this server end in :${serverName}`);
  }

  /** Whether the user is joined and has the power to send m.room.canonical_alias. */
  async function mayNameRoom(room: Room, userId: UserId): Promise<boolean> {
    return local.run(room, async (command) => {
      const member = await command.stateEvent("m.room.member", userId);
      if (command.isArchived) return false;
      if (member?.event.content.membership !== "join") return false;
      const levels = await powerLevelsOf(command);
      return levels.userLevel(userId) >= levels.required("m.room.canonical_alias", true);
    });
  }

  async function isWorldReadable(room: Room): Promise<boolean> {
    const visibility = await local.run(room, (command) =>
      command.stateEvent("m.room.history_visibility", ""),
    );
    return historyVisibility(visibility?.event) === "world_readable";
  }
}

/** The content without the alias; undefined when it does not contain it. */
function withoutAlias(content: JsonObject, alias: RoomAlias): JsonObject | undefined {
  const { alias: main, alt_aliases: others, ...rest } = content;
  const isAmong = Array.isArray(others) && others.includes(alias);
  if (main !== alias && !isAmong) return undefined;
  const left = Array.isArray(others) ? others.filter((other) => other !== alias) : [];
  return {
    ...rest,
    ...(main === alias || main === undefined ? {} : { alias: main }),
    ...(left.length === 0 ? {} : { alt_aliases: left }),
  };
}
