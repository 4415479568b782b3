import type { Sql, Tx } from "../sql.ts";

/** Notes what a new user has agreed to: versions by the documents' ids. */
export async function insertAgreedTerms(
  tx: Tx,
  userId: string,
  versions: Readonly<Record<string, string>>,
  agreedTs: number,
): Promise<void> {
  const rows = Object.entries(versions)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([policy, version]) => ({ policy, version }));
  if (rows.length === 0) return;
  await tx`
    INSERT INTO agreed_terms (user_id, policy, version, agreed_ts)
    SELECT ${userId}, each.policy, each.version, ${agreedTs}
    FROM unnest(${rows.map(({ policy }) => policy)}::text[], ${rows.map(({ version }) => version)}::text[])
      AS each (policy, version)`;
}

/** What a user has agreed to: versions by the documents' ids. */
export async function agreedTermsOf(
  sql: Sql | Tx,
  userId: string,
): Promise<Record<string, string>> {
  const rows = await sql<{ policy: string; version: string }[]>`
    SELECT policy, version FROM agreed_terms WHERE user_id = ${userId}`;
  return Object.fromEntries(rows.map(({ policy, version }) => [policy, version]));
}
