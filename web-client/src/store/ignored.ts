import { object } from "../api/types.ts";
import type { Client } from "./client.ts";

const TYPE = "m.ignored_user_list";

/** Ignores someone, or no longer: here at once; the server sends nothing of theirs to any of one's devices then. */
export async function setIgnored(client: Client, userId: string, isOn: boolean): Promise<void> {
  const before = client.store.accountData.get(TYPE) ?? {};
  const { [userId]: _, ...others } = object(before, "ignored_users") ?? {};
  const users = isOn ? { ...others, [userId]: {} } : others;
  const next = { ignored_users: users as Record<string, Record<string, never>> };
  client.store.takeAccountData(TYPE, next);
  try {
    await client.api.account.setAccountData(TYPE, next);
  } catch (error) {
    if (client.store.accountData.get(TYPE) === next) client.store.takeAccountData(TYPE, before);
    throw error;
  }
}

/** Whom a person ignores, by id. */
export function ignoredUsers(client: Client): string[] {
  const held = client.store.accountData.get(TYPE);
  return Object.keys(object(held, "ignored_users") ?? {});
}
