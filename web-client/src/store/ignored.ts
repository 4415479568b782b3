import { object, type Content } from "../api/types.ts";
import type { Client } from "./client.ts";

/** The same as if sync had brought it. */
function take(client: Client, content: Content): void {
  const events = [{ type: "m.ignored_user_list", content }];
  client.store.apply({ next_batch: "", account_data: { events } }, Date.now());
}

/** Ignores someone, or no longer: here at once; the server sends nothing of theirs to any of one's devices then. */
export async function setIgnored(client: Client, userId: string, isOn: boolean): Promise<void> {
  const before = client.store.accountData.get("m.ignored_user_list") ?? {};
  const { [userId]: _, ...others } = object(before, "ignored_users") ?? {};
  const users = isOn ? { ...others, [userId]: {} } : others;
  const next = { ignored_users: users as Record<string, Record<string, never>> };
  take(client, next);
  try {
    await client.api.account.setAccountData("m.ignored_user_list", next);
  } catch (error) {
    if (client.store.accountData.get("m.ignored_user_list") === next) take(client, before);
    throw error;
  }
}

/** Whom a person ignores, by id. */
export function ignoredUsers(client: Client): string[] {
  const held = client.store.accountData.get("m.ignored_user_list");
  return Object.keys(object(held, "ignored_users") ?? {});
}
