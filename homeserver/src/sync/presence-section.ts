import { matchesEvent } from "../protocol/filter.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { RoomView } from "../rooms/types.ts";
import type { Scope } from "./scope.ts";

/** One user's presence as sync shows it. */
export interface PresenceState {
  readonly userId: UserId;
  readonly presence: "online" | "offline" | "unavailable";
  readonly statusMsg?: string | undefined;
  /** ms since the user was last active. */
  readonly lastActiveAgo?: number | undefined;
  readonly currentlyActive?: boolean | undefined;
}

export interface PresenceSource {
  /** Presences that changed after the serial; with 0, all that are not offline. */
  presenceSince(serial: number): PresenceState[];
  presence(userId: UserId): PresenceState | undefined;
}

const FEW = 20;
/** Of a room that the reader has come into, so many members' presences are shown at once. */
const MOST_MET = 1_000;

/** The `presence` section: of users who share a room with the reader, and of themselves. */
export function createPresenceSection(deps: {
  readonly view: RoomView;
  readonly source: PresenceSource;
}) {
  const { view, source } = deps;

  /** Which of them share a room with the reader: from memory for a few, by a query for many. */
  async function sharing({ person }: Scope, others: readonly UserId[]): Promise<Set<UserId>> {
    if (others.length > FEW) return view.sharesRoom(person.userId, others);
    const found = new Set<UserId>();
    for (const userId of others) {
      const rows = await view.membershipsOf(userId);
      const shares = rows.some(
        ({ roomNid, membership }) =>
          membership === "join" && person.rooms.get(roomNid)?.membership === "join",
      );
      if (shares) found.add(userId);
    }
    return found;
  }

  /** Presences in the rooms that the reader has joined since the token. */
  async function met({ person, since }: Scope): Promise<PresenceState[]> {
    const rooms = [...person.rooms.values()].filter(
      ({ membership, heldSince }) => membership === "join" && heldSince > since!.position,
    );
    const found: PresenceState[] = [];
    for (const { roomNid } of rooms) {
      for (const userId of (await view.joinedMembers(roomNid)).slice(0, MOST_MET)) {
        const state = source.presence(userId);
        if (state && state.presence !== "offline") found.push(state);
      }
    }
    return found;
  }

  /** What changed since the token, and what the reader could not see before; each user once. */
  async function news(scope: Scope): Promise<PresenceState[]> {
    if (!scope.since || scope.fullState) return source.presenceSince(0);
    const states = [...source.presenceSince(scope.since.ephemeral), ...(await met(scope))];
    return [...new Map(states.map((state) => [state.userId, state])).values()];
  }

  return async function presence(scope: Scope): Promise<string[]> {
    const changed = (await news(scope))
      .filter((state) => !scope.ignored.has(state.userId))
      .filter((state) =>
        matchesEvent(scope.filter.presence, { type: "m.presence", sender: state.userId }),
      );
    if (changed.length === 0) return [];
    const others = changed.map((state) => state.userId).filter((id) => id !== scope.userId);
    const shared = await sharing(scope, others);
    return changed
      .filter((state) => state.userId === scope.userId || shared.has(state.userId))
      .map(presenceEvent);
  };
}

export type PresenceSection = ReturnType<typeof createPresenceSection>;

function presenceEvent(state: PresenceState): string {
  return JSON.stringify({
    type: "m.presence",
    sender: state.userId,
    content: {
      presence: state.presence,
      status_msg: state.statusMsg,
      last_active_ago: state.lastActiveAgo,
      currently_active: state.currentlyActive,
    },
  });
}
