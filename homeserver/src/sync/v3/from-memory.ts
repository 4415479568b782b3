import { matchesRoom, type SyncFilter } from "../../protocol/filter.ts";
import type { RoomView } from "../../rooms/api/index.ts";
import { joinedRoomText } from "./joined-room-text.ts";
import type { SentMembers } from "../sections/lazy-members.ts";
import type { SharedTimeline, SharedTimelines } from "../sections/shared-timelines.ts";
import { type DeviceKeyCounts, keyCountsText } from "../sections/key-counts.ts";
import { deviceChangedAt } from "../users/syncing-user.ts";
import type { SyncingUserRoom } from "../users/syncing-user.ts";
import { syncText } from "./response.ts";
import { DEFAULT_TIMELINE_LIMIT, isHidden, type Scope } from "../sections/scope.ts";
import type { RecentEvents } from "../recent/recent-events.ts";
import type { UnreadCounts } from "../../notifications/unread.ts";

/**
 * The most common sync, answered without a promise: the client is a few messages behind, and
 * nothing else concerned it since. Everything is in memory, and what is the same for all members of
 * a room is rendered once (`SharedTimeline`). Anything beyond that gives undefined and is computed
 * in full; both ways give the same answer. So new kinds of changes need no code here.
 */
export function createFromMemory(deps: {
  readonly view: RoomView;
  readonly recentEvents: RecentEvents;
  readonly sharedTimelines: SharedTimelines;
  readonly unread: UnreadCounts;
  readonly sent: SentMembers;
  readonly keyCounts: Pick<DeviceKeyCounts, "peekCounts">;
}) {
  const { recentEvents } = deps;

  /**
   * The room's text; null when there is nothing new, undefined when only the full computation can
   * tell.
   */
  function room(scope: Scope, userRoom: SyncingUserRoom): string | null | undefined {
    if (userRoom.membership !== "join" || isHidden(scope, userRoom)) return null;
    const { position } = scope.since!;
    const { roomNid } = userRoom;
    const limit = scope.filter.room.timeline.limit ?? DEFAULT_TIMELINE_LIMIT;
    const range = recentEvents.peek(roomNid, position, scope.upTo.position, limit);
    if (!range) return undefined;
    if (range.nids.length === 0 && !range.limited) return null;
    const shared = deps.sharedTimelines(roomNid, range);
    return shared && joinedRoom(scope, userRoom, shared);
  }

  function joinedRoom(
    scope: Scope,
    { roomNid }: SyncingUserRoom,
    shared: SharedTimeline,
  ): string | undefined {
    const { userId, since, upTo, device, filter } = scope;
    if (shared.senders.has(userId)) return undefined;
    const after = since!.position;
    const unread = deps.unread.peek(userId, roomNid, upTo.position, after, shared);
    if (!unread) return undefined;
    const { lazyLoadMembers, includeRedundantMembers } = filter.room.state;
    let state: readonly string[] = [];
    if (lazyLoadMembers) {
      const delivery = { device, roomNid, since: after, upTo: upTo.position };
      const unsent = deps.sent.takeUnsent(delivery, shared.members);
      // With them come their profiles.
      if (scope.profileFields !== undefined && unsent.length > 0) return undefined;
      state = deps.view.presentState(includeRedundantMembers ? shared.members : unsent);
    }
    const none = { summary: undefined, ephemeral: [], accountData: [], sticky: [] };
    return joinedRoomText(scope, { ...none, state, timeline: shared.text, unread });
  }

  /** The body; undefined when the sync must be computed in full. The scope must have a `since`. */
  return function fromMemory(scope: Scope): string | undefined {
    const { user, since, filter } = scope;
    if (scope.fullState || scope.ignored.size > 0 || !isPlain(filter)) return undefined;
    if (user.nonMessageAt > since!.position || scope.deviceListsMayDiffer) return undefined;
    if (scope.profileFields !== undefined && scope.profilesMayDiffer) return undefined;
    // Messages for the device, and its keys.
    if (since!.toDevice !== undefined) return undefined;
    if (deviceChangedAt(user, scope.deviceId) > since!.position) return undefined;
    const counts = deps.keyCounts.peekCounts(scope);
    if (counts === undefined) return undefined;
    // Typing and presence.
    if (user.ephemeralAt > since!.ephemeral) return undefined;
    const joined: string[] = [];
    for (const userRoom of user.rooms.values()) {
      if (!matchesRoom(filter.room, userRoom.roomId)) continue;
      const text = room(scope, userRoom);
      if (text === null) continue;
      if (text === undefined) return undefined;
      joined.push(`${JSON.stringify(userRoom.roomId)}:${text}`);
    }
    if (joined.length === 0) return undefined;
    // Ephemeral data was not examined beyond the client's own token.
    const upTo = { position: scope.upTo.position, ephemeral: since!.ephemeral };
    const rooms = `{"join":{${joined.join(",")}}}`;
    return syncText({ rooms, keyCounts: keyCountsText(counts), upTo });
  };
}

export type FromMemory = ReturnType<typeof createFromMemory>;

/** Filters that leave nothing out of a room and change nothing in the events. */
const plain = new WeakMap<SyncFilter, boolean>();

function isPlain(filter: SyncFilter): boolean {
  let known = plain.get(filter);
  if (known === undefined) {
    const { timeline, state, ephemeral, accountData } = filter.room;
    known =
      filter.eventFormat === "client" &&
      filter.eventFields === undefined &&
      [timeline, state, ephemeral, accountData].every((part) => part.admitsAll);
    plain.set(filter, known);
  }
  return known;
}
