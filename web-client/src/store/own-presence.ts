import type { Client } from "./client.ts";
import { OWN_PRESENCE, type OwnPresence } from "./presence.ts";

/** Characters of a status. */
export const MAX_STATUS = 100;

/** Shows something else of oneself, on all devices. */
export async function setOwnPresence(client: Client, wanted: OwnPresence): Promise<void> {
  const { api, store, sync } = client;
  const { state, status } = wanted;
  const content = { presence: state, status_msg: status };
  await api.presence.keep(OWN_PRESENCE, content);
  store.presence.readOwn(content);
  await api.presence.set(sync.$presence.get(), status);
}

/** Servers forget a status when they start anew: says it again then. Answers the function that ends it. */
export function followOwnPresence({ api, store, sync }: Client): () => void {
  const look = async (): Promise<void> => {
    const { status } = store.presence.$own.get();
    if (status === "" || (await api.presence.status()) !== "") return;
    await api.presence.set(sync.$presence.get(), status);
  };
  return sync.$status.subscribe((status) => {
    // One that cannot be said now is said when the connection comes again.
    if (status === "live") look().catch(() => undefined);
  });
}
