/** How far application services have been told what happens. */
import { numberArray, type Sql, textArray, type Tx } from "./sql.ts";

export interface DeliveryRow {
  readonly txnPrefix: string;
  readonly txnNumber: number;
  /** Log position. */
  readonly upTo: number;
  /** JSON object text; null: every transaction was taken. */
  readonly unanswered: string | null;
  /** JSON text. */
  readonly acknowledges: string | null;
  readonly failures: number;
  /** ms since 1970. */
  readonly retryTs: number;
}

/** The service's row, made with this prefix if it is new. */
export async function loadDelivery(
  sql: Sql | Tx,
  service: string,
  txnPrefix: string,
): Promise<DeliveryRow> {
  await sql`
    INSERT INTO appservice_deliveries (service, txn_prefix, txn_number, up_to)
    VALUES (${service}, ${txnPrefix}, 0, 0) ON CONFLICT DO NOTHING`;
  const [row] = await sql<DeliveryRow[]>`
    SELECT txn_prefix AS "txnPrefix", txn_number AS "txnNumber", up_to AS "upTo", unanswered,
      acknowledges, failures, retry_ts AS "retryTs"
    FROM appservice_deliveries WHERE service = ${service}`;
  return row!;
}

/** Begins the transaction after the newest. False when another process has done so. */
export async function beginDelivery(
  sql: Sql | Tx,
  service: string,
  next: {
    readonly txnNumber: number;
    readonly upTo: number;
    readonly unanswered: string;
    readonly acknowledges: string | null;
  },
): Promise<boolean> {
  const { txnNumber, upTo, unanswered, acknowledges } = next;
  const begun = await sql`
    UPDATE appservice_deliveries SET txn_number = ${txnNumber}, up_to = ${upTo},
      unanswered = ${unanswered}, acknowledges = ${acknowledges}
    WHERE service = ${service} AND txn_number = ${txnNumber - 1} AND unanswered IS NULL`;
  return begun.count === 1;
}

/** The service has taken its newest transaction, if that is still this one. */
export async function endDelivery(
  sql: Sql | Tx,
  service: string,
  txnNumber: number,
): Promise<void> {
  await sql`
    UPDATE appservice_deliveries
    SET unanswered = NULL, acknowledges = NULL, failures = 0, retry_ts = 0, problem = NULL
    WHERE service = ${service} AND txn_number = ${txnNumber}`;
}

/** The service has not taken a transaction. */
export async function postponeDelivery(
  sql: Sql | Tx,
  service: string,
  { failures, retryTs, problem }: Pick<DeliveryRow, "failures" | "retryTs"> & { problem: string },
): Promise<void> {
  await sql`
    UPDATE appservice_deliveries SET failures = ${failures}, retry_ts = ${retryTs},
      problem = ${problem}
    WHERE service = ${service}`;
}

/** A time of a local user in a room: log positions. */
interface LocalStay {
  readonly userId: string;
  readonly joinedAt: number;
  /** null: they are still in it. */
  readonly leftAt: number | null;
}

/**
 * Times in which a server's users were in a room after a log position: those of the first `limit`
 * users after one, by their ids.
 */
export async function localStays(
  sql: Sql | Tx,
  where: {
    readonly roomNid: number;
    readonly server: string;
    readonly from: number;
    readonly afterUser: string;
    readonly limit: number;
  },
): Promise<LocalStay[]> {
  const { roomNid, server, from, afterUser, limit } = where;
  return sql<LocalStay[]>`
    SELECT user_id AS "userId", joined_at AS "joinedAt", left_at AS "leftAt" FROM (
      SELECT user_id, joined_at, NULL::bigint AS left_at FROM memberships
      WHERE room_nid = ${roomNid} AND server = ${server} AND membership = 'join'
      UNION ALL
      SELECT user_id, joined_at, left_at FROM past_stays
      WHERE room_nid = ${roomNid} AND left_at > ${from}
        AND substr(user_id, strpos(user_id, ':') + 1) = ${server}
    ) s WHERE user_id > ${afterUser} ORDER BY user_id FETCH FIRST ${limit} ROWS WITH TIES`;
}

/** Aliases of this server that lead to these rooms. */
export async function aliasesOfRooms(
  sql: Sql | Tx,
  roomIds: readonly string[],
): Promise<{ roomId: string; alias: string }[]> {
  return sql<{ roomId: string; alias: string }[]>`
    SELECT room_id AS "roomId", alias FROM room_aliases
    WHERE room_id = ANY (${textArray(roomIds)}::text[])`;
}

/** Messages for devices by their log positions. JSON object texts. */
export async function messagesAt(
  sql: Sql | Tx,
  positions: readonly number[],
): Promise<Map<number, string>> {
  const rows = await sql<{ position: number; message: string }[]>`
    SELECT position, message FROM to_device_messages
    WHERE position = ANY (${numberArray(positions)}::bigint[])`;
  return new Map(rows.map(({ position, message }) => [position, message]));
}
