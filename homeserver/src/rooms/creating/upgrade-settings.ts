/**
 * Copies a user's room settings (tags, push rules, direct chats) when they follow an upgraded room
 * to its successor.
 */
import type { RoomSettings } from "../../users/data/room-settings.ts";
import type { EventRecord } from "../../log/types.ts";
import { isRoomId, serverOf } from "../../protocol/identifiers.ts";
import type { RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import { isJsonObject } from "../../protocol/json.ts";
import type { Room, RoomView } from "../api/index.ts";

export interface UpgradeSettingsDeps {
  readonly view: RoomView;
  readonly serverName: ServerName;
  readonly settings: RoomSettings;
}

/**
 * A reader of the log. It acts when a local user joins a room whose predecessor's tombstone points
 * to it, and when that tombstone arrives after the user joined. Copying twice changes nothing.
 */
export function createUpgradeSettings(deps: UpgradeSettingsDeps) {
  const { view, settings } = deps;
  const isLocal = (userId: UserId): boolean => serverOf(userId) === deps.serverName;

  /**
   * The room that this one replaces, if both sides say so: anybody can create a room that claims to
   * be a successor.
   */
  async function predecessorOf(room: Room): Promise<Room | undefined> {
    const create = await view.currentStateEvent(room.nid, "m.room.create", "");
    const predecessor = create?.event.content.predecessor;
    const roomId = isJsonObject(predecessor) ? predecessor.room_id : undefined;
    const old = isRoomId(roomId) ? await view.room(roomId) : undefined;
    return old !== undefined && (await successorOf(old)) === room.roomId ? old : undefined;
  }

  async function successorOf(old: Room): Promise<unknown> {
    const pointer = await view.currentStateEvent(old.nid, "m.room.tombstone", "");
    return pointer?.event.content.replacement_room;
  }

  async function wasIn(userId: UserId, root: EventRecord["stateBefore"]): Promise<boolean> {
    const [member] = await view.stateEventsAt(root, [["m.room.member", userId]]);
    return member?.event.content.membership === "join";
  }

  async function userJoined(record: EventRecord, userId: UserId): Promise<void> {
    if (await wasIn(userId, record.stateBefore)) return;
    const room = await view.room(record.roomId as RoomId);
    const old = room && (await predecessorOf(room));
    if (room && old) await settings.copy(userId, old.roomId, room.roomId);
  }

  async function roomTombstoned(record: EventRecord): Promise<void> {
    const next = record.event.content.replacement_room;
    const room = isRoomId(next) ? await view.room(next) : undefined;
    const old = room && (await predecessorOf(room));
    if (!room || old?.roomId !== record.roomId) return;
    for (const userId of (await view.joinedMembers(room.nid)).filter(isLocal)) {
      await settings.copy(userId, old.roomId, room.roomId);
    }
  }

  return async function take(records: readonly EventRecord[]): Promise<void> {
    for (const record of records) {
      if (record.status !== "accepted") continue;
      const { type, stateKey, content } = record.event;
      if (type === "m.room.tombstone" && stateKey === "") await roomTombstoned(record);
      if (type !== "m.room.member" || content.membership !== "join") continue;
      if (isLocal(stateKey as UserId)) await userJoined(record, stateKey as UserId);
    }
  };
}
