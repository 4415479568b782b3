/** Purges as durable jobs, done one after another, on one replica at a time. */
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import {
  blockRoom,
  blockerOf,
  forgetPurges,
  insertPurge,
  nextPurge,
  notePurge,
  purgeById,
  purgesOfRoom,
  unblockRoom,
} from "../../storage/rooms/purges.ts";
import type { PurgeRow, PurgeStatus } from "../../storage/rooms/purges.ts";
import { noteClosure } from "../../storage/administration/room-status.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { closestEvent } from "../history/by-time.ts";
import { isInGraph } from "../records/in-graph.ts";
import type { RoomStore } from "../state/store.ts";
import { placeOf } from "../visibility/tokens.ts";
import type { NewRoom, Purge, RoomPurgeOptions, RoomPurges } from "../api/purges.ts";
import type { Room, RoomMembers, StoredEvent } from "../api/index.ts";
import { createPurgeSteps } from "./steps.ts";
import type { HistoryPurge, NotedReport, PurgeStepsDeps } from "./steps.ts";
import { createSuccessors } from "./successor.ts";
import type { SuccessorDeps } from "./successor.ts";

export interface PurgesDeps extends PurgeStepsDeps, SuccessorDeps {
  readonly members: Pick<RoomMembers, "join" | "leave">;
  readonly store: RoomStore;
  readonly random: Random;
  /** Whether a room's state is still being fetched. */
  readonly isPartial: (roomNid: number) => Promise<boolean>;
  readonly logger: Logger;
  readonly leases: Leases | undefined;
}

const LEASE = "purges";
/** How often that replica looks for purges requested on others. */
const POLL_MS = 3_000;
/** How often whoever waits for the end of a purge looks. */
const LOOK_MS = 150;
const MAX_ATTEMPTS = 5;
const PAUSE_MS = 1_000;
/** How long ended purges can be queried, and clients can be told whom they no longer share. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;
const NOTHING: NotedReport = { putOut: [], notPutOut: [], aliases: [], leaving: [] };

export function createPurges(
  deps: PurgesDeps,
): Omit<RoomPurges, "ended"> & { stop(): Promise<void> } {
  const { store, sql, clock, random, logger, leases } = deps;
  const steps = createPurgeSteps(deps);
  const successors = createSuccessors(deps);
  const stopping = new AbortController();
  let wake = new AbortController();
  const attempts = new Map<string, number>();
  const running = run();

  /** `blocks`: who blocks the room with it; a purge that is refused blocks nothing. */
  async function begin(
    row: Omit<PurgeRow, "purgeId" | "report" | "reason">,
    blocks?: UserId,
  ): Promise<string> {
    const purgeId = random.alphanumeric(16);
    const now = clock.now();
    await transaction(sql, async (tx) => {
      if (!(await insertPurge(tx, { ...row, purgeId }, now))) {
        throw errors.unknown("Another purge of this room is under way", 400);
      }
      if (blocks !== undefined) await blockRoom(tx, row.roomId, blocks, now);
    });
    wake.abort();
    return purgeId;
  }

  /** Runs due purges, and waits for further ones. */
  async function run(): Promise<void> {
    await whileLeader(leases, LEASE, stopping.signal, async (signal) => {
      while (!signal.aborted) await work(signal);
    });
  }

  async function work(signal: AbortSignal): Promise<void> {
    wake = new AbortController();
    const row = await next().catch((error: unknown) => {
      logger.warn({ err: error }, "purges can't be looked for; trying again");
      return undefined;
    });
    if (row !== undefined) return attempt(row, signal);
    await clock.sleep(
      leases === undefined ? 60 * POLL_MS : POLL_MS,
      AbortSignal.any([signal, wake.signal]),
    );
  }

  async function next(): Promise<PurgeRow | undefined> {
    await forgetPurges(sql, clock.now() - REMEMBERED_MS);
    return nextPurge(sql);
  }

  async function attempt(row: PurgeRow, signal: AbortSignal): Promise<void> {
    const { purgeId, roomId: room } = row;
    try {
      await perform(row, signal);
      attempts.delete(purgeId);
    } catch (error) {
      if (signal.aborted) return;
      const tried = (attempts.get(purgeId) ?? 0) + 1;
      attempts.set(purgeId, tried);
      logger.error({ err: error, room, purge: purgeId, tried }, "a purge failed");
      if (tried < MAX_ATTEMPTS) return clock.sleep(PAUSE_MS * tried, signal);
      attempts.delete(purgeId);
      const reason = "The server's log tells what went wrong";
      await end(purgeId, "failed", reason).catch(() => {});
    }
  }

  async function end(
    purgeId: string,
    status: "complete" | "failed",
    reason?: string,
  ): Promise<void> {
    await notePurge(sql, purgeId, { status, reason, ended: clock.now() });
  }

  async function perform(row: PurgeRow, signal: AbortSignal): Promise<void> {
    const { purgeId, roomNid, kind } = row;
    const room = { nid: roomNid ?? 0, roomId: row.roomId as RoomId };
    if (kind === "history") {
      await steps.history(room, JSON.parse(row.request) as HistoryPurge, signal);
      return end(purgeId, "complete");
    }
    const request = JSON.parse(row.request) as RoomPurgeOptions & { readonly by?: UserId };
    const { purge, force, message, newRoom, by } = request;
    if (roomNid === null) return end(purgeId, "complete");
    let known = notedIn(row);
    const noteIn = (on: Sql | Tx, status: PurgeStatus, report: NotedReport) =>
      notePurge(on, purgeId, { status, report: JSON.stringify(report), ended: null });
    if (row.status === "shutting_down") {
      const before = await withSuccessor(row, newRoom);
      known = await steps.putOut(room, before, message, signal, (now) =>
        noteIn(sql, row.status, now),
      );
      if (known.newRoom !== undefined) {
        await successors.moveIn(room.roomId, known.newRoom, known.putOut, signal);
      }
      if (!purge) {
        const closure = { closedTs: clock.now(), reason: message ?? null };
        if (by !== undefined) await noteClosure(sql, room.nid, "shut_down", { by, ...closure });
        return end(purgeId, "complete");
      }
      if (known.notPutOut.length > 0 && !force) {
        return end(purgeId, "failed", "Some users could not be made to leave");
      }
      await noteIn(sql, "purging", known);
    }
    await steps.room(room, signal, async (tx, deleted) => {
      known = { ...known, deletedRows: (known.deletedRows ?? 0) + deleted };
      await noteIn(tx, "purging", known);
    });
    await end(purgeId, "complete");
  }

  /** The report, with the room for the removed users, which is created only once. */
  async function withSuccessor(row: PurgeRow, wanted: NewRoom | undefined): Promise<NotedReport> {
    const before = notedIn(row);
    if (wanted === undefined || before.newRoom !== undefined) return before;
    const { purgeId, status } = row;
    const report = { ...before, newRoom: await successors.make(wanted, purgeId) };
    await notePurge(sql, purgeId, { status, report: JSON.stringify(report), ended: null });
    return report;
  }

  async function eventAt(
    room: Room,
    upTo: Parameters<RoomPurges["history"]>[1],
  ): Promise<StoredEvent | undefined> {
    if ("eventId" in upTo) {
      const event = await store.events.byId(upTo.eventId);
      return event?.roomNid === room.nid && isInGraph(event) ? event : undefined;
    }
    const all = async (events: readonly StoredEvent[]) => events;
    const next = await closestEvent(store, room.nid, { ts: upTo.ts, dir: "f" }, all);
    // When everything is before the moment, the newest event stays.
    return next ?? closestEvent(store, room.nid, { ts: upTo.ts, dir: "b" }, all);
  }

  return {
    async history(roomId, upTo, { localEvents }) {
      const room = await store.registry.byId(roomId);
      if (room === undefined) throw errors.notFound("This server does not know that room");
      if (await deps.isPartial(room.nid)) {
        throw errors.unknown("The room is still being joined: purge its history afterwards", 400);
      }
      const event = await eventAt(room, upTo);
      if (event === undefined) throw errors.notFound("The room has no such event");
      const work: HistoryPurge = { before: placeOf(event), localEvents };
      return begin({
        roomId,
        roomNid: room.nid,
        kind: "history",
        request: JSON.stringify(work),
        status: "purging",
      });
    },

    async room(by, roomId, options) {
      const room = await store.registry.byId(roomId);
      if (room === undefined && !options.block) {
        throw errors.notFound("This server does not know that room");
      }
      const row = {
        ...{ roomId, roomNid: room?.nid ?? null, request: JSON.stringify({ ...options, by }) },
        ...({ kind: "room", status: "shutting_down" } as const),
      };
      return begin(row, options.block ? by : undefined);
    },

    async whenOver(purgeId, signal) {
      for (;;) {
        const row = await purgeById(sql, purgeId);
        if (row === undefined) throw errors.notFound("There is no such purge");
        if (row.status === "complete" || row.status === "failed") return purgeOf(row);
        await clock.sleep(LOOK_MS, signal);
        if (signal.aborted) throw errors.unknown("The purge goes on in the background", 503);
      }
    },
    async one(purgeId) {
      const row = await purgeById(sql, purgeId);
      return row && purgeOf(row);
    },
    async ofRoom(roomId) {
      return (await purgesOfRoom(sql, roomId)).map(purgeOf);
    },
    blockedBy: async (roomId) => (await blockerOf(sql, roomId)) as UserId | undefined,
    async setBlocked(by, roomId, blocked) {
      if (blocked) await blockRoom(sql, roomId, by, clock.now());
      else await unblockRoom(sql, roomId);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function purgeOf(row: PurgeRow): Purge {
  const { purgeId, kind, status: state, reason } = row;
  const roomId = row.roomId as RoomId;
  const { leaving: _, ...report } = notedIn(row);
  return { purgeId, roomId, kind, state, reason: reason ?? undefined, report };
}

function notedIn({ report }: PurgeRow): NotedReport {
  return { ...NOTHING, ...(JSON.parse(report) as Partial<NotedReport>) };
}
