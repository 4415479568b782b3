import { deleteExpired } from "../expiring-rows.ts";
import type { Sql, Tx } from "../sql.ts";

/** A row of uia_sessions, without its expiry. */
export interface UiaSessionRow {
  operation: string;
  userId: string | null;
  requestDigest: Buffer;
  completed: string[];
  facts: string;
  /** The encrypted answer of the operation, once it is done. */
  answer: Buffer | null;
}

/** Starts a session. Expired ones are cleared away on the occasion. */
export async function insertUiaSession(
  tx: Tx,
  sessionHash: Buffer,
  session: Pick<UiaSessionRow, "operation" | "userId" | "requestDigest">,
  now: number,
  expiresTs: number,
): Promise<void> {
  await deleteExpired(tx, "uia_sessions", now);
  await tx`
    INSERT INTO uia_sessions (session_hash, operation, user_id, request_digest, expires_ts)
    VALUES (${sessionHash}, ${session.operation}, ${session.userId}, ${session.requestDigest}, ${expiresTs})`;
}

/** A session that has not expired. */
export async function findUiaSession(
  sql: Sql | Tx,
  sessionHash: Buffer,
  now: number,
): Promise<UiaSessionRow | undefined> {
  const [row] = await sql<UiaSessionRow[]>`
    SELECT operation, user_id AS "userId", request_digest AS "requestDigest", completed, facts, answer
    FROM uia_sessions WHERE session_hash = ${sessionHash} AND expires_ts > ${now}`;
  return row;
}

/** The same, which nobody else changes until the transaction ends. */
export async function lockUiaSession(
  tx: Tx,
  sessionHash: Buffer,
  now: number,
): Promise<UiaSessionRow | undefined> {
  const [row] = await tx<UiaSessionRow[]>`
    SELECT operation, user_id AS "userId", request_digest AS "requestDigest", completed, facts, answer
    FROM uia_sessions WHERE session_hash = ${sessionHash} AND expires_ts > ${now} FOR UPDATE`;
  return row;
}

/** Saves a session's progress: stages done, what they established, the request it is bound to. */
export async function updateUiaSession(
  tx: Sql | Tx,
  sessionHash: Buffer,
  session: Pick<UiaSessionRow, "requestDigest" | "completed" | "facts">,
): Promise<void> {
  await tx`
    UPDATE uia_sessions SET request_digest = ${session.requestDigest},
      completed = ${session.completed}::text[], facts = ${session.facts}
    WHERE session_hash = ${sessionHash}`;
}

/** Ends the sessions in which a user has proven something or was about to. */
export async function deleteUiaSessionsOf(tx: Sql | Tx, userId: string): Promise<void> {
  await tx`
    DELETE FROM uia_sessions
    WHERE user_id = ${userId} OR (user_id IS NULL AND facts::jsonb ->> 'userId' = ${userId})`;
}

/** Ends a session. False if it was ended already: the operation it authorised has been done. */
export async function deleteUiaSession(tx: Sql | Tx, sessionHash: Buffer): Promise<boolean> {
  const result = await tx`DELETE FROM uia_sessions WHERE session_hash = ${sessionHash}`;
  return result.count === 1;
}

/** Ends a session that is about exactly that. False if there is none such, or it has expired. */
export async function takeUiaSession(
  sql: Sql | Tx,
  sessionHash: Buffer,
  {
    operation,
    userId,
    requestDigest,
  }: Pick<UiaSessionRow, "operation" | "userId" | "requestDigest">,
  now: number,
): Promise<boolean> {
  const result = await sql`
    DELETE FROM uia_sessions
    WHERE session_hash = ${sessionHash} AND expires_ts > ${now} AND operation = ${operation}
      AND user_id = ${userId} AND request_digest = ${requestDigest}`;
  return result.count === 1;
}

/** Keeps what the operation of a session answered; the session's own row is gone by then. */
export async function insertUiaAnswer(
  sql: Sql | Tx,
  sessionHash: Buffer,
  session: { operation: string; requestDigest: Buffer; answer: Buffer },
  expiresTs: number,
): Promise<void> {
  await sql`
    INSERT INTO uia_sessions (session_hash, operation, request_digest, answer, expires_ts)
    VALUES (${sessionHash}, ${session.operation}, ${session.requestDigest}, ${session.answer}, ${expiresTs})
    ON CONFLICT (session_hash) DO UPDATE SET answer = excluded.answer`;
}
