import { atom, type ReadableAtom, type WritableAtom } from "nanostores";
import type { Client } from "./client.ts";

/** What somebody is on their server, as far as that is known. */
export type Role = "unknown" | "user" | "administrator";

const roles = new WeakMap<Client, WritableAtom<Role>>();

/** Whether the person is an administrator. The server is asked once it answers, and again by `learnRole`. */
export function roleOf(client: Client): ReadableAtom<Role> {
  const known = roles.get(client);
  if (known !== undefined) return known;
  const $role = atom<Role>("unknown");
  roles.set(client, $role);
  client.sync.$status.subscribe((status) => {
    // Another time will do: nobody misses what they do not know of.
    if (status === "live" && $role.get() === "unknown") learnRole(client).catch(() => undefined);
  });
  return $role;
}

/** Asks the server anew. */
export async function learnRole(client: Client): Promise<Role> {
  const may = await client.api.account.mayAdminister();
  roleOf(client);
  const role = may ? "administrator" : "user";
  roles.get(client)?.set(role);
  return role;
}
