import type { RoomEvent } from "./event.ts";
import { isUserId, serverOf } from "../identifiers.ts";

export type HistoryVisibility = "world_readable" | "shared" | "invited" | "joined";

/** A room's setting: "shared" when it has none or one that is not understood. */
export function historyVisibility(event: RoomEvent | undefined): HistoryVisibility {
  const value = event?.content.history_visibility;
  switch (value) {
    case "world_readable":
    case "invited":
    case "joined":
      return value;
    default:
      return "shared";
  }
}

/** The parts of a room's state, before an event, that decide who may see it. */
export interface StateAtEvent<M> {
  readonly visibility: HistoryVisibility;
  /** The reader's membership; a server reader's: those of its users. */
  readonly membership: M;
}

/** A user's membership; undefined when there is no member event for them. */
export type ReaderMembership = string | undefined;

/**
 * Whether a user may see an event. The event itself counts where it changes the visibility or the
 * reader's membership: before or after it, whichever shows more. (Client-server API, "Room History
 * Visibility".)
 *
 * @param before the state before the event
 * @param joinedLater whether the reader joined (or was joined) at any point after the event
 */
export function userCanSee(
  event: RoomEvent,
  userId: string,
  before: StateAtEvent<ReaderMembership>,
  joinedLater: boolean,
): boolean {
  const visibilities = visibilitiesAround(event, before.visibility);
  const memberships = [before.membership];
  if (event.type === "m.room.member" && event.stateKey === userId) {
    memberships.push(membershipOf(event));
  }
  return visibilities.some((visibility) =>
    memberships.some((membership) => allowsUser(visibility, membership, joinedLater)),
  );
}

/**
 * Rules 1 to 5 for one visibility and one membership at the event: of events that are not about
 * either.
 */
export function allowsUser(
  visibility: HistoryVisibility,
  membership: ReaderMembership,
  joinedLater: boolean,
): boolean {
  if (visibility === "world_readable") return true;
  if (membership === "join") return true;
  if (visibility === "shared" && joinedLater) return true;
  return visibility === "invited" && membership === "invite";
}

/**
 * Whether a server that takes part in the room may have an event: always when it is world-readable
 * or shared, otherwise when one of its users was joined (or, where that suffices, invited). Member
 * events of its users and changes of the visibility count before or after.
 *
 * @param before the state before the event; `membership`: those of the server's users, in any order
 */
export function serverCanSee(
  event: RoomEvent,
  serverName: string,
  before: StateAtEvent<Iterable<string>>,
): boolean {
  const visibilities = visibilitiesAround(event, before.visibility);
  if (visibilities.includes("world_readable") || visibilities.includes("shared")) return true;
  const memberships = new Set<ReaderMembership>(before.membership);
  const { stateKey } = event;
  if (event.type === "m.room.member" && isUserId(stateKey) && serverOf(stateKey) === serverName) {
    memberships.add(membershipOf(event));
  }
  return memberships.has("join") || (visibilities.includes("invited") && memberships.has("invite"));
}

function visibilitiesAround(event: RoomEvent, before: HistoryVisibility): HistoryVisibility[] {
  const changesIt = event.type === "m.room.history_visibility" && event.stateKey === "";
  return changesIt ? [before, historyVisibility(event)] : [before];
}

function membershipOf(event: RoomEvent): ReaderMembership {
  const { membership } = event.content;
  return typeof membership === "string" ? membership : undefined;
}
