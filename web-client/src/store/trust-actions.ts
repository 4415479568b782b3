import type { Client } from "./client.ts";
import { openDialog } from "./dialogs.ts";
import { attempt } from "./toasts.ts";

/** Asks someone to verify (or another device of our own), and shows the window in which it goes on. */
export async function startVerification(
  client: Client,
  userId: string,
  deviceId?: string,
): Promise<void> {
  const id = await attempt(() => client.encryption.verification.request(userId, deviceId));
  if (id !== undefined) openDialog({ kind: "verification", id });
}

/** Takes somebody's new identity as it is. */
export async function acceptIdentity(client: Client, userId: string): Promise<void> {
  await attempt(() => client.encryption.trust.accept(userId));
}
