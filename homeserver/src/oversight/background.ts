import type { Clock } from "../platform/clock.ts";
import { errors } from "../protocol/errors.ts";
import type { UserId } from "../protocol/identifiers.ts";
import {
  arePeopleIndexed,
  endHalt,
  halt,
  indexPeopleAnew,
  isHalted,
  listFollowers,
  type ListedRedaction,
  listRedactions,
  listPurges,
  messagesIndexed,
  roomsToComplete,
} from "../storage/oversight/background.ts";
import { listMediaDeletions, type MediaDeletionRow } from "../storage/media/deletions.ts";
import {
  listNoticeSendings,
  type NoticeSendingRow,
} from "../storage/administration/notice-sendings.ts";
import type { Sql } from "../storage/sql.ts";

export interface BackgroundDeps {
  readonly sql: Sql;
  readonly clock: Clock;
}

export interface Work {
  readonly id: string;
  readonly kind: string;
  readonly state: "waiting" | "running" | "halted" | "stopped" | "complete" | "failed";
  readonly roomId?: string;
  readonly userId?: string;
  /** ms since 1970. */
  readonly startedTs?: number;
  readonly endedTs?: number | undefined;
  /** null: that is not known. */
  readonly done: number | null;
  readonly total: number | null;
  readonly error?: string | undefined;
}

/** Deletions, and rooms, that are listed at most. */
const MAX_LISTED = 1000;
const WEEK_MS = 7 * 24 * 3_600_000;
const LOOK_AGAIN_MS = 1_000;

export type Background = ReturnType<typeof createBackground>;

/** What the server does in the background, and a switch for the indexing of what is old. */
export function createBackground({ sql, clock }: BackgroundDeps) {
  /** The indexing that is under way. */
  async function indexing(): Promise<Work[]> {
    const [halted, messages, people] = await Promise.all([
      isHalted(sql),
      messagesIndexed(sql),
      arePeopleIndexed(sql),
    ]);
    const state = halted ? "halted" : "running";
    const { done, total } = messages;
    return [
      ...(done < Number.MAX_SAFE_INTEGER
        ? [{ id: "index_messages", kind: "index_messages", state, done, total } as const]
        : []),
      ...(people
        ? []
        : [{ id: "index_people", kind: "index_people", state, done: null, total: null } as const]),
    ];
  }

  return {
    isHalted: () => isHalted(sql),
    async setHalted(halted: boolean, by: UserId): Promise<void> {
      await (halted ? halt(sql, by, clock.now()) : endHalt(sql));
    },
    /** Resolves when the indexing of what is old may go on. @throws when the signal aborts */
    async allowed(signal: AbortSignal): Promise<void> {
      while (await isHalted(sql)) {
        signal.throwIfAborted();
        await clock.sleep(LOOK_AGAIN_MS, signal);
      }
      signal.throwIfAborted();
    },
    indexing,
    /** @throws MatrixError M_UNKNOWN 400 */
    async start(job: string): Promise<undefined> {
      if (job !== "regenerate_directory") throw errors.unknown("There is no such job here", 400);
      if (await indexPeopleAnew(sql)) return;
      throw errors.unknown("That job is under way already", 400);
    },
    purges: () => listPurges(sql, MAX_LISTED),
    redactions: () => listRedactions(sql, MAX_LISTED),
    async work(): Promise<Work[]> {
      const weekAgo = clock.now() - WEEK_MS;
      const [notices, deletions, purges, redactions, rooms, index] = await Promise.all([
        listNoticeSendings(sql, MAX_LISTED),
        listMediaDeletions(sql, weekAgo, MAX_LISTED),
        listPurges(sql, MAX_LISTED),
        listRedactions(sql, MAX_LISTED),
        roomsToComplete(sql, MAX_LISTED),
        indexing(),
      ]);
      return [
        ...index,
        ...rooms.map(({ roomId, isFetched }) => ({
          ...{ id: `complete_room ${roomId}`, kind: "complete_room", roomId },
          ...{ state: "running" as const, done: isFetched ? 1 : 0, total: 2 },
        })),
        ...notices.map(ofNotice),
        ...deletions.map(ofMedia),
        ...redactions.map((each) => ({
          ...{ id: each.id, kind: "redact_user", userId: each.userId },
          ...{ startedTs: each.createdTs, endedTs: each.endedTs ?? undefined },
          state: each.status === "scheduled" ? ("waiting" as const) : stateOf(each.status),
          ...roomsOf(each),
          error: each.reason ?? undefined,
        })),
        ...purges.map((purge) => ({
          ...{ id: purge.id, roomId: purge.roomId, startedTs: purge.createdTs },
          kind: purge.kind === "room" ? "delete_room" : "purge_history",
          state: stateOf(purge.status),
          ...{ endedTs: purge.endedTs ?? undefined, error: purge.reason ?? undefined },
          ...stepsOf(purge),
        })),
      ];
    },
    followers: () => listFollowers(sql),
  };
}

function ofMedia(job: MediaDeletionRow): Work {
  const { deletionId: id, deleted, total, reason, createdTs, endedTs } = job;
  const ended = reason === null ? "complete" : "failed";
  const underWay = total === null ? "waiting" : "running";
  return {
    ...{ id, kind: "delete_media", state: endedTs === null ? underWay : ended },
    ...{ startedTs: createdTs, endedTs: endedTs ?? undefined, error: reason ?? undefined },
    // Others may have been protected, opened or deleted meanwhile.
    ...{ done: deleted, total: endedTs === null ? total : deleted },
  };
}

function ofNotice(job: NoticeSendingRow): Work {
  const { noticeId: id, total, told, failed, stopped, createdTs, endedTs } = job;
  const done = told + failed;
  const ended = stopped ? "stopped" : "complete";
  const underWay = done === 0 ? "waiting" : "running";
  return {
    ...{ id, kind: "send_notice", state: endedTs === null ? underWay : ended, done, total },
    ...{ startedTs: createdTs, endedTs: endedTs ?? undefined },
  };
}

function stateOf(status: string): "running" | "complete" | "failed" {
  return status === "complete" || status === "failed" ? status : "running";
}

/** Through how many rooms a redaction is, and of how many. */
function roomsOf({ status, roomsDone, request }: ListedRedaction) {
  const { rooms } = JSON.parse(request) as { readonly rooms?: unknown };
  const total = Array.isArray(rooms) ? rooms.length : null;
  return { done: status === "complete" ? total : roomsDone, total };
}

/** A room is deleted in two steps: its users are put out, and then all is deleted. */
function stepsOf({ kind, status }: { readonly kind: string; readonly status: string }) {
  if (status === "complete") return { done: 1, total: 1 };
  if (kind === "history") return { done: 0, total: 1 };
  return { done: status === "purging" ? 1 : 0, total: 2 };
}
