/** Messages for devices of other servers, until those have taken them. */
import type { ServerName } from "../../protocol/identifiers.ts";
import { numberArray, type Sql, type Tx, textArray } from "../sql.ts";

export interface OutboundMessageRow {
  readonly position: number;
  /** JSON object text: content of the m.direct_to_device EDU. */
  readonly content: string;
}

/**
 * The first messages for a server with after < position ≤ upTo, oldest first: at most `limit`, and
 * none after `length` characters of content. `complete`: up to there these are all.
 */
export async function messagesForDestination(
  sql: Sql | Tx,
  range: { server: ServerName; after: number; upTo: number; limit: number; length: number },
): Promise<{ messages: OutboundMessageRow[]; complete: number }> {
  const { server, after, upTo, limit, length } = range;
  const messages = await sql<OutboundMessageRow[]>`
    SELECT position, content FROM (
      SELECT position, content, sum(length(content)) OVER (ORDER BY position) AS total FROM (
        SELECT position, content FROM to_device_outbound
        WHERE server = ${server} AND position > ${after} AND position <= ${upTo}
        ORDER BY position LIMIT ${limit}) AS first) AS counted
    WHERE total - length(content) < ${length} ORDER BY position`;
  const total = messages.reduce((sum, { content }) => sum + content.length, 0);
  const isAll = messages.length < limit && total < length;
  return { messages, complete: isAll ? upTo : messages.at(-1)!.position };
}

/** Removes the messages that servers have acknowledged: all up to a log position for each. */
export async function deleteAcknowledged(
  sql: Sql | Tx,
  rows: readonly { server: ServerName; sent: number }[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    DELETE FROM to_device_outbound m USING unnest(
      ${textArray(rows.map((row) => row.server))}::text[],
      ${numberArray(rows.map((row) => row.sent))}::bigint[]) AS row (server, sent)
    WHERE m.server = row.server AND m.position <= row.sent`;
}

/**
 * Removes up to `limit` acknowledged messages of all servers, which a process that ended left.
 * Returns how many there were.
 */
export async function deleteLeftAcknowledged(sql: Sql | Tx, limit: number): Promise<number> {
  const { count } = await sql`
    DELETE FROM to_device_outbound WHERE position IN (
      SELECT m.position FROM to_device_outbound m JOIN destinations d USING (server)
      WHERE m.position <= d.sent_position ORDER BY m.position LIMIT ${limit})`;
  return count;
}
