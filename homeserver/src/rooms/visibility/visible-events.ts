/** Which events a user may see, by the history visibility rules, in bulk. */
import type { UserId } from "../../protocol/identifiers.ts";
import { allowsUser, userCanSee } from "../../protocol/events/visibility.ts";
import { NOTHING } from "./at-root.ts";
import type { AtRoot, LookAtRoot } from "./at-root.ts";
import type { Erasures, Sent } from "./erasures.ts";
import type { Memberships } from "../records/memberships.ts";
import type { LastMemberships } from "./last-membership.ts";
import { withoutIneffective } from "../commands/redactions.ts";
import type { RoomStore } from "../state/store.ts";
import type {
  Membership,
  MembershipRow,
  VisibleEvent,
  StateRoot,
  StoredEvent,
} from "../api/index.ts";

export interface VisibleEvents {
  (userId: UserId, events: readonly StoredEvent[]): Promise<VisibleEvent[]>;
  /**
   * The same for what is known of message events: which of them the user may see. Of what is
   * redacted for the user nothing is left: it relates to nothing.
   */
  among<T extends Sent>(userId: UserId, messages: readonly T[]): Promise<T[]>;
}

/** Where an event stands, and the state around it. */
type PlacedEvent = Pick<StoredEvent, "roomNid" | "position" | "stateBefore">;

export interface VisibleEventsDeps {
  readonly store: RoomStore;
  readonly memberships: Memberships;
  readonly lastMemberships: LastMemberships;
  readonly atRoot: LookAtRoot;
  readonly erasures: Erasures;
}

export function createVisibleEvents(deps: VisibleEventsDeps): VisibleEvents {
  const { store, memberships, lastMemberships, atRoot, erasures } = deps;

  /** Until which log position a join of the user follows every event; Infinity while joined. */
  async function joinedUntil(row: MembershipRow | undefined): Promise<number> {
    if (row === undefined) return -1;
    if (row.membership === "join") return Infinity;
    return (await lastMemberships.endOf(row))?.position ?? -1;
  }

  /**
   * What decides of the user's view: the state before each of the events, and until when a join
   * follows.
   */
  async function around(userId: UserId, events: readonly PlacedEvent[]) {
    const roots = new Map<StateRoot, AtRoot>();
    const distinct = new Set(events.map((stored) => stored.stateBefore));
    const mine = await memberships.ofUser(userId);
    const until = new Map<number, number>();
    await Promise.all([
      ...[...distinct].map(async (root) => roots.set(root, await atRoot(root, userId))),
      ...[...new Set(events.map((stored) => stored.roomNid))].map(async (nid) =>
        until.set(nid, await joinedUntil(mine.get(nid))),
      ),
    ]);
    return ({ stateBefore, roomNid, position }: PlacedEvent) => ({
      before: roots.get(stateBefore) ?? NOTHING,
      joinedLater: (position ?? 0) <= (until.get(roomNid) ?? -1),
    });
  }

  async function visible(userId: UserId, all: readonly StoredEvent[]): Promise<VisibleEvent[]> {
    if (all.length === 0) return [];
    const events = await withoutIneffective(store, all);
    const of = await around(userId, events);
    const visible = events.flatMap((stored) => {
      const { before, joinedLater } = of(stored);
      // What is soft-failed no client is told of.
      if (stored.status !== "accepted" || !hasStateFor(stored, userId)) return [];
      if (!userCanSee(stored.event, userId, before, joinedLater)) return [];
      return [{ stored, membership: membershipAt(stored, userId, before.membership) }];
    });
    const copies = await erasures.copies(
      userId,
      visible.map(({ stored }) => stored),
    );
    return visible.map((one, i) =>
      copies[i] === one.stored ? one : { ...one, stored: copies[i]! },
    );
  }

  return Object.assign(visible, {
    async among<T extends Sent>(userId: UserId, messages: readonly T[]): Promise<T[]> {
      if (messages.length === 0) return [];
      const of = await around(userId, messages);
      const withheld = await erasures.withheld(userId, messages);
      return messages.filter((message) => {
        if (withheld.has(message.nid)) return false;
        const { before, joinedLater } = of(message);
        const { visibility, membership } = before;
        return message.stateBefore !== null && allowsUser(visibility, membership, joinedLater);
      });
    },
  });
}

/**
 * Of events without known state, only who they're about may see them: invites, and their
 * withdrawal.
 */
function hasStateFor({ event, stateBefore }: StoredEvent, userId: UserId): boolean {
  if (stateBefore !== null || event.type === "m.room.create") return true;
  return event.type === "m.room.member" && event.stateKey === userId;
}

function membershipAt(
  { event }: StoredEvent,
  userId: UserId,
  before: string | undefined,
): Membership {
  const isOwn = event.type === "m.room.member" && event.stateKey === userId;
  const membership = isOwn ? event.content.membership : before;
  return typeof membership === "string" ? (membership as Membership) : "leave";
}
