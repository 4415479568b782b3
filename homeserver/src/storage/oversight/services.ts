/** How far application services have been told what happens. */
import type { Sql } from "../sql.ts";

export interface ServiceState {
  readonly id: string;
  /** Log position; null: it follows from where the log is. */
  readonly position: number | null;
  readonly isWaiting: boolean;
  readonly failures: number;
  readonly problem: string | null;
  /** ms since 1970. */
  readonly retryTs: number;
}

export async function serviceStates(sql: Sql, ids: readonly string[]): Promise<ServiceState[]> {
  return sql<ServiceState[]>`
    SELECT s.id, c.position, d.unanswered IS NOT NULL AS "isWaiting",
      coalesce(d.failures, 0) AS failures, d.problem, coalesce(d.retry_ts, 0) AS "retryTs"
    FROM unnest(${ids as string[]}::text[]) AS s (id)
    LEFT JOIN cursors c ON c.name = 'appservice ' || s.id
    LEFT JOIN appservice_deliveries d ON d.service = s.id`;
}
