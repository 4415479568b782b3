/** Which events a user may see by the history visibility rules, in bulk. */
import type { UserId } from "../../protocol/identifiers.ts";
import { allowsUser, userCanSee } from "../../protocol/events/visibility.ts";
import { NOTHING } from "./at-root.ts";
import type { AtRoot, LookAtRoot } from "./at-root.ts";
import type { Erasures, Sent } from "./erasures.ts";
import type { Memberships } from "../records/memberships.ts";
import type { Lifetimes } from "./lifetimes.ts";
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
   * The same for message events of which only some fields are known. Events that are redacted for
   * the user are left out, since they relate to nothing.
   */
  among<T extends Sent>(userId: UserId, messages: readonly T[]): Promise<T[]>;
}

/** An event's position, and the state around it. */
type PlacedEvent = Pick<StoredEvent, "roomNid" | "position" | "stateBefore">;

export interface VisibleEventsDeps {
  readonly store: RoomStore;
  readonly memberships: Memberships;
  readonly lastMemberships: LastMemberships;
  readonly atRoot: LookAtRoot;
  readonly erasures: Erasures;
  readonly lifetimes: Pick<Lifetimes, "isOver">;
}

export function createVisibleEvents(deps: VisibleEventsDeps): VisibleEvents {
  const { store, memberships, lastMemberships, atRoot, erasures, lifetimes } = deps;

  /**
   * The log position up to which every event is followed by a join of the user; Infinity while they
   * are joined.
   */
  async function joinedUntil(row: MembershipRow | undefined): Promise<number> {
    if (row === undefined) return -1;
    if (row.membership === "join") return Infinity;
    return (await lastMemberships.endOf(row))?.position ?? -1;
  }

  /** What decides about visibility: the state before each event, and until when a join follows. */
  async function around(userId: UserId, events: readonly PlacedEvent[]) {
    const roots = new Map<StateRoot, AtRoot>();
    const distinct = new Set(events.map((stored) => stored.stateBefore));
    const ownMemberships = await memberships.ofUser(userId);
    const until = new Map<number, number>();
    await Promise.all([
      ...[...distinct].map(async (root) => roots.set(root, await atRoot(root, userId))),
      ...[...new Set(events.map((stored) => stored.roomNid))].map(async (nid) =>
        until.set(nid, await joinedUntil(ownMemberships.get(nid))),
      ),
    ]);
    return ({ stateBefore, roomNid, position }: PlacedEvent) => ({
      before: roots.get(stateBefore) ?? NOTHING,
      joinedLater: (position ?? 0) <= (until.get(roomNid) ?? -1),
    });
  }

  async function visibleTo(userId: UserId, all: readonly StoredEvent[]): Promise<VisibleEvent[]> {
    if (all.length === 0) return [];
    const events = await withoutIneffective(store, all);
    const of = await around(userId, events);
    const visible = events.flatMap((stored) => {
      const { before, joinedLater } = of(stored);
      // Clients never get soft-failed events.
      if (stored.status !== "accepted" || !hasStateFor(stored, userId)) return [];
      if (lifetimes.isOver(stored)) return [];
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

  return Object.assign(visibleTo, {
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
 * Events without a known state (invites and their withdrawal) are visible only to the user
 * concerned.
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
