import { matchesEvent } from "../protocol/filter.ts";
import type { Room, RoomView } from "../rooms/types.ts";
import type { PersonRoom } from "./people.ts";
import type { Present } from "./present.ts";
import { JsonText, eventsJson } from "./response.ts";
import type { Scope } from "./scope.ts";
import type { StateSection } from "./state-section.ts";
import type { Tails } from "./tails.ts";
import { timelineJson, type Timelines } from "./timeline.ts";

export interface OtherRoomsDeps {
  readonly view: RoomView;
  readonly tails: Tails;
  readonly timelines: Timelines;
  readonly stateSection: StateSection;
  readonly present: Present;
}

/** Rooms that the user is not joined to: invites, knocks, and rooms left or banned from. */
export function createOtherRooms(deps: OtherRoomsDeps) {
  /** True when the user was in the room at the client's token. */
  async function wasJoined(scope: Scope, mine: PersonRoom): Promise<boolean> {
    if (!scope.since) return false;
    const root = await deps.tails.rootAt(mine.roomNid, scope.since.position);
    const [member] = await deps.view.stateEventsAt(root, [["m.room.member", scope.userId]]);
    return member?.event.content.membership === "join";
  }

  return {
    /** `rooms.invite` or `rooms.knock`: the stripped state. */
    async pending(scope: Scope, mine: PersonRoom): Promise<string> {
      const events = await deps.view.strippedState(mine.roomNid, scope.userId);
      const key = mine.membership === "invite" ? "invite_state" : "knock_state";
      return JSON.stringify({ [key]: { events } });
    },

    /** `rooms.leave`: what happened up to the leave, and the state then. */
    async left(scope: Scope, room: Room, mine: PersonRoom): Promise<string> {
      const upTo = mine.position;
      const isKnown = await wasJoined(scope, mine);
      const timeline = await deps.timelines(scope, {
        roomNid: room.nid,
        after: isKnown ? scope.since!.position : scope.since ? upTo - 1 : 0,
        upTo,
        joinedThroughout: false,
      });
      const state = await deps.stateSection({
        roomNid: room.nid,
        userId: scope.userId,
        device: scope.device,
        timeline: timeline.events.map((readable) => readable.stored),
        known: isKnown && !scope.fullState ? scope.since!.position : undefined,
        upTo,
        limited: timeline.limited,
        after: scope.stateAfter !== undefined,
        lazy: scope.filter.room.state.lazyLoadMembers,
        repeatMembers: scope.filter.room.state.includeRedundantMembers,
        alsoMembers: [],
      });
      const readable = isKnown
        ? state
        : (await deps.view.readable(scope.userId, state)).map(({ stored }) => stored);
      const admitted = readable.filter((stored) =>
        matchesEvent(scope.filter.room.state, stored.event),
      );
      return new JsonText()
        .member(scope.stateAfter ?? "state", eventsJson(deps.present.state(scope, admitted)))
        .member("timeline", await timelineJson(deps.present, scope, timeline, upTo))
        .member("account_data", eventsJson([]))
        .toString();
    },
  };
}

export type OtherRooms = ReturnType<typeof createOtherRooms>;
