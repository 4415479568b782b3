import { matchesEvent } from "../../protocol/filter.ts";
import type { Room, RoomView, StoredEvent } from "../../rooms/api/index.ts";
import type { EphemeralSections } from "../sections/ephemeral-sections.ts";
import { joinedRoomText } from "./joined-room-text.ts";
import type { SyncingUserRoom } from "../users/syncing-user.ts";
import type { Present } from "../sections/present.ts";
import { hasBecomeComplete, type Scope } from "../sections/scope.ts";
import type { StickySection } from "../sections/sticky.ts";
import type { StateSection } from "../sections/state-section.ts";
import type { RecentEvents } from "../recent/recent-events.ts";
import { type Timeline, timelineJson, type Timelines } from "../sections/timeline.ts";
import type { UnreadCounts } from "../../notifications/unread.ts";

export interface JoinedRoomDeps {
  readonly view: RoomView;
  readonly recentEvents: RecentEvents;
  readonly timelines: Timelines;
  readonly stateSection: StateSection;
  readonly ephemeralSections: EphemeralSections;
  readonly unread: UnreadCounts;
  readonly present: Present;
  readonly sticky: StickySection;
}

const SUMMARY_TYPES = new Set(["m.room.member", "m.room.name", "m.room.canonical_alias"]);

const NAMES = [
  ["m.room.name", ""],
  ["m.room.canonical_alias", ""],
] as const;

/** One room of `rooms.join`: JSON text, or undefined when there is nothing new. */
export function createJoinedRoom(deps: JoinedRoomDeps) {
  /** True when the client has this room's state as of its token. */
  async function known(scope: Scope, userRoom: SyncingUserRoom): Promise<boolean> {
    if (!scope.since || hasBecomeComplete(scope, userRoom)) return false;
    if (userRoom.heldSince <= scope.since.position) return true;
    const root = await deps.recentEvents.rootAt(userRoom.roomNid, scope.since.position);
    const [member] = await deps.view.stateEventsAt(root, [["m.room.member", scope.userId]]);
    return member?.event.content.membership === "join";
  }

  async function stateOf(
    scope: Scope,
    userRoom: SyncingUserRoom,
    timeline: Timeline,
    isKnown: boolean,
    heroes: readonly string[],
  ): Promise<StoredEvent[]> {
    const filter = scope.filter.room.state;
    const { since } = scope;
    if (scope.onlyNews && !isKnown) return [];
    // Typing and receipts alone do not touch the state.
    if (isKnown && !scope.fullState && deps.recentEvents.isQuiet(userRoom.roomNid, since!.position))
      return [];
    const state = await deps.stateSection({
      roomNid: userRoom.roomNid,
      userId: scope.userId,
      device: scope.device,
      timeline: timeline.events.map((readable) => readable.stored),
      afterGap: timeline.afterGap,
      known: isKnown && !scope.fullState ? since!.position : undefined,
      upTo: scope.upTo.position,
      after: scope.stateAfter !== undefined,
      lazy: filter.lazyLoadMembers,
      repeatMembers: filter.includeRedundantMembers,
      alsoMembers: heroes,
    });
    return filter.admitsAll ? state : state.filter((stored) => matchesEvent(filter, stored.event));
  }

  async function summaryOf(
    scope: Scope,
    room: Room,
    timeline: Timeline,
    isKnown: boolean,
  ): Promise<{ json: string; heroes: string[] } | undefined> {
    const isWanted = !isKnown || scope.fullState || timeline.limited;
    if (!isWanted && !(await isTouched(scope, room, timeline))) return undefined;
    const { joined, invited, heroes } = await deps.view.summary(room.nid, scope.userId);
    const counts = { "m.joined_member_count": joined, "m.invited_member_count": invited };
    if (await hasName(room.nid, scope.upTo.position)) {
      return { json: JSON.stringify(counts), heroes: [] };
    }
    return { json: JSON.stringify({ "m.heroes": heroes, ...counts }), heroes };
  }

  /**
   * Whether members or names changed: seen in the timeline or, when a filter or a fork hides it
   * there, in the state.
   */
  async function isTouched(scope: Scope, { nid }: Room, timeline: Timeline): Promise<boolean> {
    const touches = ({ event }: StoredEvent) => SUMMARY_TYPES.has(event.type);
    if (timeline.events.some(({ stored }) => touches(stored))) return true;
    const [from, to] = [scope.since!.position, scope.upTo.position];
    if (deps.recentEvents.isQuiet(nid, from)) return false;
    const [before, after] = [
      await deps.recentEvents.rootAt(nid, from),
      await deps.recentEvents.rootAt(nid, to),
    ];
    if (before === after) return false;
    return (await deps.view.stateDelta(before, after)).changed.some(touches);
  }

  /** A room with a name or a main alias needs no heroes. */
  async function hasName(roomNid: number, upTo: number): Promise<boolean> {
    const root = await deps.recentEvents.rootAt(roomNid, upTo);
    const state = await deps.view.stateEventsAt(root, NAMES);
    return state.some(({ event: { type, content } }) => {
      const name = type === "m.room.name" ? content.name : content.alias;
      return typeof name === "string" && name !== "";
    });
  }

  return async function joinedRoom(
    scope: Scope,
    room: Room,
    userRoom: SyncingUserRoom,
  ): Promise<string | undefined> {
    const isKnown = await known(scope, userRoom);
    const timeline = await deps.timelines(scope, {
      roomNid: room.nid,
      after: isKnown || scope.onlyNews ? scope.since!.position : 0,
      upTo: scope.upTo.position,
      joinedThroughout: isKnown && userRoom.heldSince <= scope.since!.position,
    });
    const limited = timeline.limited || (scope.since !== undefined && !isKnown);
    const shown = { ...timeline, limited };
    const summary = await summaryOf(scope, room, shown, isKnown);
    const state = await stateOf(scope, userRoom, shown, isKnown, summary?.heroes ?? []);
    const { ephemeral, accountData } = await deps.ephemeralSections(scope, room, isKnown);
    // Who looks in from outside is no member.
    const isMember = !scope.onlyNews && userRoom.heldSince !== Infinity;
    const after = isKnown ? scope.since!.position : 0;
    const sticky = isMember ? await deps.sticky(scope, room.nid, after, shown.events) : [];
    const parts = [shown.events, state, ephemeral, accountData, sticky];
    const isSilent = parts.every(({ length }) => length === 0);
    if (scope.onlyNews && isSilent) return undefined;
    // The user's own receipt changes the counts, even when a filter leaves receipts out.
    const hasRead = isKnown && userRoom.receiptAt > scope.since!.position;
    const isQuiet = isSilent && summary === undefined && !hasRead;
    if (isKnown && isQuiet && !limited && !scope.fullState) return undefined;

    return joinedRoomText(scope, {
      summary: summary?.json,
      state: await deps.present.state(scope, state),
      timeline: await timelineJson(deps.present, scope, shown, {
        roomNid: room.nid,
        upTo: scope.upTo.position,
      }),
      ephemeral,
      accountData,
      sticky,
      unread: await deps.unread.of(scope, room, userRoom, scope.upTo.position),
    });
  };
}
