import type { Sql, Tx } from "../sql.ts";

/** Whose account that is; undefined when nobody's. */
export async function findSsoLink(
  sql: Sql | Tx,
  provider: string,
  subject: string,
): Promise<string | undefined> {
  const [row] = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM sso_links WHERE provider = ${provider} AND subject = ${subject}`;
  return row?.userId;
}

/** Links an account. False if the subject is linked already, to whichever. */
export async function insertSsoLink(
  tx: Tx,
  link: { provider: string; subject: string; userId: string; linkedTs: number },
): Promise<boolean> {
  const result = await tx`
    INSERT INTO sso_links (provider, subject, user_id, linked_ts)
    VALUES (${link.provider}, ${link.subject}, ${link.userId}, ${link.linkedTs})
    ON CONFLICT (provider, subject) DO NOTHING`;
  return result.count === 1;
}

/** Ids of the providers by which a user signs in. */
export async function ssoProvidersOf(sql: Sql | Tx, userId: string): Promise<string[]> {
  const rows = await sql<{ provider: string }[]>`
    SELECT DISTINCT provider FROM sso_links WHERE user_id = ${userId} ORDER BY provider`;
  return rows.map(({ provider }) => provider);
}

/** By what a user signs in elsewhere, in a lasting order. */
export async function ssoLinksOf(
  sql: Sql | Tx,
  userId: string,
): Promise<{ provider: string; subject: string }[]> {
  return sql<{ provider: string; subject: string }[]>`
    SELECT provider, subject FROM sso_links WHERE user_id = ${userId} ORDER BY provider, subject`;
}

/** Ends a link of a user. */
export async function deleteSsoLink(
  tx: Tx,
  userId: string,
  link: { provider: string; subject: string },
): Promise<void> {
  await tx`
    DELETE FROM sso_links
    WHERE user_id = ${userId} AND provider = ${link.provider} AND subject = ${link.subject}`;
}
