import type { Ephemeral } from "../../cluster/ephemeral.ts";
import { matchesEvent } from "../../protocol/filter.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { Room } from "../../rooms/api/index.ts";
import type { ReceiptOfRoom } from "../../storage/sync-reads.ts";
import type { Scope } from "./scope.ts";
import type { AccountDataChanges } from "../recent/account-data-changes.ts";
import type { RecentEvents } from "../recent/recent-events.ts";

/** Where data other than events comes from. */
export interface SectionSources {
  /** Receipts of a room with position in (after, upTo]; private ones only of `userId`. */
  receipts(roomNid: number, userId: UserId, after: number, upTo: number): Promise<ReceiptOfRoom[]>;
  /** Account data of a user in a room (undefined: global), changed in (after, upTo]. */
  accountData(
    userId: UserId,
    roomNid: number | undefined,
    after: number,
    upTo: number,
  ): Promise<{ type: string; content: string }[]>;
  readonly typing: Ephemeral["typing"];
  /**
   * Those of the rooms where events, receipts or the user's account data changed after a position:
   * one query.
   */
  changedRooms(
    userId: UserId,
    roomNids: readonly number[],
    after: number,
  ): Promise<ReadonlySet<number>>;
}

export interface EphemeralSection {
  readonly ephemeral: string[];
  readonly accountData: string[];
}

/** Ephemeral events and account data of a joined room. */
export function createEphemeralSections(deps: {
  readonly recentEvents: RecentEvents;
  readonly sources: SectionSources;
  readonly accountDataChanges: AccountDataChanges;
}) {
  const { recentEvents, sources, accountDataChanges } = deps;

  async function receiptEvent(scope: Scope, room: Room, after: number): Promise<string[]> {
    if (!matchesEvent(scope.filter.room.ephemeral, { type: "m.receipt", roomId: room.roomId })) {
      return [];
    }
    if (after > 0 && !recentEvents.mayHaveReceipts(room.nid, after)) return [];
    const upTo = scope.upTo.position;
    const receipts = await sources.receipts(room.nid, scope.userId, after, upTo);
    const shown = receipts.filter((receipt) => !scope.ignored.has(receipt.userId));
    if (shown.length === 0) return [];
    return [JSON.stringify({ type: "m.receipt", content: receiptContent(shown) })];
  }

  function typingEvent(scope: Scope, room: Room, isKnown: boolean): string[] {
    if (!matchesEvent(scope.filter.room.ephemeral, { type: "m.typing", roomId: room.roomId })) {
      return [];
    }
    const { users, serial } = sources.typing(room.roomId);
    if (serial === 0) return [];
    if (isKnown && scope.since && serial <= scope.since.ephemeral) return [];
    if (!isKnown && users.length === 0) return [];
    const shown = users.filter((user) => !scope.ignored.has(user));
    return [JSON.stringify({ type: "m.typing", content: { user_ids: shown } })];
  }

  return async function ephemeralSection(
    scope: Scope,
    room: Room,
    isKnown: boolean,
  ): Promise<EphemeralSection> {
    const after = isKnown && !scope.fullState ? scope.since!.position : 0;
    const [receipts, accountData] = await Promise.all([
      receiptEvent(scope, room, after),
      after > 0 && accountDataChanges.changed(scope.userId, room.nid, after) === false
        ? []
        : sources.accountData(scope.userId, room.nid, after, scope.upTo.position),
    ]);
    return {
      ephemeral: [...receipts, ...typingEvent(scope, room, isKnown)],
      accountData: accountData
        .filter(({ type }) =>
          matchesEvent(scope.filter.room.accountData, { type, roomId: room.roomId }),
        )
        .map(accountDataEvent),
    };
  };
}

export type EphemeralSections = ReturnType<typeof createEphemeralSections>;

/** `{type, content}` of a piece of account data. */
export function accountDataEvent(data: { type: string; content: string }): string {
  return `{"type":${JSON.stringify(data.type)},"content":${data.content}}`;
}

/**
 * Event id → receipt type → user → {ts, thread_id}. A user can have only one receipt per event
 * here; the unthreaded one includes the others.
 */
export function receiptContent(receipts: readonly ReceiptOfRoom[]): JsonObject {
  const content: Record<string, Record<string, Record<string, JsonObject>>> = {};
  for (const { eventId, receiptType, userId, threadId, ts } of receipts) {
    const byType = (content[eventId] ??= {});
    const byUser = (byType[receiptType] ??= {});
    const known = byUser[userId];
    if (threadId === "") byUser[userId] = { ts };
    else if (known === undefined || (known.thread_id !== undefined && threadId === "main")) {
      byUser[userId] = { ts, thread_id: threadId };
    }
  }
  return content;
}
