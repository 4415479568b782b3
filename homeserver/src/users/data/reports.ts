import type { Clock } from "../../platform/clock.ts";
import { errors } from "../../protocol/errors.ts";
import type { EventId, RoomId, UserId } from "../../protocol/identifiers.ts";
import * as storage from "../../storage/users/reports.ts";
import type { Sql } from "../../storage/sql.ts";
import { plainText } from "../common/text.ts";

/** What users report to the operator. (Client-server API, "Reporting content".) */
export interface Reports {
  /** Reports an event that the caller has made sure the reporter may see. */
  event(by: UserId, roomId: RoomId, eventId: EventId, reason: unknown): Promise<void>;
  /** Reports a room, known here or not: the answer does not tell. */
  room(by: UserId, roomId: RoomId, reason: unknown): Promise<void>;
  /** Reports a user, existing or not: the answer does not tell. */
  user(by: UserId, userId: UserId, reason: unknown): Promise<void>;
  /** Reports for the operator, newest first. */
  list(
    before: number | undefined,
    limit: number,
  ): Promise<(storage.ReportRow & { reportId: number })[]>;
}

const MAX_REASON_BYTES = 8192;
/** Reports of one user that are kept: a newer one takes the place of the oldest. */
export const MAX_REPORTS = 500;

/**
 * All three throw MatrixError M_INVALID_PARAM 400 for a reason that is no text or too long a one.
 */
export function createReports(deps: { sql: Sql; clock: Clock }): Reports {
  const { sql, clock } = deps;

  async function store(
    report: Pick<storage.ReportRow, "kind" | "reporter"> & Partial<storage.ReportRow>,
    reason: unknown,
  ): Promise<void> {
    const text = reason === undefined ? null : reasonText(reason);
    const none = { roomId: null, eventId: null, userId: null };
    await storage.insertReport(sql, { ...none, ...report, reason: text, receivedTs: clock.now() });
    await storage.trimReports(sql, report.reporter, MAX_REPORTS);
  }

  return {
    event: (by, roomId, eventId, reason) =>
      store({ kind: "event", reporter: by, roomId, eventId }, reason),
    room: (by, roomId, reason) => store({ kind: "room", reporter: by, roomId }, reason),
    user: (by, userId, reason) => store({ kind: "user", reporter: by, userId }, reason),
    list: (before, limit) => storage.listReports(sql, before, limit),
  };
}

function reasonText(reason: unknown): string {
  if (typeof reason !== "string") throw errors.badJson("reason must be a string");
  return plainText(reason, "reason", MAX_REASON_BYTES);
}
