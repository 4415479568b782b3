/** The steps of a purge: bounded and repeatable, since an interrupted purge starts again. */
import type { Log } from "../../log/types.ts";
import type { RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import { aliasesOfRoom } from "../../storage/rooms/aliases.ts";
import { recountEvents } from "../../storage/administration/room-sizes.ts";
import { loadCursor } from "../../storage/streams/cursors.ts";
import {
  HISTORY_PASSES,
  type Living,
  closeGaps,
  forgetRoom,
  localMembers,
  notePurgedDepth,
  purgeHistory,
  purgeRoom,
} from "../../storage/rooms/purge-rows.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import type { Clock } from "../../platform/clock.ts";
import type { RoomMembers, TimelinePlace } from "../api/index.ts";
import type { PurgeReport } from "../api/purges.ts";

export interface PurgeStepsDeps {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly serverName: ServerName;
  readonly members: Pick<RoomMembers, "leave">;
}

interface PurgedRoom {
  readonly nid: number;
  readonly roomId: RoomId;
}

export interface PurgeSteps {
  history(room: PurgedRoom, work: HistoryPurge, signal: AbortSignal): Promise<void>;
  putOut(
    room: PurgedRoom,
    before: PurgeReport,
    message: string | undefined,
    signal: AbortSignal,
    note: (report: PurgeReport) => Promise<void>,
  ): Promise<PurgeReport>;
  /** `note` is told now and then how many rows were deleted, and so is the caller at the end. */
  room(
    room: PurgedRoom,
    signal: AbortSignal,
    note: (deletedRows: number) => Promise<void>,
  ): Promise<number>;
}

export interface HistoryPurge {
  /** The first event that stays. */
  readonly before: TimelinePlace;
  /** Whether messages of local users are deleted, too. */
  readonly localEvents: boolean;
  /** What has not ended, and stays; undefined: nothing does. */
  readonly living?: Living | undefined;
}

/** Rows per transaction. */
const BATCH = 500;
/** How often those who look are told how far it is. */
const USERS_BETWEEN_NOTES = 20;
const STEPS_BETWEEN_NOTES = 10;
/** How long it waits until the leave events have been sent to other servers. */
const SENDER_MS = 10_000;
const LOOK_MS = 200;

export function createPurgeSteps(deps: PurgeStepsDeps): PurgeSteps {
  const { sql, log, clock, serverName } = deps;

  /** Repeats a step until nothing is left to do. */
  async function untilNothing(
    step: (tx: Tx) => Promise<number>,
    signal: AbortSignal,
    done?: () => Promise<void>,
  ): Promise<void> {
    for (let count = 1; count > 0;) {
      signal.throwIfAborted();
      count = await sql.begin(step);
      await done?.();
    }
  }

  /** Makes every replica drop what it caches of the room. */
  async function tell({ nid, roomId }: PurgedRoom, whole: boolean): Promise<void> {
    await log.append({ records: [{ kind: "purge", roomNid: nid, roomId, whole }] });
  }

  /** The sender reads events from the tables, so they must be sent before the rows are deleted. */
  async function untilSent(position: number, signal: AbortSignal): Promise<void> {
    const end = clock.monotonic() + SENDER_MS;
    while (((await loadCursor(sql, "sender")) ?? Infinity) < position) {
      if (clock.monotonic() > end) return;
      await clock.sleep(LOOK_MS, signal);
      signal.throwIfAborted();
    }
  }

  return {
    async history(room, { before, localEvents, living }, signal) {
      await notePurgedDepth(sql, room.nid, before);
      const keepServer = localEvents ? undefined : serverName;
      for (const pass of HISTORY_PASSES) {
        const options = { before, keepServer, living, limit: BATCH, pass };
        await untilNothing((tx) => purgeHistory(tx, room.nid, options), signal);
      }
      await closeGaps(sql, room.nid, before, living);
      await recountEvents(sql, room.nid);
      await tell(room, false);
    },

    async putOut({ nid, roomId }, before, message, signal, note) {
      const putOut = new Set<UserId>(before.putOut);
      const notPutOut = new Set<UserId>();
      const report = () => ({ ...before, putOut: [...putOut], notPutOut: [...notPutOut] });
      let since = 0;
      for (const userId of (await localMembers(sql, nid, serverName)) as UserId[]) {
        signal.throwIfAborted();
        try {
          await deps.members.leave({ by: { userId }, roomId, reason: message });
          putOut.add(userId);
        } catch {
          notPutOut.add(userId);
        }
        since += 1;
        if (since % USERS_BETWEEN_NOTES === 0) await note(report());
      }
      await untilSent(log.position, signal);
      const aliases = new Set([...before.aliases, ...(await aliasesOfRoom(sql, roomId))]);
      return { ...report(), aliases: [...aliases] };
    },

    async room(room, signal, note) {
      const { nid, roomId } = room;
      let deleted = 0;
      let steps = 0;
      await untilNothing(
        async (tx) => {
          const count = await purgeRoom(tx, nid, BATCH);
          deleted += count;
          return count;
        },
        signal,
        async () => {
          steps += 1;
          if (steps % STEPS_BETWEEN_NOTES === 0) await note(deleted);
        },
      );
      await sql.begin((tx) => forgetRoom(tx, nid, roomId));
      await tell(room, true);
      // A replica that still had the room in memory may have written to it meanwhile.
      await untilNothing((tx) => purgeRoom(tx, nid, BATCH), signal);
      return deleted;
    },
  };
}
