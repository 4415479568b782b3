/** What the processes of the server have measured. */
import type { Sql } from "../sql.ts";

/** Times are ms since 1970. */
export interface SampleRow {
  readonly replica: string;
  readonly ts: number;
  readonly version: string;
  readonly startedTs: number;
  readonly hasEnded: boolean;
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly memoryBytes: number;
  /** Cores in use. */
  readonly cpu: number;
  readonly delayMs: number;
  readonly logPosition: number;
}

export async function insertSample(sql: Sql, row: SampleRow): Promise<void> {
  await sql`
    INSERT INTO replica_samples (replica, ts, version, started_ts, has_ended, requests, failed,
      p50_ms, p95_ms, memory_bytes, cpu, delay_ms, log_position)
    VALUES (${row.replica}, ${row.ts}, ${row.version}, ${row.startedTs}, ${row.hasEnded},
      ${row.requests}, ${row.failed}, ${row.p50Ms}, ${row.p95Ms}, ${row.memoryBytes}, ${row.cpu},
      ${row.delayMs}, ${row.logPosition})
    ON CONFLICT (replica, ts) DO UPDATE SET has_ended = excluded.has_ended`;
}

export async function deleteSamples(sql: Sql, before: number): Promise<void> {
  await sql`DELETE FROM replica_samples WHERE ts < ${before}`;
}

/** The newest sample of each process that has one since then and has not ended. */
export async function runningReplicas(sql: Sql, since: number): Promise<SampleRow[]> {
  return sql<SampleRow[]>`
    SELECT * FROM (
      SELECT DISTINCT ON (replica) replica, ts, version, started_ts AS "startedTs",
        has_ended AS "hasEnded", requests, failed, p50_ms AS "p50Ms", p95_ms AS "p95Ms",
        memory_bytes AS "memoryBytes", cpu, delay_ms AS "delayMs", log_position AS "logPosition"
      FROM replica_samples WHERE ts > ${since} ORDER BY replica, ts DESC) newest
    WHERE NOT "hasEnded" ORDER BY "startedTs", replica`;
}

interface HealthPoint {
  /** Its end. */
  readonly ts: number;
  readonly replicas: number;
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly memoryBytes: number;
  readonly cpu: number;
  readonly delayMs: number;
  readonly logPosition: number;
}

/** All processes together, in steps of so many ms, the oldest first. */
export async function healthPoints(
  sql: Sql,
  since: number,
  stepMs: number,
): Promise<HealthPoint[]> {
  return sql<HealthPoint[]>`
    WITH each AS (
      SELECT (ts / ${stepMs}::bigint) * ${stepMs}::bigint + ${stepMs}::bigint AS ts, replica,
        sum(requests) AS requests, sum(failed) AS failed,
        sum(p50_ms * requests) / greatest(sum(requests), 1) AS p50, max(p95_ms) AS p95,
        max(memory_bytes) AS memory, avg(cpu) AS cpu, max(delay_ms) AS delay,
        max(log_position) AS position
      FROM replica_samples WHERE ts > ${since} GROUP BY 1, 2)
    SELECT ts, count(*) AS replicas, sum(requests)::bigint AS requests,
      sum(failed)::bigint AS failed,
      sum(p50 * requests)::double precision / greatest(sum(requests), 1)::double precision AS "p50Ms",
      max(p95) AS "p95Ms", sum(memory)::bigint AS "memoryBytes", sum(cpu) AS cpu,
      max(delay) AS "delayMs", max(position) AS "logPosition"
    FROM each GROUP BY ts ORDER BY ts`;
}
