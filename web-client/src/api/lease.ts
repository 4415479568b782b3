/**
 * One tab at a time, where a browser has no Web Locks (a page without TLS), and what tabs tell those after them. Transactions of IndexedDB come
 * one after the other in all tabs. What localStorage has may be behind in one tab what another has written. Loaded when it is wanted.
 */

const DATABASE = "weft leases";
const TABLE = "leases";
/** Milliseconds for which a tab's note is heeded, also when the tab is gone: longer than what it does lasts. */
const LASTS = 90_000;
/** Milliseconds between two looks. */
const EVERY = 50;

interface Lease {
  owner: string;
  until: number;
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("no answer")));
  });
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(TABLE));
  return answered(request);
}

/** The clock may have been set back meanwhile. */
const isHeeded = ({ until }: Lease, now: number): boolean => until > now && until <= now + LASTS;

/** Puts down a note, unless there is one. No two transactions that write run at the same time, in whatever tabs. */
async function take(database: IDBDatabase, name: string, owner: string): Promise<boolean> {
  const table = database.transaction(TABLE, "readwrite").objectStore(TABLE);
  const found = await answered<Lease | undefined>(table.get(name));
  const now = Date.now();
  if (found !== undefined && isHeeded(found, now)) return false;
  await answered(table.put({ owner, until: now + LASTS } satisfies Lease, name));
  return true;
}

/** Takes the own note away. After its time another tab may have put down one. */
async function give(database: IDBDatabase, name: string, owner: string): Promise<void> {
  const table = database.transaction(TABLE, "readwrite").objectStore(TABLE);
  const found = await answered<Lease | undefined>(table.get(name));
  if (found?.owner === owner) await answered(table.delete(name));
}

/** Does something while no other tab of this browser does what has the same name. Where a browser keeps nothing, all may. */
export async function withLease<T>(name: string, work: () => Promise<T>): Promise<T> {
  const database = await open().catch(() => undefined);
  if (database === undefined) return work();
  const owner = `${Date.now()} ${Math.random()}`;
  try {
    while (!(await take(database, name, owner))) {
      await new Promise((resolve) => setTimeout(resolve, EVERY));
    }
    try {
      return await work();
    } finally {
      await give(database, name, owner);
    }
  } finally {
    database.close();
  }
}

/** Tells whoever looks after it, in whatever tab. Where a browser keeps nothing, nobody is told. */
export async function tell(name: string, told: string): Promise<void> {
  const database = await open().catch(() => undefined);
  if (database === undefined) return;
  try {
    await answered(database.transaction(TABLE, "readwrite").objectStore(TABLE).put(told, name));
  } finally {
    database.close();
  }
}

/** What was told last under a name. */
export async function told(name: string): Promise<string | undefined> {
  const database = await open().catch(() => undefined);
  if (database === undefined) return undefined;
  try {
    return await answered<string | undefined>(
      database.transaction(TABLE).objectStore(TABLE).get(name),
    );
  } finally {
    database.close();
  }
}
