import { numberArray, type Sql, textArray, type Tx } from "../sql.ts";

/** A row of profiles; fields is the JSON text of all that has no column. */
export interface ProfileRow {
  displayname: string | null;
  avatarUrl: string | null;
  fields: string;
}

/** The profile of a local user whose account is open. */
export async function findProfile(sql: Sql | Tx, userId: string): Promise<ProfileRow | undefined> {
  const [row] = await sql<ProfileRow[]>`
    SELECT displayname, avatar_url AS "avatarUrl", fields FROM profiles WHERE user_id = ${userId}`;
  return row;
}

/**
 * The profile, locked until the transaction ends; made, empty, where there is none yet: what is not
 * there has no lock.
 */
export async function lockProfile(tx: Tx, userId: string): Promise<ProfileRow | undefined> {
  await tx`INSERT INTO profiles (user_id) VALUES (${userId}) ON CONFLICT (user_id) DO NOTHING`;
  const [row] = await tx<ProfileRow[]>`
    SELECT displayname, avatar_url AS "avatarUrl", fields FROM profiles
    WHERE user_id = ${userId} FOR UPDATE`;
  return row;
}

/** Creates or replaces a profile. */
export async function upsertProfile(
  tx: Sql | Tx,
  userId: string,
  profile: ProfileRow,
): Promise<void> {
  await tx`
    INSERT INTO profiles (user_id, displayname, avatar_url, fields)
    VALUES (${userId}, ${profile.displayname}, ${profile.avatarUrl}, ${profile.fields})
    ON CONFLICT (user_id) DO UPDATE SET displayname = excluded.displayname,
      avatar_url = excluded.avatar_url, fields = excluded.fields`;
}

/** Removes a profile. */
export async function deleteProfile(tx: Sql | Tx, userId: string): Promise<void> {
  await tx`DELETE FROM profiles WHERE user_id = ${userId}`;
}

/** Forgets when the profile's fields changed. The profile has to be locked, or gone. */
export async function deleteProfileChanges(tx: Tx, userId: string): Promise<void> {
  await tx`DELETE FROM profile_changes WHERE user_id = ${userId}`;
}

/** Profiles of many local users; those without one are absent. */
export async function findProfiles(
  sql: Sql | Tx,
  userIds: readonly string[],
): Promise<(ProfileRow & { userId: string })[]> {
  return sql<(ProfileRow & { userId: string })[]>`
    SELECT user_id AS "userId", displayname, avatar_url AS "avatarUrl", fields FROM profiles
    WHERE user_id = ANY (${textArray(userIds)}::text[])`;
}

/** Up to `limit` of the users with profiles who are in some rooms. */
export async function profiledMembers(
  sql: Sql | Tx,
  roomNids: readonly number[],
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT DISTINCT p.user_id AS "userId" FROM memberships m JOIN profiles p USING (user_id)
    WHERE m.room_nid = ANY (${numberArray(roomNids)}::bigint[]) AND m.membership = 'join'
    LIMIT ${limit}`;
  return rows.map((row) => row.userId);
}
