/** What the page has for who is signed in, in a file of its own: who is signing in does not wait for it. */
import type { Session } from "../api/session.ts";
import { wipeKeys } from "../encryption/vault.ts";
import { openPersistence } from "./persistence.ts";

export { openClient } from "./client.ts";

/** Deletes what a device has kept. Resolves when it is gone, or cannot be deleted now. */
export async function wipe({ userId, deviceId }: Session): Promise<void> {
  const rooms = openPersistence(userId, deviceId).then((kept) => kept.destroy());
  await Promise.allSettled([rooms, wipeKeys(userId, deviceId)]);
}
