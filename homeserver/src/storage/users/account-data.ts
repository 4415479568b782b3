import { type Sql, textArray, type Tx } from "../sql.ts";

/** One piece of a user's account data: global, or of a room by its id. */
export async function findAccountData(
  sql: Sql | Tx,
  userId: string,
  roomNid: number,
  type: string,
): Promise<string | undefined> {
  const [row] = await sql<{ content: string }[]>`
    SELECT content FROM account_data
    WHERE user_id = ${userId} AND room_nid = ${roomNid} AND type = ${type}`;
  return row?.content;
}

/** Some types of a user's global account data: type → JSON text. */
export async function findAccountDataOfTypes(
  sql: Sql | Tx,
  userId: string,
  types: readonly string[],
): Promise<Map<string, string>> {
  const rows = await sql<{ type: string; content: string }[]>`
    SELECT type, content FROM account_data
    WHERE user_id = ${userId} AND room_nid = 0 AND type = ANY (${textArray(types)}::text[])`;
  return new Map(rows.map((row) => [row.type, row.content]));
}

/** One type of global account data of many users: user id → JSON text. */
export async function findAccountDataOfUsers(
  sql: Sql | Tx,
  userIds: readonly string[],
  type: string,
): Promise<Map<string, string>> {
  const rows = await sql<{ userId: string; content: string }[]>`
    SELECT user_id AS "userId", content FROM account_data
    WHERE user_id = ANY(${userIds as string[]}::text[]) AND room_nid = 0 AND type = ${type}`;
  return new Map(rows.map((row) => [row.userId, row.content]));
}

/** Bytes that a piece of account data is counted with besides its type and content. */
const PIECE_BYTES = 256;

/**
 * What a user's account data comes to, but for one piece, and that piece, in bytes: what is not
 * there is 0.
 */
export async function accountDataSize(
  sql: Sql | Tx,
  userId: string,
  roomNid: number,
  type: string,
): Promise<{ others: number; own: number }> {
  const [row] = await sql<{ others: number; own: number }[]>`
    SELECT coalesce(sum(size) FILTER (WHERE NOT own), 0)::bigint AS others,
      coalesce(sum(size) FILTER (WHERE own), 0)::bigint AS own
    FROM (
      SELECT octet_length(content) + octet_length(type) + ${PIECE_BYTES} AS size,
        room_nid = ${roomNid} AND type = ${type} AS own
      FROM account_data WHERE user_id = ${userId}) AS pieces`;
  return row ?? { others: 0, own: 0 };
}

/** What a piece counts, in bytes. */
export function pieceSize(type: string, content: string): number {
  return Buffer.byteLength(content) + Buffer.byteLength(type) + PIECE_BYTES;
}

/** The nid of a room that this server knows of. */
export async function findRoomNid(sql: Sql | Tx, roomId: string): Promise<number | undefined> {
  const [row] = await sql<{ nid: number }[]>`
    SELECT room_nid AS nid FROM rooms WHERE room_id = ${roomId}`;
  return row?.nid;
}
