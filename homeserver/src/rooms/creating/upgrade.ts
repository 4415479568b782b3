/** POST /rooms/{roomId}/upgrade (client-server API, "Room Upgrades", server behaviour). */
import { errors, MatrixError } from "../../protocol/errors.ts";
import { addLocal } from "../commands/local-drafts.ts";
import { isRoomId, isUserId } from "../../protocol/identifiers.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { parseLevel, PowerLevels } from "../../protocol/events/power-levels.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { dropUpgrade, endUpgrade, noteUpgrade } from "../../storage/rooms/aliases.ts";
import { membershipIn } from "../../storage/rooms/members.ts";
import { transaction } from "../../storage/transaction.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import { IS_ARCHIVED } from "../state/blocked-rooms.ts";
import type { FirstState, RoomMaker } from "./room-maker.ts";
import type { RoomStore } from "../state/store.ts";
import { allowedVersion, type RoomRules } from "./room-rules.ts";
import { transferredLevels } from "./transferred-levels.ts";
import { transferredContent } from "./transferred-state.ts";
import type {
  Actor,
  MemberProfiles,
  Room,
  RoomCreate,
  RoomUpgrades,
  StoredEvent,
} from "../api/index.ts";
import type { RoomCommand } from "../commands/room-command.ts";

export interface UpgradeDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly maker: RoomMaker;
  readonly profiles: MemberProfiles;
  readonly partial: PartialRooms;
  readonly rules: RoomRules;
}

const COPIED = [
  "m.room.server_acl",
  "m.room.encryption",
  "m.room.name",
  "m.room.avatar",
  "m.room.topic",
  "m.room.guest_access",
  "m.room.history_visibility",
  "m.room.join_rules",
];

/** The parts of the old room that the upgrade reads. */
interface OldRoom {
  readonly state: ReadonlyMap<string, StoredEvent>;
  readonly lastEventId: string | undefined;
}

export function createUpgrade(
  deps: UpgradeDeps,
): Pick<RoomCreate, "upgrade"> & { readonly upgrades: RoomUpgrades } {
  const { store, local, maker, profiles, partial, rules } = deps;
  const { sql } = store;

  return {
    upgrades: {
      async tombstoned(records) {
        for (const { event, local: isLocal, status, roomNid: nid, roomId } of records) {
          if (!isLocal || status !== "accepted") continue;
          if (event.type !== "m.room.tombstone" || event.stateKey !== "") continue;
          const next = event.content.replacement_room;
          if (isRoomId(next)) await end({ nid, roomId }, next);
        }
      },
    },

    async upgrade(by, roomId, newVersion, additionalCreators = []) {
      const version = allowedVersion(rules, newVersion);
      const old = await roomOf(by, roomId);
      await partial.whole(old.nid);
      const found = await local.run(old, (command) => readOld(command, by));
      const room = await maker.make({
        creator: by.userId,
        version,
        createContent: createContent(old, found, version, additionalCreators),
        joinContent: { membership: "join", ...(await profiles.get(by.userId)) },
        state: transferred(found, version, by, additionalCreators),
      });
      await noteUpgrade(sql, old.nid, room.nid);
      try {
        await local.run(old, (command) => close(command, by, room, found));
      } catch (error) {
        // Whatever else went wrong: the room may be closed nevertheless.
        const isRefused = error instanceof MatrixError && error.status < 500;
        if (isRefused) await dropUpgrade(sql, old.nid, room.nid);
        throw error;
      }
      await end(old, room.roomId);
      return room.roomId;
    },
  };

  /** M_NOT_FOUND for users who were never in the room, whether or not it exists. */
  async function roomOf(by: Actor, roomId: RoomId): Promise<Room> {
    const room = await store.registry.byId(roomId);
    const row = room && (await membershipIn(store.sql, room.nid, by.userId));
    if (room === undefined || row === undefined) throw errors.notFound("You know no such room");
    return room;
  }

  /** After the tombstone: by whoever made the upgrade, or whoever follows the log after a stop. */
  function end(old: { readonly nid: number; readonly roomId: string }, next: RoomId) {
    return transaction(sql, (tx) => endUpgrade(tx, old, next));
  }
}

async function readOld(command: RoomCommand, by: Actor): Promise<OldRoom> {
  // Before the new room is made: the old one could not be closed.
  if (command.isArchived) throw errors.forbidden(IS_ARCHIVED);
  const types = ["m.room.create", "m.room.power_levels", "m.room.canonical_alias", ...COPIED];
  const keys = types.map((type) => [type, ""] as const);
  const state = await command.state([...keys, ["m.room.member", by.userId]]);
  const levels = levelsOf(state, command.room.version);
  const member = state.get(stateTuple("m.room.member", by.userId))?.event.content.membership;
  const needed = levels.required("m.room.tombstone", true);
  if (member !== "join" || levels.userLevel(by.userId) < needed) {
    throw errors.forbidden("Your power does not suffice to upgrade the room");
  }
  return { state, lastEventId: command.extremities[0]?.event.eventId };
}

function levelsOf(state: OldRoom["state"], version: RoomVersion): PowerLevels {
  return PowerLevels.of(
    state.get(stateTuple("m.room.power_levels", ""))?.event,
    state.get(stateTuple("m.room.create", ""))?.event,
    version,
  );
}

function createContent(
  old: Room,
  found: OldRoom,
  version: RoomVersion,
  additionalCreators: readonly string[],
): JsonObject {
  const before = found.state.get(stateTuple("m.room.create", ""))?.event.content;
  const predecessor: JsonObject = { room_id: old.roomId };
  if (!version.roomIdIsCreateHash && found.lastEventId !== undefined) {
    predecessor.event_id = found.lastEventId;
  }
  const content: JsonObject = { predecessor };
  if (typeof before?.type === "string") content.type = before.type;
  if (before?.["m.federate"] === false) content["m.federate"] = false;
  if (version.privilegedCreators && additionalCreators.length > 0) {
    content.additional_creators = additionalCreators.map((creator) => {
      if (!isUserId(creator)) throw errors.invalidParam("additional_creators holds no user id");
      return creator;
    });
  }
  return content;
}

/**
 * The state to copy. The power levels come last: until then the creator may set everything,
 * afterwards only what the old room allowed.
 */
function transferred(
  found: OldRoom,
  version: RoomVersion,
  by: Actor,
  additionalCreators: readonly string[],
): FirstState[] {
  const at = (type: string) => found.state.get(stateTuple(type, ""))?.event;
  const state = [...COPIED, "m.room.canonical_alias"].flatMap((type): FirstState[] => {
    const event = at(type);
    if (event === undefined) return [];
    return [{ type, stateKey: "", content: transferredContent(type, event.content, version) }];
  });
  const old = { create: at("m.room.create"), content: at("m.room.power_levels")?.content };
  const content = transferredLevels(old, version, [by.userId, ...additionalCreators]);
  const type = "m.room.power_levels";
  return [...state, { type, stateKey: "", content: transferredContent(type, content, version) }];
}

/**
 * Sends the tombstone, and raises the levels of the old room so that nobody sends messages or
 * invites there.
 */
async function close(command: RoomCommand, by: Actor, room: Room, found: OldRoom): Promise<void> {
  await addLocal(command, {
    type: "m.room.tombstone",
    stateKey: "",
    sender: by.userId,
    content: { body: "This room has been replaced", replacement_room: room.roomId },
  });
  const levels = levelsOf(found.state, command.room.version);
  const old = found.state.get(stateTuple("m.room.power_levels", ""))?.event.content;
  if (old === undefined) return;
  if (levels.userLevel(by.userId) < levels.required("m.room.power_levels", true)) return;
  const level = (key: string) => parseLevel(old[key], command.room.version) ?? 0;
  const quiet = Math.max(50, level("users_default") + 1);
  if (levels.userLevel(by.userId) < quiet) return;
  // Never lowered: a room where only admins may talk stays one.
  const content = {
    ...old,
    events_default: Math.max(quiet, level("events_default")),
    invite: Math.max(quiet, level("invite")),
  };
  const quieter = { type: "m.room.power_levels", stateKey: "", sender: by.userId, content };
  // Best effort: the room's current power levels may be invalid by today's rules.
  await addLocal(command, quieter).catch((error: unknown) => {
    if (!(error instanceof MatrixError)) throw error;
  });
}
