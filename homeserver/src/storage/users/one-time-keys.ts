import { byteaArray, numberArray, type Sql, textArray, type Tx } from "../sql.ts";

interface Device {
  readonly userId: string;
  readonly deviceId: string;
}

/** A one-time key that a device uploads. */
export interface NewOneTimeKey {
  readonly algorithm: string;
  readonly id: string;
  /** SHA-256 of the key without signatures. */
  readonly digest: Uint8Array;
  /** JSON text. */
  readonly text: string;
}

/** A one-time key that was uploaded before. */
export interface KnownOneTimeKey {
  algorithm: string;
  id: string;
  digest: Uint8Array;
  /** JSON text; null: it was given out. */
  text: string | null;
}

/** So many keys of an algorithm are wanted of a device. */
export interface WantedKeys extends Device {
  readonly algorithm: string;
  readonly count: number;
}

/** A key that is given out. */
export interface GivenKey {
  /** Index of the wanted keys. */
  n: number;
  id: string;
  /** JSON text. */
  text: string;
  isFallback: boolean;
  /** The counts of the device change by it. */
  isNews: boolean;
}

/** How many one-time keys of an algorithm a device has left. */
export interface OneTimeKeyCount {
  algorithm: string;
  count: number;
}

/** Those of the keys, by algorithm and id, that are stored or were given out lately. */
export async function knownOneTimeKeys(
  tx: Tx,
  { userId, deviceId }: Device,
  keys: readonly Pick<NewOneTimeKey, "algorithm" | "id">[],
): Promise<KnownOneTimeKey[]> {
  return await tx<KnownOneTimeKey[]>`
    SELECT k.algorithm, k.key_id AS id, k.digest, k.key AS text
    FROM unnest(${textArray(keys.map(({ algorithm }) => algorithm))}::text[],
      ${textArray(keys.map(({ id }) => id))}::text[]) AS g (algorithm, key_id)
    JOIN one_time_keys k ON k.user_id = ${userId} AND k.device_id = ${deviceId}
      AND k.algorithm = g.algorithm AND k.key_id = g.key_id`;
}

/**
 * Adds keys behind all others of the device, in the order given, and forgets given-out keys with
 * their names, and the oldest of the others beyond `remembered`.
 */
export async function addOneTimeKeys(
  tx: Tx,
  { userId, deviceId }: Device,
  keys: readonly NewOneTimeKey[],
  remembered: number,
): Promise<void> {
  const algorithms = textArray(keys.map(({ algorithm }) => algorithm));
  const ids = textArray(keys.map(({ id }) => id));
  await tx`
    DELETE FROM one_time_keys k
    USING unnest(${algorithms}::text[], ${ids}::text[]) AS g (algorithm, key_id)
    WHERE k.user_id = ${userId} AND k.device_id = ${deviceId} AND k.algorithm = g.algorithm
      AND k.key_id = g.key_id AND k.key IS NULL`;
  await tx`
    INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, digest, key)
    SELECT ${userId}, ${deviceId}, g.algorithm, g.key_id, g.digest, g.key
    FROM unnest(${algorithms}::text[], ${ids}::text[],
      ${byteaArray(keys.map(({ digest }) => digest))}::bytea[],
      ${textArray(keys.map(({ text }) => text))}::text[])
      WITH ORDINALITY AS g (algorithm, key_id, digest, key, n)
    ORDER BY g.n`;
  await tx`
    DELETE FROM one_time_keys WHERE ordinal IN (
      SELECT ordinal FROM one_time_keys
      WHERE user_id = ${userId} AND device_id = ${deviceId} AND key IS NULL
      ORDER BY ordinal DESC OFFSET ${remembered})`;
}

/** How many one-time keys a device has left, by algorithm. */
export async function countOneTimeKeys(
  sql: Sql | Tx,
  { userId, deviceId }: Device,
): Promise<OneTimeKeyCount[]> {
  return await sql<OneTimeKeyCount[]>`
    SELECT algorithm, count(*) AS count FROM one_time_keys
    WHERE user_id = ${userId} AND device_id = ${deviceId} AND key IS NOT NULL
    GROUP BY algorithm ORDER BY algorithm`;
}

/** The fallback keys of a device. */
export async function fallbackKeysOf(
  sql: Sql | Tx,
  { userId, deviceId }: Device,
): Promise<{ algorithm: string; id: string; text: string; used: boolean }[]> {
  return await sql<{ algorithm: string; id: string; text: string; used: boolean }[]>`
    SELECT algorithm, key_id AS id, key AS text, used FROM fallback_keys
    WHERE user_id = ${userId} AND device_id = ${deviceId} ORDER BY algorithm`;
}

/** Replaces fallback keys of a device; the new ones are unused. */
export async function writeFallbackKeys(
  tx: Tx,
  { userId, deviceId }: Device,
  keys: readonly Pick<NewOneTimeKey, "algorithm" | "id" | "text">[],
): Promise<void> {
  await tx`
    INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, key)
    SELECT ${userId}, ${deviceId}, g.algorithm, g.key_id, g.key
    FROM unnest(${textArray(keys.map(({ algorithm }) => algorithm))}::text[],
      ${textArray(keys.map(({ id }) => id))}::text[],
      ${textArray(keys.map(({ text }) => text))}::text[]) AS g (algorithm, key_id, key)
    ORDER BY g.algorithm
    ON CONFLICT (user_id, device_id, algorithm) DO UPDATE SET
      key_id = excluded.key_id, key = excluded.key, used = false`;
}

/**
 * Gives out one-time keys in the order of upload, each once, and fallback keys where there are not
 * enough: one for each algorithm, which is marked as used. The devices are locked in the order of
 * their keys, so that claims of other replicas see what is left.
 */
export async function takeOneTimeKeys(tx: Tx, wanted: readonly WantedKeys[]): Promise<GivenKey[]> {
  const users = textArray(wanted.map(({ userId }) => userId));
  const devices = textArray(wanted.map(({ deviceId }) => deviceId));
  const algorithms = textArray(wanted.map(({ algorithm }) => algorithm));
  const counts = numberArray(wanted.map(({ count }) => count));
  // Both go in one round trip. The second begins with the lock, and so sees what its holders did.
  const [, given] = await Promise.all([
    tx`
      SELECT 1 FROM device_keys k WHERE (k.user_id, k.device_id) IN (
        SELECT * FROM unnest(${users}::text[], ${devices}::text[]))
      ORDER BY k.user_id, k.device_id FOR NO KEY UPDATE`,
    tx<GivenKey[]>`
      WITH wanted AS MATERIALIZED (
        SELECT w.* FROM unnest(${users}::text[], ${devices}::text[], ${algorithms}::text[],
          ${counts}::bigint[]) WITH ORDINALITY AS w (user_id, device_id, algorithm, count, n)
      ), oldest AS MATERIALIZED (
        SELECT w.n, k.ordinal, k.key_id, k.key FROM wanted w CROSS JOIN LATERAL (
          SELECT o.ordinal, o.key_id, o.key FROM one_time_keys o
          WHERE o.user_id = w.user_id AND o.device_id = w.device_id
            AND o.algorithm = w.algorithm AND o.key IS NOT NULL
          ORDER BY o.ordinal LIMIT w.count) k
      ), taken AS (
        UPDATE one_time_keys o SET key = NULL FROM oldest t WHERE o.ordinal = t.ordinal
        RETURNING t.n, o.ordinal, t.key_id, t.key
      ), short AS MATERIALIZED (
        SELECT w.* FROM wanted w
        LEFT JOIN (SELECT n, count(*) AS got FROM oldest GROUP BY n) t USING (n)
        WHERE w.count > coalesce(t.got, 0)
      ), marked AS (
        UPDATE fallback_keys f SET used = true FROM short s
        WHERE f.user_id = s.user_id AND f.device_id = s.device_id
          AND f.algorithm = s.algorithm AND NOT f.used
        RETURNING s.n
      )
      SELECT n, key_id AS id, key AS text, false AS "isFallback", true AS "isNews", ordinal
      FROM taken
      UNION ALL
      SELECT s.n, f.key_id, f.key, true, m.n IS NOT NULL, NULL
      FROM short s JOIN fallback_keys f USING (user_id, device_id, algorithm)
      LEFT JOIN marked m ON m.n = s.n
      ORDER BY n, ordinal NULLS LAST`,
  ]);
  return given.map(({ n, id, text, isFallback, isNews }) => ({
    ...{ n: n - 1, id, text, isFallback, isNews },
  }));
}
