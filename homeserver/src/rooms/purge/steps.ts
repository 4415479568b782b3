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
  notePurgeBegun,
  notePurgeEnded,
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
  /** What is left of one that was cut off after its last deletion. */
  endHistory(room: PurgedRoom): Promise<void>;
  /** `note` is told before users leave, and of the end, so that no cut loses anybody's name. */
  putOut(
    room: PurgedRoom,
    before: NotedReport,
    message: string | undefined,
    signal: AbortSignal,
    note: (report: NotedReport) => Promise<void>,
  ): Promise<NotedReport>;
  /** `note` is told in the transaction of each step how many rows it deletes. */
  room(
    room: PurgedRoom,
    signal: AbortSignal,
    note: (tx: Tx, deletedRows: number) => Promise<void>,
  ): Promise<void>;
}

/** A report as it is stored. */
export interface NotedReport extends PurgeReport {
  /** Users who are being made to leave: whoever of them is out was put out. */
  readonly leaving: readonly UserId[];
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
/** Users who are made to leave between two notes. */
const USERS_AT_ONCE = 20;
/** How long it waits until the leave events have been sent to other servers. */
const SENDER_MS = 10_000;
const LOOK_MS = 200;

export function createPurgeSteps(deps: PurgeStepsDeps): PurgeSteps {
  const { sql, log, clock, serverName } = deps;

  /** Repeats a step until nothing is left to do. */
  async function untilNothing(
    step: (tx: Tx) => Promise<number>,
    signal: AbortSignal,
  ): Promise<void> {
    for (let count = 1; count > 0;) {
      signal.throwIfAborted();
      count = await sql.begin(step);
    }
  }

  /** False when the user could not be made to leave. */
  function leave(roomId: RoomId, userId: UserId, reason: string | undefined): Promise<boolean> {
    const left = deps.members.leave({ by: { userId }, roomId, reason });
    return left.then(
      () => true,
      () => false,
    );
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

  /** When nothing is left to delete, nothing else tells that this is still to be done. */
  async function endHistory(room: PurgedRoom): Promise<void> {
    await tell(room, false);
    await recountEvents(sql, room.nid);
    await notePurgeEnded(sql, room.nid);
  }

  return {
    endHistory,

    async history(room, { before, localEvents, living }, signal) {
      await notePurgeBegun(sql, room.nid, before);
      await closeGaps(sql, room.nid, before, living);
      const keepServer = localEvents ? undefined : serverName;
      for (const pass of HISTORY_PASSES) {
        const options = { before, keepServer, living, limit: BATCH, pass };
        await untilNothing((tx) => purgeHistory(tx, room.nid, options), signal);
      }
      await endHistory(room);
    },

    async putOut({ nid, roomId }, before, message, signal, note) {
      const members = (await localMembers(sql, nid, serverName)) as UserId[];
      const within = new Set(members);
      const out = before.leaving.filter((userId) => !within.has(userId));
      const putOut = new Set<UserId>([...before.putOut, ...out]);
      const notPutOut = new Set<UserId>();
      const report = (leaving: readonly UserId[]): NotedReport => ({
        ...before,
        ...{ putOut: [...putOut], notPutOut: [...notPutOut], leaving },
      });
      for (let i = 0; i < members.length; i += USERS_AT_ONCE) {
        const leaving = members.slice(i, i + USERS_AT_ONCE);
        await note(report(leaving));
        for (const userId of leaving) {
          signal.throwIfAborted();
          const isOut = await leave(roomId, userId, message);
          (isOut ? putOut : notPutOut).add(userId);
        }
      }
      signal.throwIfAborted();
      // Noted before they are moved elsewhere: afterwards nobody could tell which they were.
      const aliases = new Set([...before.aliases, ...(await aliasesOfRoom(sql, roomId))]);
      const done = { ...report([]), aliases: [...aliases] };
      await note(done);
      await untilSent(log.position, signal);
      return done;
    },

    async room(room, signal, note) {
      const { nid, roomId } = room;
      const step = async (tx: Tx) => {
        const deleted = await purgeRoom(tx, nid, BATCH);
        if (deleted > 0) await note(tx, deleted);
        return deleted;
      };
      await untilNothing(step, signal);
      await sql.begin((tx) => forgetRoom(tx, nid, roomId));
      await tell(room, true);
      // A replica that still had the room in memory may have written to it meanwhile.
      await untilNothing((tx) => purgeRoom(tx, nid, BATCH), signal);
    },
  };
}
