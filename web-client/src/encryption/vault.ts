import { finished, promised } from "./indexed-db.ts";

/**
 * The keys with which this browser seals what it keeps of a device. The first cannot be taken out of the browser; the
 * key of the engine's store is sealed with it.
 */
export interface Vault {
  seal(value: unknown): Promise<Sealed>;
  /** Undefined when it was sealed with another key, or broken. */
  open(sealed: Sealed): Promise<unknown>;
  /** The 32 bytes of the engine's store. */
  storeKey(): Promise<Uint8Array>;
  close(): void;
}

/** A value that only this browser can read. */
export interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  data: ArrayBuffer;
}

const nameOf = (userId: string, deviceId: string): string => `weft vault ${userId} ${deviceId}`;

/** The name of the engine's store, from which the machine makes those of two databases. */
export const storeName = (userId: string, deviceId: string): string =>
  `weft encryption ${userId} ${deviceId}`;

async function encrypt(key: CryptoKey, bytes: Uint8Array<ArrayBuffer>): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes) };
}

/** Keeps `made` under a name, unless another tab was first: answers what is kept. */
async function keepFirst<T>(database: IDBDatabase, name: string, made: T): Promise<T> {
  const transaction = database.transaction("keys", "readwrite");
  const done = finished(transaction);
  const table = transaction.objectStore("keys");
  const known = await promised<T | undefined>(table.get(name));
  if (known === undefined) table.put(made, name);
  await done;
  return known ?? made;
}

const read = <T>(database: IDBDatabase, name: string): Promise<T | undefined> =>
  promised<T | undefined>(database.transaction("keys").objectStore("keys").get(name));

export async function openVault(userId: string, deviceId: string): Promise<Vault> {
  const request = indexedDB.open(nameOf(userId, deviceId), 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore("keys"));
  const database = await promised(request);
  database.addEventListener("versionchange", () => database.close());
  const key =
    (await read<CryptoKey>(database, "sealing")) ??
    (await keepFirst(
      database,
      "sealing",
      await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
        "encrypt",
        "decrypt",
      ]),
    ));

  const decrypt = async ({ iv, data }: Sealed): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, data));

  return {
    seal: (value) => encrypt(key, new Uint8Array(new TextEncoder().encode(JSON.stringify(value)))),
    async open(sealed) {
      try {
        return JSON.parse(new TextDecoder().decode(await decrypt(sealed))) as unknown;
      } catch {
        return undefined;
      }
    },
    async storeKey() {
      const kept =
        (await read<Sealed>(database, "store")) ??
        (await keepFirst(
          database,
          "store",
          await encrypt(key, crypto.getRandomValues(new Uint8Array(32))),
        ));
      return decrypt(kept);
    },
    close: () => database.close(),
  };
}

/** Deletes all keys of a device from this browser. Whoever has its store open must have closed it. */
export async function wipeKeys(userId: string, deviceId: string): Promise<void> {
  const store = storeName(userId, deviceId);
  const names = [
    `${store}::matrix-sdk-crypto`,
    `${store}::matrix-sdk-crypto-meta`,
    nameOf(userId, deviceId),
  ];
  await Promise.all(names.map((name) => promised(indexedDB.deleteDatabase(name))));
}
