/** Changes of what a device has left of its one-time keys. */
import type { NewRecord } from "../../src/log/types.ts";
import type { Sql } from "../../src/storage/sql.ts";
import { makeKeyLists } from "../../src/storage/users/one-time-keys.ts";

const ALGORITHM = "signed_curve25519";

/** A list for the keys of each device of a user, as the first upload makes it. */
export async function makeLists(sql: Sql, userId: string, deviceIds: string[]): Promise<void> {
  for (const deviceId of deviceIds) await makeKeyLists(sql, { userId, deviceId }, [ALGORITHM]);
}

/** Of devices with lists. */
export function countsChanged(userId: string, deviceIds: string[]): NewRecord {
  const lists = deviceIds.map((deviceId) => ({ userId, deviceId, algorithm: ALGORITHM, last: 1 }));
  return { kind: "one_time_keys", lists };
}
