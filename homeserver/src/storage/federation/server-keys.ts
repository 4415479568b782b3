import type { ServerName } from "../../protocol/identifiers.ts";
import { type Sql, type Tx, numberArray, textArray } from "../sql.ts";

/** A verify key of another server. Times are ms since 1970. */
export interface ServerKeyRow {
  readonly server: ServerName;
  readonly keyId: string;
  /** Unpadded base64. */
  readonly publicKey: string;
  /** Signatures made up to then hold. */
  readonly validUntil: number;
  readonly fetched: number;
}

/** A server's self-signed key object, as JSON text. */
export interface KeyObjectRow {
  readonly server: ServerName;
  readonly object: string;
  readonly validUntil: number;
  readonly fetched: number;
}

/** All known keys of these servers. */
export async function findServerKeys(
  sql: Sql | Tx,
  servers: readonly ServerName[],
): Promise<ServerKeyRow[]> {
  return await sql<ServerKeyRow[]>`
    SELECT server, key_id AS "keyId", public_key AS "publicKey",
      valid_until_ts AS "validUntil", fetched_ts AS "fetched"
    FROM server_keys WHERE server = ANY(${textArray(servers)}::text[])`;
}

/**
 * Stores keys. A key id never changes its key, and its validity only grows, or ends at retirement.
 */
export async function upsertServerKeys(
  sql: Sql | Tx,
  rows: readonly ServerKeyRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO server_keys (server, key_id, public_key, valid_until_ts, fetched_ts)
    SELECT * FROM unnest(
      ${textArray(rows.map((row) => row.server))}::text[],
      ${textArray(rows.map((row) => row.keyId))}::text[],
      ${textArray(rows.map((row) => row.publicKey))}::text[],
      ${numberArray(rows.map((row) => row.validUntil))}::bigint[],
      ${numberArray(rows.map((row) => row.fetched))}::bigint[])
      AS row (server, key_id, public_key, valid_until_ts, fetched_ts)
    ORDER BY server, key_id
    ON CONFLICT (server, key_id) DO UPDATE SET public_key = excluded.public_key,
      valid_until_ts = excluded.valid_until_ts, fetched_ts = excluded.fetched_ts
    WHERE server_keys.fetched_ts <= excluded.fetched_ts`;
}

/** Forgets a server's keys but those that it named last. */
export async function trimServerKeys(
  sql: Sql | Tx,
  server: ServerName,
  max: number,
): Promise<void> {
  await sql`
    DELETE FROM server_keys WHERE server = ${server} AND key_id IN (
      SELECT key_id FROM server_keys WHERE server = ${server}
      ORDER BY fetched_ts DESC, valid_until_ts DESC, key_id OFFSET ${max})`;
}

/** The newest key objects of these servers. */
export async function findKeyObjects(
  sql: Sql | Tx,
  servers: readonly ServerName[],
): Promise<KeyObjectRow[]> {
  return await sql<KeyObjectRow[]>`
    SELECT server, object, valid_until_ts AS "validUntil", fetched_ts AS "fetched"
    FROM server_key_objects WHERE server = ANY(${textArray(servers)}::text[])`;
}

/** Keeps a server's key object in place of an older one. */
export async function upsertKeyObject(sql: Sql | Tx, row: KeyObjectRow): Promise<void> {
  await sql`
    INSERT INTO server_key_objects (server, object, valid_until_ts, fetched_ts)
    VALUES (${row.server}, ${row.object}, ${row.validUntil}, ${row.fetched})
    ON CONFLICT (server) DO UPDATE SET object = excluded.object,
      valid_until_ts = excluded.valid_until_ts, fetched_ts = excluded.fetched_ts`;
}
