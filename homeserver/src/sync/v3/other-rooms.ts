import { matchesEvent } from "../../protocol/filter.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type {
  Membership,
  VisibleEvent,
  Room,
  RoomView,
  StateRoot,
  StoredEvent,
} from "../../rooms/api/index.ts";
import type { SyncingUserRoom } from "../users/syncing-user.ts";
import type { Present } from "../sections/present.ts";
import { JsonText, eventsJson } from "../sections/json-text.ts";
import { DEFAULT_TIMELINE_LIMIT, type Scope } from "../sections/scope.ts";
import type { StateSection } from "../sections/state-section.ts";
import { isWantedInvite, type UserPreferences } from "../users/preferences.ts";
import type { RecentEvents } from "../recent/recent-events.ts";
import { timelineJson, type Timeline, type Timelines } from "../sections/timeline.ts";

export interface OtherRoomsDeps {
  readonly view: RoomView;
  readonly recentEvents: RecentEvents;
  readonly timelines: Timelines;
  readonly stateSection: StateSection;
  readonly present: Present;
  readonly preferences: Pick<UserPreferences, "inviteVerdict">;
}

/** Rooms that the user is not joined to: invites, knocks, and rooms left or banned from. */
export function createOtherRooms(deps: OtherRoomsDeps) {
  const { view } = deps;

  async function joinedAt(root: StateRoot, userId: UserId): Promise<boolean> {
    const [member] = await view.stateEventsAt(root, [["m.room.member", userId]]);
    return member?.event.content.membership === "join";
  }

  /** True when the user was in the room at the client's token. */
  async function wasJoined(scope: Scope, userRoom: SyncingUserRoom): Promise<boolean> {
    if (!scope.since) return false;
    return joinedAt(
      await deps.recentEvents.rootAt(userRoom.roomNid, scope.since.position),
      scope.userId,
    );
  }

  /**
   * A room that the user never joined (a rejected or withdrawn invite, a ban), or has forgotten:
   * only its end.
   */
  async function departureText(
    scope: Scope,
    own: StoredEvent | undefined,
    { roomNid, position: upTo }: SyncingUserRoom,
  ): Promise<string> {
    const membership = own?.event.content.membership;
    const isOut = membership === "leave" || membership === "ban";
    const isShown = isOut && matchesEvent(scope.filter.room.timeline, own!.event);
    const shown = isShown ? [{ stored: own!, membership: membership as Membership }] : [];
    const timeline = { events: shown, limited: false, afterGap: false };
    const range = { roomNid, upTo };
    return text(scope, [], await timelineJson(deps.present, scope, timeline, range));
  }

  /**
   * The event that ended a membership which the client must learn of, and up to which position it
   * sees the room.
   */
  async function endOfMembership(
    scope: Scope,
    userRoom: SyncingUserRoom,
    isKnown: boolean,
  ): Promise<{ readonly nid: number; readonly upTo: number } | undefined> {
    if (userRoom.isForgotten) return undefined;
    const { roomNid, membership, eventNid, position, isForgotten: forgotten } = userRoom;
    const row = { roomNid, userId: scope.userId, membership, eventNid, position, forgotten };
    const end = await view.endOfMembership(row);
    if (end === undefined) return undefined;
    const endedAt = end.position ?? position;
    if (endedAt > (scope.since?.position ?? 0)) return { nid: end.nid, upTo: endedAt };
    // An older event may have become effective only now.
    return isKnown ? { nid: end.nid, upTo: position } : undefined;
  }

  /** The invite was hidden, and so is its withdrawal. */
  async function isHidden(scope: Scope, own: StoredEvent | undefined): Promise<boolean> {
    if (own === undefined || own.event.content.membership !== "leave") return false;
    if (own.event.sender === scope.userId) return false;
    return !(await isWantedInvite(deps.preferences, scope, own.event.sender));
  }

  /** What happened to the user after the membership ended. */
  function laterEvents(scope: Scope, own: StoredEvent): VisibleEvent[] {
    const { timeline } = scope.filter.room;
    if (timeline.limit === 0 || !matchesEvent(timeline, own.event)) return [];
    return [{ stored: own, membership: own.event.content.membership as Membership }];
  }

  /** The part of the timeline that fits beside the later events. */
  function withinLimit(
    scope: Scope,
    whileJoined: Timeline,
    later: readonly VisibleEvent[],
  ): Timeline {
    const room = (scope.filter.room.timeline.limit ?? DEFAULT_TIMELINE_LIMIT) - later.length;
    if (whileJoined.events.length <= room) return whileJoined;
    const events = room <= 0 ? [] : whileJoined.events.slice(-room);
    return { events, limited: true, afterGap: false };
  }

  async function text(
    scope: Scope,
    state: readonly StoredEvent[],
    timeline: string,
  ): Promise<string> {
    return new JsonText()
      .member(scope.stateAfter ?? "state", eventsJson(await deps.present.state(scope, state)))
      .member("timeline", timeline)
      .member("account_data", eventsJson([]))
      .toString();
  }

  return {
    /** `rooms.invite` or `rooms.knock`: the stripped state. */
    async pending(scope: Scope, userRoom: SyncingUserRoom): Promise<string> {
      const events = await view.strippedState(userRoom.roomNid, scope.userId);
      const key = userRoom.membership === "invite" ? "invite_state" : "knock_state";
      return JSON.stringify({ [key]: { events } });
    },

    /**
     * `rooms.leave`: the timeline and state up to the end of the user's membership. Later events
     * about the user (a ban, an invite that came to nothing) are shown alone. Undefined: nothing to
     * show.
     */
    async left(scope: Scope, room: Room, userRoom: SyncingUserRoom): Promise<string | undefined> {
      const own = (await view.events([userRoom.eventNid])).get(userRoom.eventNid);
      const isKnown = await wasJoined(scope, userRoom);
      const end = await endOfMembership(scope, userRoom, isKnown);
      if (end === undefined) {
        const isHiddenInvite = !userRoom.isForgotten && (await isHidden(scope, own));
        return isHiddenInvite ? undefined : departureText(scope, own, userRoom);
      }
      const { upTo } = end;
      const whileJoined = await deps.timelines(scope, {
        roomNid: room.nid,
        after: isKnown || scope.onlyNews ? scope.since!.position : 0,
        upTo,
        joinedThroughout: false,
      });
      const later = own === undefined || own.nid === end.nid ? [] : laterEvents(scope, own);
      const timeline = withinLimit(scope, whileJoined, later);
      const limited = timeline.limited || (scope.since !== undefined && !isKnown);
      const shown = { ...timeline, limited, events: [...timeline.events, ...later] };
      const timelineText = await timelineJson(deps.present, scope, shown, {
        roomNid: room.nid,
        upTo,
      });
      if (scope.onlyNews && !isKnown) return text(scope, [], timelineText);
      const state = await deps.stateSection({
        roomNid: room.nid,
        userId: scope.userId,
        device: scope.device,
        timeline: timeline.events.map((readable) => readable.stored),
        afterGap: timeline.afterGap,
        known: isKnown && !scope.fullState ? scope.since!.position : undefined,
        upTo,
        after: scope.stateAfter !== undefined,
        lazy: scope.filter.room.state.lazyLoadMembers,
        repeatMembers: scope.filter.room.state.includeRedundantMembers,
        alsoMembers: [],
      });
      const admitted = state.filter(({ event }) => matchesEvent(scope.filter.room.state, event));
      return text(scope, admitted, timelineText);
    },
  };
}

export type OtherRooms = ReturnType<typeof createOtherRooms>;
