import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { RoomView } from "../../rooms/api/index.ts";
import { isWantedInvite, type UserPreferences } from "../users/preferences.ts";
import type { SyncingUser, SyncingUserRoom } from "../users/syncing-user.ts";

export interface ListedRoomsDeps {
  readonly view: RoomView;
  readonly preferences: Pick<UserPreferences, "inviteVerdict">;
}

const ENDS_KEPT = 100_000;
const isOut = ({ membership }: SyncingUserRoom) => membership === "leave" || membership === "ban";

/**
 * Rooms that the user is not in and that still are in lists: those that others put the user out of,
 * and invites that are wanted.
 */
export function createListedRooms({ view, preferences }: ListedRoomsDeps) {
  /** By the nid of the member event: who invites. */
  const inviters = new LRUCache<number, string>(atMost(ENDS_KEPT));
  /** By the nid of the member event: whether somebody else put the user out of the room. */
  const putOut = new LRUCache<number, boolean>(atMost(ENDS_KEPT));

  async function wasPutOut(userId: UserId, userRoom: SyncingUserRoom): Promise<boolean> {
    const { roomNid, membership, eventNid, position, isForgotten: forgotten } = userRoom;
    const own = (await view.events([eventNid])).get(eventNid);
    if (own === undefined || own.event.sender === userId) return false;
    const row = { roomNid, userId, membership, eventNid, position, forgotten };
    return (await view.endOfMembership(row)) !== undefined;
  }

  async function wantedInvites(
    userId: UserId,
    invites: readonly SyncingUserRoom[],
    ignored: ReadonlySet<string>,
  ): Promise<number[]> {
    const nids = invites.map(({ eventNid }) => eventNid);
    if (invites.length === 0) return [];
    const unknown = nids.filter((nid) => !inviters.has(nid));
    const events = unknown.length === 0 ? undefined : await view.events(unknown);
    for (const [nid, { event }] of events ?? []) inviters.set(nid, event.sender);
    const wanted: number[] = [];
    for (const nid of nids) {
      const sender = inviters.get(nid) ?? "";
      if (await isWantedInvite(preferences, { userId, ignored }, sender)) wanted.push(nid);
    }
    return wanted;
  }

  return {
    /** The nids of the member events of such rooms. */
    async of(
      { userId, rooms }: SyncingUser,
      ignored: ReadonlySet<string>,
    ): Promise<ReadonlySet<number>> {
      const invites: SyncingUserRoom[] = [];
      const ended: SyncingUserRoom[] = [];
      for (const userRoom of rooms.values()) {
        if (userRoom.membership === "invite") invites.push(userRoom);
        else if (isOut(userRoom) && !userRoom.isForgotten) ended.push(userRoom);
      }
      const listed = new Set(await wantedInvites(userId, invites, ignored));
      await Promise.all(
        ended.map(async (userRoom) => {
          let known = putOut.get(userRoom.eventNid);
          if (known === undefined) {
            known = await wasPutOut(userId, userRoom);
            putOut.set(userRoom.eventNid, known);
          }
          if (known) listed.add(userRoom.eventNid);
        }),
      );
      return listed;
    },
  };
}

export type ListedRooms = ReturnType<typeof createListedRooms>;
