import { newBudget } from "../protocol/glob.ts";
import { createYielder } from "../platform/yielder.ts";
import type { UserId } from "../protocol/identifiers.ts";
import {
  type CompiledRules,
  evaluate,
  type PushContext,
  type PushOutcome,
} from "../protocol/push/push-rules.ts";
import type { Room, RoomView, StateRoot, StoredEvent } from "../rooms/api/index.ts";
import type { InvitePermissions } from "../users/data/invite-permissions.ts";
import { type CandidateRow, candidateEvents } from "../storage/push/candidates.ts";
import type { Sql } from "../storage/sql.ts";
import { contextInThread, type FollowedThreads } from "./followed-threads.ts";
import type { ContextOf, PushContexts } from "./push-context.ts";

/** An event that notifies a user. */
export interface NotifiedEvent {
  readonly stored: StoredEvent;
  readonly room: Room;
  /** Log position; of an invite, when it became so. */
  readonly position: number;
  readonly isInvite: boolean;
  readonly outcome: PushOutcome;
}

/** A range of the log: after < position ≤ upTo. */
export interface NotifiedRange {
  readonly after: number;
  readonly upTo: number;
  /** Events that are looked at, at most. */
  readonly limit: number;
  readonly newestFirst: boolean;
  /** Events that say to be older are left out: ms since 1970. */
  readonly since?: number;
}

/** What was found, in the order that was asked for. */
export interface NotifiedPage {
  readonly events: readonly NotifiedEvent[];
  /** Position of the last event that was looked at, if there may be more. */
  readonly lookedTo: number | undefined;
}

/** What rules see where the room's state is not known here, or not yet the user's to know. */
export const NO_CONTEXT: PushContext = { memberCount: 0, senderPowerLevel: 0 };

/** How long events are evaluated before other work gets a chance. */
const BURST_MS = 2;
/** For all rules and all events of a page, which ends there. */
const MAX_STEPS = 50_000_000;

export interface NotifiedDeps {
  readonly sql: Sql;
  readonly view: RoomView;
  readonly contexts: PushContexts;
  readonly followedThreads: Pick<FollowedThreads, "of">;
  /** Root of a room's current state as of a position. */
  readonly rootAt: (roomNid: number, position: number) => Promise<StateRoot>;
  readonly rulesOf: (userId: UserId) => Promise<CompiledRules>;
  readonly ignoredBy: (userId: UserId) => Promise<ReadonlySet<string>>;
  /** Absent: nobody blocks invites. */
  readonly inviteVerdict?: InvitePermissions["verdict"] | undefined;
}

/**
 * Which events of a range notify a user, by the push rules of now: evaluated when it is asked, as
 * unread counts are (docs/decisions/0004). Looks at the rooms that the user is in, since they are,
 * and at open invites.
 */
export function createNotified(deps: NotifiedDeps) {
  const { sql, view } = deps;

  /** By room, for those that the user is in. */
  async function contextsOf(
    userId: UserId,
    rows: readonly CandidateRow[],
    rooms: ReadonlyMap<number, Room>,
    upTo: number,
  ): Promise<Map<number, ContextOf>> {
    const found = new Map<number, ContextOf>();
    for (const nid of new Set(rows.flatMap((row) => (row.isInvite ? [] : [row.roomNid])))) {
      const room = rooms.get(nid);
      if (room === undefined) continue;
      found.set(nid, await deps.contexts.of(room, userId, await deps.rootAt(nid, upTo)));
    }
    return found;
  }

  return async function notified(userId: UserId, range: NotifiedRange): Promise<NotifiedPage> {
    const rows = await candidateEvents(sql, userId, { since: Number.MIN_SAFE_INTEGER, ...range });
    let lookedTo = rows.length < range.limit ? undefined : rows.at(-1)!.position;
    if (rows.length === 0) return { events: [], lookedTo };
    const [stored, rooms, rules, ignored] = await Promise.all([
      view.events(rows.map(({ nid }) => nid)),
      view.rooms([...new Set(rows.map(({ roomNid }) => roomNid))]),
      deps.rulesOf(userId),
      deps.ignoredBy(userId),
    ]);
    const contexts = await contextsOf(userId, rows, rooms, range.upTo);
    const followed = await deps.followedThreads.of(userId, rules, [...stored.values()]);
    const yielder = createYielder(BURST_MS);
    const budget = newBudget(MAX_STEPS);
    const events: NotifiedEvent[] = [];
    for (const { nid, roomNid, position, isInvite } of rows) {
      const [one, room] = [stored.get(nid), rooms.get(roomNid)];
      if (one === undefined || room === undefined || ignored.has(one.event.sender)) continue;
      if (one.redactedBy !== null || view.isOver(one)) continue;
      const verdict = isInvite && (await deps.inviteVerdict?.(userId, one.event.sender));
      if (verdict === "ignore" || verdict === "block") continue;
      const known = contexts.get(roomNid)?.(one.event.sender) ?? NO_CONTEXT;
      const context = contextInThread(known, followed.get(one));
      const outcome = evaluate(rules, one.event, context, budget);
      if (budget.steps < 0) {
        lookedTo = position;
        break;
      }
      if (outcome.notify) events.push({ stored: one, room, position, isInvite, outcome });
      await yielder.pauseIfDue();
    }
    return { events, lookedTo };
  };
}

export type Notified = ReturnType<typeof createNotified>;
