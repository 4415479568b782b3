import type { Sql, Tx } from "../sql.ts";

/** What an administrator did. `parameters` is a JSON text, times are ms since 1970. */
export interface AuditRow {
  readonly entryId: number;
  readonly ts: number;
  readonly userId: string;
  readonly deviceId: string;
  readonly operation: string;
  readonly parameters: string;
  readonly ip: string;
  /** null: nobody knows. */
  readonly status: number | null;
  readonly errcode: string | null;
  readonly endedTs: number | null;
}

/** What is asked for; what is absent is not asked for. */
export interface AuditFilter {
  readonly userId?: string | undefined;
  readonly operation?: string | undefined;
  readonly target?: string | undefined;
  readonly outcome?: "done" | "refused" | "unknown" | undefined;
  /** ms since 1970, inclusive. */
  readonly fromTs?: number | undefined;
  /** ms since 1970, exclusive. */
  readonly toTs?: number | undefined;
  /** Entries below this one. */
  readonly below?: number | undefined;
}

type Begun = Omit<AuditRow, "entryId" | "status" | "errcode" | "endedTs"> & {
  /** The texts among the parameters. */
  readonly targets: readonly string[];
};

/** Notes what is about to be done; answers the entry's id. */
export async function insertAuditEntry(sql: Sql, row: Begun): Promise<number> {
  const [made] = await sql<{ entryId: number }[]>`
    INSERT INTO audit_log (ts, user_id, device_id, operation, parameters, targets, ip)
    VALUES (${row.ts}, ${row.userId}, ${row.deviceId}, ${row.operation}, ${row.parameters},
      ${row.targets as string[]}, ${row.ip})
    RETURNING entry_id AS "entryId"`;
  return made!.entryId;
}

/** Notes how it ended. */
export async function endAuditEntry(
  sql: Sql,
  entryId: number,
  end: { readonly status: number; readonly errcode: string | undefined; readonly now: number },
): Promise<void> {
  await sql`
    UPDATE audit_log SET status = ${end.status}, errcode = ${end.errcode ?? null},
      ended_ts = ${end.now}
    WHERE entry_id = ${entryId}`;
}

/** Those that fit, the newest first. */
export async function findAuditEntries(
  sql: Sql,
  filter: AuditFilter,
  limit: number,
): Promise<AuditRow[]> {
  const { userId, operation, target, outcome, fromTs, toTs, below } = filter;
  const when = <T>(value: T | undefined, clause: (value: T) => ReturnType<typeof sql>) =>
    value === undefined ? sql`` : sql`AND ${clause(value)}`;
  return sql<AuditRow[]>`
    SELECT entry_id AS "entryId", ts, user_id AS "userId", device_id AS "deviceId", operation,
      parameters, ip, status, errcode, ended_ts AS "endedTs"
    FROM audit_log WHERE true
      ${when(userId, (value) => sql`user_id = ${value}`)}
      ${when(operation, (value) => sql`operation = ${value}`)}
      ${when(target, (value) => sql`targets @> ${[value]}`)}
      ${when(fromTs, (value) => sql`ts >= ${value}`)}
      ${when(toTs, (value) => sql`ts < ${value}`)}
      ${when(below, (value) => sql`entry_id < ${value}`)}
      ${outcome === undefined ? sql`` : outcomeIs(sql, outcome)}
    ORDER BY entry_id DESC LIMIT ${limit}`;
}

function outcomeIs(sql: Sql, outcome: NonNullable<AuditFilter["outcome"]>) {
  if (outcome === "unknown") return sql`AND status IS NULL`;
  return outcome === "done" ? sql`AND status < 400` : sql`AND status >= 400`;
}

/** Deletes at most `max` entries from before a moment (ms since 1970); answers how many. */
export async function deleteAuditBefore(sql: Sql | Tx, before: number, max: number) {
  const { count } = await sql`
    DELETE FROM audit_log WHERE entry_id IN (
      SELECT entry_id FROM audit_log WHERE ts < ${before} ORDER BY entry_id LIMIT ${max}
      FOR UPDATE SKIP LOCKED)`;
  return count;
}

/** Deletes at most `max` entries of those beyond the newest `kept`; answers how many. */
export async function deleteAuditBeyond(sql: Sql | Tx, kept: number, max: number) {
  const { count } = await sql`
    DELETE FROM audit_log WHERE entry_id IN (
      SELECT entry_id FROM audit_log
      WHERE entry_id <= (SELECT entry_id FROM audit_log ORDER BY entry_id DESC OFFSET ${kept} LIMIT 1)
      ORDER BY entry_id LIMIT ${max} FOR UPDATE SKIP LOCKED)`;
  return count;
}
