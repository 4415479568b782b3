import type { PresenceEntry } from "../../cluster/ephemeral-channel.ts";
import type { Ephemeral } from "../../cluster/ephemeral.ts";
import { matchesEvent } from "../../protocol/filter.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { RoomView } from "../../rooms/api/index.ts";
import type { SyncingUserRoom } from "../users/syncing-user.ts";
import type { Scope } from "./scope.ts";

const MAX_FROM_MEMORY = 20;
/** With more presences than this, the members of the reader's rooms are examined instead. */
const MAX_PRESENCES = 1_000;
/** Limit on members whose presence is sent for a newly joined room. */
const MAX_MEMBERS_OF_NEW_ROOM = 1_000;

/** The `presence` section: users who share a room with the reader, and the reader. */
export function createPresenceSection(deps: {
  readonly view: RoomView;
  readonly ephemeral: Pick<Ephemeral, "presence" | "presenceSince">;
  readonly now: () => number;
}) {
  const { view, ephemeral: source, now } = deps;

  /** Those who share a room with the reader: from memory for a few, by a query for many. */
  async function sharingRooms({ user }: Scope, others: readonly UserId[]): Promise<Set<UserId>> {
    if (others.length > MAX_FROM_MEMORY) return view.sharesRoom(user.userId, others);
    const found = new Set<UserId>();
    for (const userId of others) {
      const rows = await view.membershipsOf(userId);
      const shares = rows.some(
        ({ roomNid, membership }) =>
          membership === "join" && user.rooms.get(roomNid)?.membership === "join",
      );
      if (shares) found.add(userId);
    }
    return found;
  }

  /** Presence of the members of these rooms. */
  async function presencesIn(rooms: readonly SyncingUserRoom[]): Promise<PresenceEntry[]> {
    const found = new Map<UserId, PresenceEntry>();
    for (const { roomNid } of rooms) {
      for (const userId of (await view.joinedMembers(roomNid)).slice(0, MAX_MEMBERS_OF_NEW_ROOM)) {
        const state = found.has(userId) ? undefined : source.presence(userId);
        if (state && state.presence !== "offline") found.set(userId, state);
      }
    }
    return [...found.values()];
  }

  /** Those whose presence the reader may see. */
  async function visible(scope: Scope, states: PresenceEntry[]): Promise<PresenceEntry[]> {
    if (states.length === 0) return states;
    const others = states.map((state) => state.userId).filter((id) => id !== scope.userId);
    const shared = await sharingRooms(scope, others);
    return states.filter(({ userId }) => userId === scope.userId || shared.has(userId));
  }

  /** Presence that changed since the token, or that the reader could not see before. */
  async function changesFor(scope: Scope): Promise<PresenceEntry[]> {
    const joined = [...scope.user.rooms.values()].filter((room) => room.membership === "join");
    if (!scope.since || scope.fullState) {
      const all = source.presenceSince(0);
      return all.length > MAX_PRESENCES ? presencesIn(joined) : visible(scope, all);
    }
    const { position, ephemeral } = scope.since;
    const changed = visible(scope, source.presenceSince(ephemeral));
    const inNewRooms = presencesIn(joined.filter((room) => room.heldSince > position));
    return [...(await changed), ...(await inNewRooms)];
  }

  return async function presence(scope: Scope): Promise<string[]> {
    const states = (await changesFor(scope)).filter(
      ({ userId }) =>
        !scope.ignored.has(userId) &&
        matchesEvent(scope.filter.presence, { type: "m.presence", sender: userId }),
    );
    return [...new Map(states.map((state) => [state.userId, state])).values()].map((state) =>
      presenceEvent(state, now()),
    );
  };
}

export type PresenceSection = ReturnType<typeof createPresenceSection>;

function presenceEvent(state: PresenceEntry, now: number): string {
  return JSON.stringify({
    type: "m.presence",
    sender: state.userId,
    content: {
      presence: state.presence,
      status_msg: state.statusMsg,
      last_active_ago: Math.max(0, now - state.lastActiveTs),
      currently_active: state.currentlyActive,
    },
  });
}
