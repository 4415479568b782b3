/** How the database does, and what waits in it. */
import type { Sql } from "../sql.ts";

interface DatabaseFacts {
  readonly version: string;
  readonly sizeBytes: number;
  readonly connections: number;
  readonly maxConnections: number;
}

export async function databaseFacts(sql: Sql): Promise<DatabaseFacts> {
  const [row] = await sql<DatabaseFacts[]>`
    SELECT current_setting('server_version') AS version,
      pg_database_size(current_database()) AS "sizeBytes",
      (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
      current_setting('max_connections')::int AS "maxConnections"`;
  return row!;
}

/** What waits, and where. Each is a condition on a table. */
const QUEUES = {
  servers_behind: ["destinations", "wanted_position > sent_position"],
  messages_for_other_servers: ["to_device_outbound", "true"],
  messages_for_devices: ["to_device_messages", "true"],
  staged_events: ["staged_events", "true"],
  events_to_rejudge: ["events_to_rejudge", "true"],
  rooms_to_complete: ["partial_rooms", "NOT complete"],
  redactions_along: ["cascade_queue", "true"],
  sticky_events_owed: ["sticky_owed", "true"],
  delayed_events: ["delayed_events", "true"],
  mails: ["outgoing_mails", "true"],
} as const;

interface QueueLength {
  readonly name: string;
  readonly length: number;
}

/** How much waits in each, counted up to one more than `most`. */
export async function queueLengths(sql: Sql, most: number): Promise<QueueLength[]> {
  const names = Object.keys(QUEUES) as (keyof typeof QUEUES)[];
  return Promise.all(
    names.map(async (name) => {
      const [table, condition] = QUEUES[name];
      const [row] = await sql<{ length: number }[]>`
        SELECT count(*) AS length FROM (
          SELECT FROM ${sql(table)} WHERE ${sql.unsafe(condition)} LIMIT ${most + 1}) waiting`;
      return { name, length: row!.length };
    }),
  );
}

export async function countFailing(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`SELECT count(*) AS count FROM failing_servers`;
  return row!.count;
}
