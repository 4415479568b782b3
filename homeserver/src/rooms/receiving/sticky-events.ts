/**
 * Sticky events when memberships change (MSC4354): those that were soft-failed are checked again,
 * and a server that has come into a room is sent those of this server's users.
 */
import type { Log } from "../../log/types.ts";
import { checkInRoom, checkNow } from "../checks/checks-on-receipt.ts";
import { LacksPolicySignature } from "../commands/policy-server.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import type { RoomCommand } from "../commands/room-command.ts";
import type { RoomStore } from "../state/store.ts";
import {
  type FailedSticky,
  failedStickyOf,
  stickyForArrivals,
} from "../../storage/sticky-events.ts";
import type { StickyEvents, StoredEvent } from "../api/index.ts";

export interface StickyEventsDeps {
  readonly store: RoomStore;
  readonly log: Pick<Log, "append">;
  readonly local: Pick<LocalEvents, "run" | "identity">;
}

/** Records in one append. */
const AT_ONCE = 200;

export function createStickyEvents({ store, log, local }: StickyEventsDeps): StickyEvents {
  const { serverName, now } = local.identity;

  /** Whether the room, as it is now, takes the event. */
  async function passes(command: RoomCommand, stored: StoredEvent): Promise<boolean> {
    const { event, stateBefore, position } = stored;
    const auth = [...(await store.events.byIds([...event.authEventIds])).values()];
    const basis = { auth, before: stateBefore, isLive: true, notRecommended: undefined };
    try {
      if (position === null) return (await checkNow(command, event)) === "accepted";
      return (await checkInRoom(command, event, basis)).status === "accepted";
    } catch (error) {
      // It was soft-failed before the room's policy server was asked, which nobody does now.
      if (error instanceof LacksPolicySignature) return false;
      throw error;
    }
  }

  async function checkAgain(roomNid: number, rows: readonly FailedSticky[]): Promise<void> {
    const room = (await store.registry.byNids([roomNid])).get(roomNid);
    if (room === undefined) return;
    const events = await store.events.byNids(rows.map(({ eventNid }) => eventNid));
    const accepted = await local.run(room, async (command) => {
      const found: FailedSticky[] = [];
      for (const row of rows) {
        const stored = events.get(row.eventNid);
        const isJudged = stored !== undefined && stored.status !== "rejected";
        if (isJudged && (await passes(command, stored))) found.push(row);
      }
      return found;
    });
    if (accepted.length === 0) return;
    const records = accepted.map((row) => ({ kind: "sticky" as const, ...row, hasFailed: false }));
    await log.append({ records });
  }

  return {
    async membersChanged(changes) {
      if (changes.length === 0) return;
      const failed = await failedStickyOf(store.sql, changes, now());
      for (const [roomNid, rows] of Map.groupBy(failed, (row) => row.roomNid)) {
        await checkAgain(roomNid, rows);
      }
      const owed = await stickyForArrivals(store.sql, changes, { ours: serverName, now: now() });
      for (let at = 0; at < owed.length; at += AT_ONCE) {
        const rows = owed.slice(at, at + AT_ONCE);
        const records = rows.map((row) => ({ kind: "sticky_owed" as const, ...row }));
        await log.append({ records });
      }
    },
  };
}
