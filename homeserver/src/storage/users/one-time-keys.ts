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

/** A device's keys of an algorithm: they are numbered in the order of upload. */
export interface KeyList {
  algorithm: string;
  /** This one is given out next. */
  next: number;
  /** The newest one; below `next`: there are none left. */
  last: number;
  /** There is a fallback key, which nobody was given yet. */
  unusedFallback: boolean;
}

/** So many keys of a list, beginning with a number, were given out. */
export interface GivenNumbers extends Device {
  readonly algorithm: string;
  readonly first: number;
  readonly count: number;
}

/** A key that was given out. */
export interface GivenKey {
  /** Index of what was asked for. */
  n: number;
  id: string;
  /** JSON text. */
  text: string;
}

/** What a device has, by algorithm. */
export async function keyListsOf(sql: Sql | Tx, { userId, deviceId }: Device): Promise<KeyList[]> {
  return await sql<KeyList[]>`
    SELECT algorithm, next, last, unused_fallback AS "unusedFallback" FROM one_time_key_lists
    WHERE user_id = ${userId} AND device_id = ${deviceId} ORDER BY algorithm`;
}

/** Makes the lists that a device lacks, without keys. Their log record says what they have. */
export async function makeKeyLists(
  tx: Sql | Tx,
  { userId, deviceId }: Device,
  algorithms: readonly string[],
): Promise<void> {
  if (algorithms.length === 0) return;
  await tx`
    INSERT INTO one_time_key_lists
      (user_id, device_id, algorithm, next, last, unused_fallback, position)
    SELECT ${userId}, ${deviceId}, g.algorithm, 1, 0, false, 0
    FROM unnest(${textArray(algorithms)}::text[]) AS g (algorithm) ORDER BY g.algorithm
    ON CONFLICT DO NOTHING`;
}

/** Those of the keys, by algorithm and id, that are stored or were given out lately. */
export async function knownOneTimeKeys(
  tx: Tx,
  { userId, deviceId }: Device,
  keys: readonly Pick<NewOneTimeKey, "algorithm" | "id">[],
): Promise<KnownOneTimeKey[]> {
  return await tx<KnownOneTimeKey[]>`
    SELECT k.algorithm, k.key_id AS id, k.digest,
      CASE WHEN k.seq >= l.next THEN k.key END AS text
    FROM unnest(${textArray(keys.map(({ algorithm }) => algorithm))}::text[],
      ${textArray(keys.map(({ id }) => id))}::text[]) AS g (algorithm, key_id)
    JOIN one_time_keys k ON k.user_id = ${userId} AND k.device_id = ${deviceId}
      AND k.algorithm = g.algorithm AND k.key_id = g.key_id
    JOIN one_time_key_lists l ON l.user_id = k.user_id AND l.device_id = k.device_id
      AND l.algorithm = k.algorithm`;
}

/**
 * Adds numbered keys of a device, and forgets given-out ones with their names, and the oldest of
 * the others beyond `remembered` of an algorithm.
 */
export async function addOneTimeKeys(
  tx: Tx,
  { userId, deviceId }: Device,
  keys: readonly (NewOneTimeKey & { readonly seq: number })[],
  remembered: number,
): Promise<void> {
  const algorithms = textArray(keys.map(({ algorithm }) => algorithm));
  const ids = textArray(keys.map(({ id }) => id));
  await tx`
    DELETE FROM one_time_keys k
    USING unnest(${algorithms}::text[], ${ids}::text[]) AS g (algorithm, key_id)
    WHERE k.user_id = ${userId} AND k.device_id = ${deviceId} AND k.algorithm = g.algorithm
      AND k.key_id = g.key_id`;
  await tx`
    INSERT INTO one_time_keys (user_id, device_id, algorithm, seq, key_id, digest, key)
    SELECT ${userId}, ${deviceId}, g.algorithm, g.seq, g.key_id, g.digest, g.key
    FROM unnest(${algorithms}::text[], ${numberArray(keys.map(({ seq }) => seq))}::int[],
      ${ids}::text[], ${byteaArray(keys.map(({ digest }) => digest))}::bytea[],
      ${textArray(keys.map(({ text }) => text))}::text[])
      AS g (algorithm, seq, key_id, digest, key)
    ORDER BY g.algorithm, g.seq`;
  await tx`
    DELETE FROM one_time_keys k USING one_time_key_lists l
    WHERE l.user_id = ${userId} AND l.device_id = ${deviceId}
      AND k.user_id = l.user_id AND k.device_id = l.device_id AND k.algorithm = l.algorithm
      AND k.seq < least(l.next, l.last + 1) - ${remembered}::int`;
}

/** The fallback keys of a device. */
export async function fallbackKeysOf(
  sql: Sql | Tx,
  { userId, deviceId }: Device,
): Promise<{ algorithm: string; id: string; text: string }[]> {
  return await sql<{ algorithm: string; id: string; text: string }[]>`
    SELECT algorithm, key_id AS id, key AS text FROM fallback_keys
    WHERE user_id = ${userId} AND device_id = ${deviceId} ORDER BY algorithm`;
}

/** Replaces fallback keys of a device. */
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
      key_id = excluded.key_id, key = excluded.key`;
}

/** The keys of numbers that were given out, by list and in order. */
export async function givenKeys(sql: Sql, given: readonly GivenNumbers[]): Promise<GivenKey[]> {
  return await sql<GivenKey[]>`
    SELECT w.n::int - 1 AS n, k.key_id AS id, k.key AS text
    FROM unnest(${textArray(given.map(({ userId }) => userId))}::text[],
      ${textArray(given.map(({ deviceId }) => deviceId))}::text[],
      ${textArray(given.map(({ algorithm }) => algorithm))}::text[],
      ${numberArray(given.map(({ first }) => first))}::int[],
      ${numberArray(given.map(({ count }) => count))}::int[])
      WITH ORDINALITY AS w (user_id, device_id, algorithm, first, count, n),
    LATERAL (
      SELECT o.seq, o.key_id, o.key FROM one_time_keys o
      WHERE o.user_id = w.user_id AND o.device_id = w.device_id AND o.algorithm = w.algorithm
        AND o.seq >= w.first AND o.seq < w.first + w.count
      ORDER BY o.seq OFFSET 0) AS k
    ORDER BY w.n, k.seq`;
}

/** The fallback keys of lists, as far as there are, and whether they are marked as given out. */
export async function givenFallbacks(
  sql: Sql,
  lists: readonly (Device & { readonly algorithm: string })[],
): Promise<(GivenKey & { used: boolean })[]> {
  return await sql<(GivenKey & { used: boolean })[]>`
    SELECT w.n::int - 1 AS n, f.key_id AS id, f.key AS text, NOT l.unused_fallback AS used
    FROM unnest(${textArray(lists.map(({ userId }) => userId))}::text[],
      ${textArray(lists.map(({ deviceId }) => deviceId))}::text[],
      ${textArray(lists.map(({ algorithm }) => algorithm))}::text[])
      WITH ORDINALITY AS w (user_id, device_id, algorithm, n)
    JOIN fallback_keys f USING (user_id, device_id, algorithm)
    JOIN one_time_key_lists l USING (user_id, device_id, algorithm)`;
}
