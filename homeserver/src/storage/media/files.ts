/** Which files of the store are in use, or may be about to be. */
import type { Sql, Tx } from "../sql.ts";

/** Whether any media or thumbnail still uses a file. */
export async function isFileUsed(sql: Sql | Tx, sha256: Buffer): Promise<boolean> {
  const [row] = await sql<{ used: boolean }[]>`
    SELECT EXISTS (SELECT FROM media WHERE sha256 = ${sha256})
      OR EXISTS (SELECT FROM thumbnails WHERE sha256 = ${sha256}) AS used`;
  return row?.used === true;
}

/** Locks a file until the end of the transaction: against a claim, or its removal. */
export async function lockFile(tx: Tx, sha256: Buffer): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(${sha256.readBigInt64BE(0).toString()}::bigint)`;
}

/** Notes that a file is about to be used: until then (ms since 1970) it is not removed. */
export async function claimFile(
  tx: Tx,
  sha256: Buffer,
  claimId: string,
  untilTs: number,
): Promise<void> {
  await tx`
    INSERT INTO file_claims (sha256, claim_id, until_ts) VALUES (${sha256}, ${claimId}, ${untilTs})`;
}

/** Ends a claim. False if it had been ended, since it was too old. */
export async function endClaim(sql: Sql | Tx, sha256: Buffer, claimId: string): Promise<boolean> {
  const { count } = await sql`
    DELETE FROM file_claims WHERE sha256 = ${sha256} AND claim_id = ${claimId}`;
  return count === 1;
}

/** Ends the claims of servers that have stopped: of all there are. The files are looked at again. */
export async function endOldClaims(sql: Sql): Promise<void> {
  await sql`UPDATE file_claims SET until_ts = 0`;
}

/** Notes files that nothing may use any more. */
export async function noteUnused(sql: Sql | Tx, files: readonly Buffer[]): Promise<void> {
  for (const sha256 of files.toSorted((a, b) => a.compare(b))) {
    await sql`
      INSERT INTO file_claims (sha256, claim_id, until_ts) VALUES (${sha256}, '', 0)
      ON CONFLICT DO NOTHING`;
  }
}

/** Whether somebody is about to use a file. */
export async function isClaimed(tx: Tx, sha256: Buffer, now: number): Promise<boolean> {
  const [row] = await tx<{ claimed: boolean }[]>`
    SELECT EXISTS (SELECT FROM file_claims WHERE sha256 = ${sha256} AND until_ts > ${now}) AS claimed`;
  return row?.claimed === true;
}

/** Forgets all that is noted of a file. */
export async function endClaims(tx: Tx, sha256: Buffer): Promise<void> {
  await tx`DELETE FROM file_claims WHERE sha256 = ${sha256}`;
}

/** Files that nothing may use, those noted longest first. */
export async function unusedFiles(sql: Sql | Tx, now: number, limit: number): Promise<Buffer[]> {
  const rows = await sql<{ sha256: Buffer }[]>`
    SELECT sha256 FROM file_claims c WHERE until_ts <= ${now}
      AND NOT EXISTS (SELECT FROM file_claims o WHERE o.sha256 = c.sha256 AND o.until_ts > ${now})
    ORDER BY until_ts, sha256 LIMIT ${limit}`;
  return rows.map((row) => row.sha256);
}
