import type { Sql, Tx } from "../sql.ts";

/** A row of oauth_clients. Times are ms since 1970. */
export interface ClientRow {
  clientId: string;
  /** JSON object text. */
  metadata: string;
  createdTs: number;
}

/** Stores a client, or notes that it is still in use. Says when it was first stored. */
export async function upsertClient(
  tx: Tx,
  client: { clientId: string; metadata: string; now: number },
): Promise<{ createdTs: number; isNew: boolean }> {
  const [row] = await tx<{ createdTs: number; isNew: boolean }[]>`
    INSERT INTO oauth_clients (client_id, metadata, created_ts, used_ts)
    VALUES (${client.clientId}, ${client.metadata}, ${client.now}, ${client.now})
    ON CONFLICT (client_id) DO UPDATE SET used_ts = excluded.used_ts
    RETURNING created_ts AS "createdTs", xmax = 0 AS "isNew"`;
  return row!;
}

/** A client by its id. */
export async function findClient(sql: Sql | Tx, clientId: string): Promise<ClientRow | undefined> {
  const [row] = await sql<ClientRow[]>`
    SELECT client_id AS "clientId", metadata, created_ts AS "createdTs"
    FROM oauth_clients WHERE client_id = ${clientId}`;
  return row;
}

/** Clients that nobody has a session of: all but the newest are forgotten. */
export async function trimIdleClients(tx: Tx, max: number): Promise<void> {
  await tx`
    DELETE FROM oauth_clients WHERE client_id IN (
      SELECT client_id FROM oauth_clients c
      WHERE NOT EXISTS (SELECT FROM oauth_sessions s WHERE s.client_id = c.client_id)
        AND NOT EXISTS (SELECT FROM oauth_codes g WHERE g.client_id = c.client_id)
      ORDER BY used_ts DESC OFFSET ${max} FOR UPDATE SKIP LOCKED)`;
}
