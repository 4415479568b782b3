import type { Sql, Tx } from "../sql.ts";
import { numberArray } from "../sql.ts";

export type ReportKind = "event" | "room" | "user";

/** What a user reported. Ids are those of the kind: room and event, room, or user. */
export interface ReportRow {
  kind: ReportKind;
  reporter: string;
  roomId: string | null;
  eventId: string | null;
  userId: string | null;
  reason: string | null;
  receivedTs: number;
  /** Who sent the event. */
  sender: string | null;
  /** The event's PDU as it was reported, while the report is open. */
  copy: string | null;
  score: number | null;
}

/** A report with what is known of its target now. */
export interface ListedReport extends Omit<ReportRow, "copy"> {
  reportId: number;
  /** Null: it is open. */
  decidedTs: number | null;
  roomName: string | null;
  canonicalAlias: string | null;
}

export interface ReportQuery {
  readonly from: number;
  readonly limit: number;
  readonly oldestFirst: boolean;
  readonly kind?: ReportKind | undefined;
  readonly isOpen?: boolean | undefined;
  /** Part of the reporter's user id. */
  readonly reporter?: string | undefined;
  /** Part of the room's identifier. */
  readonly roomId?: string | undefined;
  /** Who sent the event, or is reported. */
  readonly about?: string | undefined;
  /** Part of the reported user's id. */
  readonly userId?: string | undefined;
}

/** Stores a report. */
export async function insertReport(tx: Sql | Tx, report: ReportRow): Promise<void> {
  await tx`
    INSERT INTO reports (kind, reporter, room_id, event_id, user_id, reason, received_ts, sender,
      copy, score)
    VALUES (${report.kind}, ${report.reporter}, ${report.roomId}, ${report.eventId}, ${report.userId},
      ${report.reason}, ${report.receivedTs}, ${report.sender}, ${report.copy}, ${report.score})`;
}

/** Deletes all reports of a user but the newest. */
export async function trimReports(tx: Sql | Tx, reporter: string, max: number): Promise<void> {
  await tx`
    DELETE FROM reports WHERE reporter = ${reporter} AND report_id <= (
      SELECT report_id FROM reports WHERE reporter = ${reporter}
      ORDER BY report_id DESC OFFSET ${max} LIMIT 1)`;
}

const source = (sql: Sql | Tx) => sql`
  reports p LEFT JOIN rooms m ON m.room_id = p.room_id LEFT JOIN room_stats s USING (room_nid)
  LEFT JOIN events e ON e.event_id = p.event_id`;

const columns = (sql: Sql | Tx) => sql`
  p.report_id AS "reportId", p.kind, p.reporter, p.room_id AS "roomId", p.event_id AS "eventId",
  p.user_id AS "userId", p.reason, p.received_ts AS "receivedTs", p.score,
  coalesce(p.sender, e.sender) AS sender, p.decided_ts AS "decidedTs", s.name AS "roomName",
  s.canonical_alias AS "canonicalAlias"`;

function conditions(sql: Sql | Tx, query: ReportQuery) {
  const { kind, isOpen, reporter, roomId, about, userId } = query;
  return sql`true
    ${kind === undefined ? sql`` : sql`AND p.kind = ${kind}`}
    ${isOpen === undefined ? sql`` : sql`AND (p.decided_ts IS NULL) = ${isOpen}`}
    ${reporter === undefined ? sql`` : sql`AND strpos(p.reporter, ${reporter}) > 0`}
    ${roomId === undefined ? sql`` : sql`AND strpos(p.room_id, ${roomId}) > 0`}
    ${userId === undefined ? sql`` : sql`AND strpos(p.user_id, ${userId}) > 0`}
    ${about === undefined ? sql`` : sql`AND coalesce(p.user_id, p.sender, e.sender) = ${about}`}`;
}

/** A page of reports, the newest first unless the oldest are wanted, and how many there are. */
export async function listReports(
  sql: Sql,
  query: ReportQuery,
): Promise<{ reports: ListedReport[]; total: number }> {
  const where = conditions(sql, query);
  const direction = query.oldestFirst ? sql`ASC` : sql`DESC`;
  const [reports, [count]] = await Promise.all([
    sql<ListedReport[]>`
      SELECT ${columns(sql)} FROM ${source(sql)} WHERE ${where}
      ORDER BY p.report_id ${direction} LIMIT ${query.limit} OFFSET ${query.from}`,
    sql<{ total: number }[]>`SELECT count(*) AS total FROM ${source(sql)} WHERE ${where}`,
  ]);
  return { reports, total: count?.total ?? 0 };
}

/** One report, with the copy of its event. */
export async function findReport(
  sql: Sql | Tx,
  reportId: number,
): Promise<(ListedReport & Pick<ReportRow, "copy">) | undefined> {
  const [row] = await sql<(ListedReport & Pick<ReportRow, "copy">)[]>`
    SELECT ${columns(sql)}, p.copy FROM ${source(sql)} WHERE p.report_id = ${reportId}`;
  return row;
}

/** Deletes a report of a kind; false when there is none. */
export async function deleteReport(
  sql: Sql | Tx,
  reportId: number,
  kind: ReportKind,
): Promise<boolean> {
  const { count } = await sql`DELETE FROM reports WHERE report_id = ${reportId} AND kind = ${kind}`;
  return count > 0;
}

/** Reports that one decision settles at most. */
const MAX_SETTLED = 1_000;

/** Other open reports of the same event, user or room, the oldest first. */
export async function sameTarget(
  sql: Sql | Tx,
  { reportId, kind, roomId, eventId, userId }: ListedReport,
): Promise<number[]> {
  const target = {
    event: sql`event_id = ${eventId}`,
    room: sql`room_id = ${roomId}`,
    user: sql`user_id = ${userId}`,
  }[kind];
  const rows = await sql<{ reportId: number }[]>`
    SELECT report_id AS "reportId" FROM reports
    WHERE ${target} AND kind = ${kind} AND decided_ts IS NULL AND report_id <> ${reportId}
    ORDER BY report_id LIMIT ${MAX_SETTLED}`;
  return rows.map((row) => row.reportId);
}

// --- decisions -------------------------------------------------------------------------------------

export interface DecisionRow {
  readonly decision: string;
  readonly by: string;
  readonly decidedTs: number;
  readonly userId: string | null;
  readonly reason: string | null;
  readonly state: "doing" | "done" | "failed";
  readonly error: string | null;
}

/** Notes what an administrator is about to do; answers the decision's id. */
export async function beginDecision(
  sql: Sql | Tx,
  reportId: number,
  row: Omit<DecisionRow, "state" | "error">,
): Promise<number> {
  const [made] = await sql<{ id: number }[]>`
    INSERT INTO report_decisions (report_id, decision, decided_by, decided_ts, user_id, reason, state)
    VALUES (${reportId}, ${row.decision}, ${row.by}, ${row.decidedTs}, ${row.userId}, ${row.reason},
      'doing')
    RETURNING decision_id AS id`;
  return made!.id;
}

/** Notes why a decision could not be carried out. */
export async function failDecision(sql: Sql | Tx, id: number, error: string): Promise<void> {
  await sql`
    UPDATE report_decisions SET state = 'failed', error = ${error} WHERE decision_id = ${id}`;
}

/**
 * Notes that a decision was carried out: its report is decided, and so are others that it settles as
 * well. `now` is ms since 1970.
 */
export async function endDecision(
  tx: Tx,
  id: number,
  others: readonly number[],
  now: number,
): Promise<void> {
  await tx`UPDATE report_decisions SET state = 'done' WHERE decision_id = ${id}`;
  const decided = await tx<{ reportId: number }[]>`
    UPDATE reports SET decided_ts = ${now}, copy = NULL
    WHERE report_id IN (
      SELECT report_id FROM reports WHERE decided_ts IS NULL AND (
        report_id = ANY (${numberArray(others)}::bigint[])
        OR report_id = (SELECT report_id FROM report_decisions WHERE decision_id = ${id}))
      ORDER BY report_id FOR UPDATE)
    RETURNING report_id AS "reportId"`;
  const settled = decided.map((row) => row.reportId).filter((one) => others.includes(one));
  await tx`
    INSERT INTO report_decisions
      (report_id, decision, decided_by, decided_ts, user_id, reason, state)
    SELECT n, d.decision, d.decided_by, d.decided_ts, d.user_id, d.reason, 'done'
    FROM report_decisions d, unnest(${numberArray(settled)}::bigint[]) AS n
    WHERE d.decision_id = ${id} ORDER BY n`;
}

/** What was decided about a report, the oldest first. */
export async function decisionsOf(
  sql: Sql | Tx,
  reportId: number,
): Promise<(DecisionRow & { readonly decisionId: number })[]> {
  return await sql<(DecisionRow & { decisionId: number })[]>`
    SELECT decision_id AS "decisionId", decision, decided_by AS by, decided_ts AS "decidedTs",
      user_id AS "userId", reason, state, error
    FROM report_decisions WHERE report_id = ${reportId} ORDER BY decision_id`;
}
