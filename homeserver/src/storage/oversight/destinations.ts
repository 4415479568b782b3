/** Servers that something is sent to, as administrators look at them. */
import type { Sql } from "../sql.ts";

/** Times are ms since 1970, positions those of the log. */
export interface ListedDestination {
  readonly server: string;
  readonly sent: number | null;
  readonly wanted: number | null;
  /** When it last took something; null: not since this is noted. */
  readonly deliveredTs: number | null;
  /** null, like the next three: it answers. */
  readonly failingSince: number | null;
  readonly triedTs: number | null;
  readonly retryAfter: number | null;
  readonly intervalMs: number | null;
}

/** By what a list may be ordered. */
const ORDERS = {
  destination: "server",
  retry_last_ts: "triedTs",
  retry_interval: "intervalMs",
  failure_ts: "failingSince",
  last_successful_stream_ordering: "sent",
  last_success_ts: "deliveredTs",
} as const;

export interface Page {
  readonly from: number;
  readonly limit: number;
  readonly backwards: boolean;
}

export interface DestinationPage extends Page {
  readonly orderBy: keyof typeof ORDERS;
  /** Only those in whose names this is found. */
  readonly like: string | undefined;
}

const all = (sql: Sql) => sql`
  SELECT server, d.sent_position AS sent, d.wanted_position AS wanted,
    d.delivered_ts AS "deliveredTs",
    f.failing_since AS "failingSince", coalesce(f.tried_ts, f.retry_after - f.interval_ms) AS "triedTs",
    f.retry_after AS "retryAfter", f.interval_ms AS "intervalMs"
  FROM destinations d FULL JOIN failing_servers f USING (server)`;

export async function listDestinations(
  sql: Sql,
  { from, limit, backwards, orderBy, like }: DestinationPage,
): Promise<{ found: ListedDestination[]; total: number }> {
  const by = sql(ORDERS[orderBy]);
  // Without a failure a server counts as one that failed at 0.
  const key = orderBy === "destination" ? by : sql`coalesce(${by}, 0)`;
  const order = backwards ? sql`${key} DESC, server DESC` : sql`${key}, server`;
  const named =
    like === undefined ? sql`` : sql`WHERE strpos(lower(server), ${like.toLowerCase()}) > 0`;
  const found = await sql<ListedDestination[]>`
    SELECT * FROM (${all(sql)}) AS found ${named} ORDER BY ${order} OFFSET ${from} LIMIT ${limit}`;
  const [row] = await sql<{ total: number }[]>`
    SELECT count(*) AS total FROM (${all(sql)}) AS found ${named}`;
  return { found, total: row!.total };
}

export async function findDestination(
  sql: Sql,
  server: string,
): Promise<ListedDestination | undefined> {
  const [row] = await sql<ListedDestination[]>`
    SELECT * FROM (${all(sql)}) AS found WHERE server = ${server}`;
  return row;
}

/** Rooms that a server is in, each with the newest event of the server `ours` (0: there is none). */
export async function roomsOfDestination(
  sql: Sql,
  server: string,
  ours: string,
  { from, limit, backwards }: Page,
): Promise<{ found: { roomId: string; position: number }[]; total: number }> {
  const order = backwards ? sql`room_id DESC` : sql`room_id`;
  const nids = sql`
    SELECT DISTINCT room_nid FROM memberships WHERE server = ${server} AND membership = 'join'`;
  const found = await sql<{ roomId: string; position: number }[]>`
    SELECT room_id AS "roomId", coalesce(newest.position, 0) AS position
    FROM (SELECT r.room_nid, r.room_id FROM (${nids}) n JOIN rooms r USING (room_nid)
          ORDER BY ${order} OFFSET ${from} LIMIT ${limit}) page
    LEFT JOIN LATERAL (
      SELECT e.position FROM events e
      WHERE e.room_nid = page.room_nid AND e.position IS NOT NULL AND e.ordinal = 0
        AND e.status = 0 AND substr(e.sender, strpos(e.sender, ':') + 1) = ${ours}
      ORDER BY e.position DESC LIMIT 1) newest ON true
    ORDER BY ${order}`;
  const [row] = await sql<{ total: number }[]>`SELECT count(*) AS total FROM (${nids}) n`;
  return { found, total: row!.total };
}
