import { finished, promised } from "../encryption/indexed-db.ts";
import type { Sealed, Vault } from "../encryption/vault.ts";

/** What is kept here: drafts, and messages on their way. */
type Sort = "draft" | "unsent";

/** Keeps small things by sort and name until they are taken off. Things of encrypted rooms are sealed. */
export interface Shelf {
  /** Undefined takes it off. Writes happen in the order of the calls; failures are borne. */
  put(sort: Sort, name: string, value: unknown, isSecret: boolean): void;
  all(sort: Sort): Promise<[name: string, value: unknown][]>;
  /** Resolves when all that was put is on the disk, or could not be brought there. */
  settled(): Promise<void>;
}

interface Row {
  open?: unknown;
  sealed?: Sealed;
}

/** Bytes of one thing, about: what is larger is not kept. */
const MAX_KEPT = 500_000;

export function createShelf(database: IDBDatabase, vault: () => Promise<Vault>): Shelf {
  let writing = Promise.resolve();
  /** What still waits to be written, by key: of several writes of one thing only the last counts. */
  const waiting = new Map<string, () => Promise<Row | undefined>>();

  async function write(key: string): Promise<void> {
    const make = waiting.get(key);
    if (make === undefined) return;
    waiting.delete(key);
    const row = await make();
    const transaction = database.transaction("meta", "readwrite");
    const done = finished(transaction);
    if (row === undefined) transaction.objectStore("meta").delete(key);
    else transaction.objectStore("meta").put(row, key);
    await done;
  }

  const rowOf = async (value: unknown, isSecret: boolean): Promise<Row | undefined> => {
    if (value === undefined || JSON.stringify(value).length > MAX_KEPT) return undefined;
    return isSecret ? { sealed: await (await vault()).seal(value) } : { open: value };
  };

  return {
    put(sort, name, value, isSecret) {
      const key = `${sort} ${name}`;
      waiting.set(key, () => rowOf(value, isSecret));
      writing = writing.then(() => write(key)).catch(() => undefined);
    },

    async all(sort) {
      const range = IDBKeyRange.bound(`${sort} `, `${sort}!`, false, true);
      const table = database.transaction("meta").objectStore("meta");
      const [keys, rows] = await Promise.all([
        promised(table.getAllKeys(range)),
        promised<Row[]>(table.getAll(range)),
      ]);
      const opened = rows.map(async (row, at): Promise<[string, unknown]> => {
        const value = row.sealed === undefined ? row.open : await (await vault()).open(row.sealed);
        const key = keys[at];
        return [typeof key === "string" ? key.slice(sort.length + 1) : "", value];
      });
      const all = await Promise.allSettled(opened);
      return all.flatMap((one) =>
        one.status === "fulfilled" && one.value[1] !== undefined ? [one.value] : [],
      );
    },

    settled: () => writing,
  };
}
