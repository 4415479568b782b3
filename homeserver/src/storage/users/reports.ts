import type { Sql, Tx } from "../sql.ts";

/** What a user reported. Ids are those of the kind: room and event, room, or user. */
export interface ReportRow {
  kind: "event" | "room" | "user";
  reporter: string;
  roomId: string | null;
  eventId: string | null;
  userId: string | null;
  reason: string | null;
  receivedTs: number;
}

/** Stores a report. */
export async function insertReport(tx: Sql | Tx, report: ReportRow): Promise<void> {
  await tx`
    INSERT INTO reports (kind, reporter, room_id, event_id, user_id, reason, received_ts)
    VALUES (${report.kind}, ${report.reporter}, ${report.roomId}, ${report.eventId}, ${report.userId},
      ${report.reason}, ${report.receivedTs})`;
}

/** Deletes all reports of a user but the newest. */
export async function trimReports(tx: Sql | Tx, reporter: string, max: number): Promise<void> {
  await tx`
    DELETE FROM reports WHERE reporter = ${reporter} AND report_id <= (
      SELECT report_id FROM reports WHERE reporter = ${reporter}
      ORDER BY report_id DESC OFFSET ${max} LIMIT 1)`;
}

/** Reports, newest first, before an id (undefined: from the newest). */
export async function listReports(
  sql: Sql | Tx,
  before: number | undefined,
  limit: number,
): Promise<(ReportRow & { reportId: number })[]> {
  return await sql<(ReportRow & { reportId: number })[]>`
    SELECT report_id AS "reportId", kind, reporter, room_id AS "roomId", event_id AS "eventId",
      user_id AS "userId", reason, received_ts AS "receivedTs"
    FROM reports WHERE ${before ?? null}::bigint IS NULL OR report_id < ${before ?? null}
    ORDER BY report_id DESC LIMIT ${limit}`;
}
