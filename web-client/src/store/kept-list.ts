import type { Sealed, Vault } from "../encryption/vault.ts";
import type { RoomStore, RoomSummary } from "./room-store.ts";

/** The list of rooms as it stood when they were kept: it is seen before all of them are read. */
export interface KeptList {
  madeBy: string;
  /** Summaries, as JSON. */
  open: string;
  /** Those of encrypted rooms. */
  sealed?: Sealed;
}

/** Another build, or another language, may put it otherwise: then the list is made of the rooms. */
const maker = (): string => `${import.meta.url} ${document.documentElement.lang}`;

/** The list of rooms that are all read. */
export async function packList(store: RoomStore, vault: () => Promise<Vault>): Promise<KeptList> {
  const open: RoomSummary[] = [];
  const secret: RoomSummary[] = [];
  for (const summary of store.$list.get()) {
    const isSecret = store.room(summary.roomId)?.encryption !== undefined;
    (isSecret ? secret : open).push(summary);
  }
  const list = { madeBy: maker(), open: JSON.stringify(open) };
  return secret.length === 0 ? list : { ...list, sealed: await (await vault()).seal(secret) };
}

/** Undefined when it was made by another build or in another language, or cannot be opened. */
export async function unpackList(
  list: KeptList | undefined,
  vault: () => Promise<Vault>,
): Promise<RoomSummary[] | undefined> {
  if (list?.madeBy !== maker()) return undefined;
  const open = JSON.parse(list.open) as RoomSummary[];
  if (list.sealed === undefined) return open;
  const secret = (await (await vault()).open(list.sealed)) as RoomSummary[] | undefined;
  return secret && [...open, ...secret];
}
