/** Pushers of local users, as their clients set them. */
import { type Sql, textArray, type Tx } from "../sql.ts";

/** What a client says of a pusher. */
export interface PusherFields {
  readonly appId: string;
  readonly pushkey: string;
  readonly kind: string;
  readonly appDisplayName: string;
  readonly deviceDisplayName: string;
  readonly profileTag: string | null;
  readonly lang: string;
  /** JSON object text. */
  readonly data: string;
}

/** What a pusher's client has to send back before it is told anything. */
export interface Activation {
  readonly token: string;
  /** ms since 1970. */
  readonly expires: number;
}

/** A user's pushers, in the order in which they were made. */
export async function pushersOf(
  sql: Sql | Tx,
  userId: string,
): Promise<(PusherFields & { readonly isActive: boolean })[]> {
  return sql<(PusherFields & { isActive: boolean })[]>`
    SELECT app_id AS "appId", pushkey, kind, app_display_name AS "appDisplayName",
      device_display_name AS "deviceDisplayName", profile_tag AS "profileTag", lang, data,
      ack_token IS NULL AS "isActive"
    FROM pushers WHERE user_id = ${userId} ORDER BY pusher_id`;
}

/**
 * Makes a pusher, to be told of what happens from now on, or changes the user's own with this app
 * and pushkey, which is then tried again without delay.
 */
export async function putPusher(
  tx: Tx,
  owner: { readonly userId: string; readonly deviceId: string },
  pusher: PusherFields,
  now: number,
  activation: Activation | undefined,
): Promise<void> {
  const { appId, pushkey, kind, appDisplayName, deviceDisplayName, profileTag, lang, data } =
    pusher;
  await tx`
    INSERT INTO pushers (user_id, device_id, app_id, pushkey, kind, app_display_name,
      device_display_name, profile_tag, lang, data, set_ts, ack_token, ack_expires, told_to)
    SELECT ${owner.userId}, ${owner.deviceId}, ${appId}, ${pushkey}, ${kind}, ${appDisplayName},
      ${deviceDisplayName}, ${profileTag}, ${lang}, ${data}, ${now}::bigint,
      ${activation?.token ?? null}, ${activation?.expires ?? 0}::bigint, position
    FROM log_head
    ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET
      device_id = excluded.device_id, kind = excluded.kind,
      app_display_name = excluded.app_display_name,
      device_display_name = excluded.device_display_name, profile_tag = excluded.profile_tag,
      lang = excluded.lang, data = excluded.data, set_ts = excluded.set_ts,
      ack_token = excluded.ack_token, ack_expires = excluded.ack_expires,
      failures = 0, retry_ts = 0`;
}

/**
 * The client of a pusher has sent back its token: it is told what happens from now on. False: there
 * is no pusher of the app that waits for this token. Undefined: there is none of the app at all.
 */
export async function activatePusher(
  tx: Tx,
  of: { readonly userId: string; readonly appId: string; readonly token: string },
  now: number,
): Promise<boolean | undefined> {
  const { userId, appId, token } = of;
  const done = await tx`
    UPDATE pushers SET ack_token = NULL, ack_expires = 0, told_to = log_head.position
    FROM log_head
    WHERE user_id = ${userId} AND app_id = ${appId} AND ack_token = ${token}
      AND ack_expires > ${now}`;
  if (done.count > 0) return true;
  const [any] = await tx`SELECT 1 FROM pushers WHERE user_id = ${userId} AND app_id = ${appId}`;
  return any === undefined ? undefined : false;
}

/** Deletes a user's pusher. False: there is none. */
export async function deletePusher(
  tx: Tx,
  userId: string,
  appId: string,
  pushkey: string,
): Promise<boolean> {
  const gone = await tx`
    DELETE FROM pushers
    WHERE user_id = ${userId} AND app_id = ${appId} AND pushkey = ${pushkey}`;
  return gone.count > 0;
}

/** Deletes others' pushers with this app and pushkey; returns whose they were. */
export async function deleteOthersPushers(
  tx: Tx,
  userId: string,
  appId: string,
  pushkey: string,
): Promise<string[]> {
  const rows = await tx<{ userId: string }[]>`
    DELETE FROM pushers
    WHERE app_id = ${appId} AND pushkey = ${pushkey} AND user_id <> ${userId}
    RETURNING user_id AS "userId"`;
  return rows.map((row) => row.userId);
}

/** Deletes those of a user's pushers that were set the longest ago, but for `max`. */
export async function prunePushers(tx: Tx, userId: string, max: number): Promise<void> {
  await tx`
    DELETE FROM pushers WHERE pusher_id IN (
      SELECT pusher_id FROM pushers WHERE user_id = ${userId}
      ORDER BY set_ts DESC, pusher_id DESC OFFSET ${max})`;
}

/** Deletes the pushers that sessions of these devices have set. */
export async function deletePushersOfDevices(
  tx: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<void> {
  await tx`
    DELETE FROM pushers
    WHERE user_id = ${userId} AND device_id = ANY (${textArray(deviceIds)}::text[])`;
}

/** Deletes all pushers of a user. */
export async function deletePushersOf(tx: Sql | Tx, userId: string): Promise<void> {
  await tx`DELETE FROM pushers WHERE user_id = ${userId}`;
}
