import type { Sql, Tx } from "../sql.ts";

/** A row of registration_tokens. Times are ms since 1970. */
export interface RegistrationTokenRow {
  token: string;
  usesAllowed: number | null;
  uses: number;
  expiresTs: number | null;
  /** Registrations under way that have shown it. */
  pending: number;
}

const columns = (sql: Sql | Tx, now: number) => sql`
  token, uses_allowed AS "usesAllowed", uses, expires_ts AS "expiresTs",
  (SELECT count(*)::integer FROM uia_sessions u
    WHERE u.operation = 'register' AND u.answer IS NULL AND u.expires_ts > ${now}
      AND u.facts LIKE '%"registrationToken"%'
      AND u.facts::jsonb ->> 'registrationToken' = t.token) AS pending`;

/**
 * Every registration token but that of the first start, newest first; `valid`: those that somebody
 * could register with at that time, or the others.
 */
export async function listRegistrationTokens(
  sql: Sql | Tx,
  now: number,
  valid: boolean | undefined,
): Promise<RegistrationTokenRow[]> {
  const isValid = sql`(uses_allowed IS NULL OR uses < uses_allowed)
    AND (expires_ts IS NULL OR expires_ts > ${now})`;
  return await sql<RegistrationTokenRow[]>`
    SELECT ${columns(sql, now)} FROM registration_tokens t
    WHERE NOT bootstrap ${valid === undefined ? sql`` : sql`AND (${isValid}) = ${valid}`}
    ORDER BY created_ts DESC, token`;
}

/** A token, unless it is that of the first start. */
export async function findRegistrationToken(
  sql: Sql | Tx,
  token: string,
  now: number,
): Promise<RegistrationTokenRow | undefined> {
  const [row] = await sql<RegistrationTokenRow[]>`
    SELECT ${columns(sql, now)} FROM registration_tokens t WHERE token = ${token} AND NOT bootstrap`;
  return row;
}

/** Changes a token; what is undefined stays. False if there is none, or it is that of the first start. */
export async function updateRegistrationToken(
  tx: Sql | Tx,
  token: string,
  {
    usesAllowed,
    expiresTs,
  }: { usesAllowed?: number | null | undefined; expiresTs?: number | null | undefined },
): Promise<boolean> {
  const result = await tx`
    UPDATE registration_tokens SET
      uses_allowed = ${usesAllowed === undefined ? tx`uses_allowed` : tx`${usesAllowed}`},
      expires_ts = ${expiresTs === undefined ? tx`expires_ts` : tx`${expiresTs}`}
    WHERE token = ${token} AND NOT bootstrap`;
  return result.count === 1;
}

/** Creates a token. False if it exists, or if it is a second bootstrap token. */
export async function insertRegistrationToken(
  tx: Sql | Tx,
  token: {
    token: string;
    usesAllowed: number | null;
    expiresTs: number | null;
    createdTs: number;
    bootstrap: boolean;
  },
): Promise<boolean> {
  const result = await tx`
    INSERT INTO registration_tokens (token, uses_allowed, expires_ts, created_ts, bootstrap)
    VALUES (${token.token}, ${token.usesAllowed}, ${token.expiresTs}, ${token.createdTs}, ${token.bootstrap})
    ON CONFLICT DO NOTHING`;
  return result.count === 1;
}

/** The token of the first start, if it is still there. */
export async function findBootstrapToken(sql: Sql | Tx): Promise<string | undefined> {
  const [row] = await sql<{ token: string }[]>`
    SELECT token FROM registration_tokens WHERE bootstrap AND uses < uses_allowed`;
  return row?.token;
}

/** Whether a token could register an account at a time. */
export async function isRegistrationTokenValid(
  sql: Sql | Tx,
  token: string,
  now: number,
): Promise<boolean> {
  const rows = await sql`
    SELECT FROM registration_tokens WHERE token = ${token}
      AND (uses_allowed IS NULL OR uses < uses_allowed) AND (expires_ts IS NULL OR expires_ts > ${now})`;
  return rows.length === 1;
}

/** Counts one use of a token, if it has one left. */
export async function takeRegistrationToken(
  tx: Sql | Tx,
  token: string,
  now: number,
): Promise<{ bootstrap: boolean } | undefined> {
  const [row] = await tx<{ bootstrap: boolean }[]>`
    UPDATE registration_tokens SET uses = uses + 1 WHERE token = ${token}
      AND (uses_allowed IS NULL OR uses < uses_allowed) AND (expires_ts IS NULL OR expires_ts > ${now})
    RETURNING bootstrap`;
  return row;
}

/** Deletes a token. False if there is none, or it is that of the first start. */
export async function deleteRegistrationToken(tx: Sql | Tx, token: string): Promise<boolean> {
  const result = await tx`DELETE FROM registration_tokens WHERE token = ${token} AND NOT bootstrap`;
  return result.count === 1;
}
