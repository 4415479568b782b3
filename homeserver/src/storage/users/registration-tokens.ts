import type { Sql, Tx } from "../sql.ts";

/** A row of registration_tokens. Times are ms since 1970. */
export interface RegistrationTokenRow {
  token: string;
  usesAllowed: number | null;
  uses: number;
  expiresTs: number | null;
  bootstrap: boolean;
}

/** Every registration token, newest first. */
export async function listRegistrationTokens(sql: Sql | Tx): Promise<RegistrationTokenRow[]> {
  return await sql<RegistrationTokenRow[]>`
    SELECT token, uses_allowed AS "usesAllowed", uses, expires_ts AS "expiresTs", bootstrap
    FROM registration_tokens ORDER BY created_ts DESC, token`;
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

/** Deletes a token. False if there is none. */
export async function deleteRegistrationToken(tx: Sql | Tx, token: string): Promise<boolean> {
  const result = await tx`DELETE FROM registration_tokens WHERE token = ${token}`;
  return result.count === 1;
}
