import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { Clock } from "../../platform/clock.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { type SigningKey, type VerifyKey, verifyKeyFromBase64 } from "../../protocol/crypto.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { type JsonObject, parseLoose } from "../../protocol/json.ts";
import {
  findKeyObjects,
  findServerKeys,
  type ServerKeyRow,
  trimServerKeys,
  upsertKeyObject,
  upsertServerKeys,
} from "../../storage/federation/server-keys.ts";
import type { Sql } from "../../storage/sql.ts";
import type { KeyFetcher, KeyPurpose } from "./key-fetcher.ts";
import type { KeyObject } from "./key-object.ts";

export interface WantedKey {
  readonly server: ServerName;
  readonly keyId: string;
  /** When the signature was made, ms since 1970; 0 in room versions without that rule (1 to 4). */
  readonly validAt: number;
}

/** Keys for verifying events of other servers. */
export interface EventKeys {
  /**
   * The keys in the order asked. Undefined when a key cannot be had, or was not valid at that time.
   * Never throws. Rooms take turns at asking servers: a room whose events name silent servers does
   * not hold up the others.
   */
  keys(wanted: readonly WantedKey[], room?: string): Promise<(VerifyKey | undefined)[]>;
}

/** Keys of other servers, from memory, the database, the servers themselves and notaries. */
export interface KeyRing extends EventKeys {
  /**
   * The key with which a request says it is signed. A key fetched for this is stored only once it
   * is also needed for events. `beforeAsking` is called when another server has to be asked;
   * requesters take turns.
   * @throws what `beforeAsking` throws
   */
  requestKey(
    wanted: WantedKey,
    beforeAsking: () => Promise<void>,
    requester?: string,
  ): Promise<VerifyKey | undefined>;
  /**
   * The newest key object of a server that is valid at `validAt`, for notary answers; fetched if
   * necessary.
   */
  keyObject(server: ServerName, validAt: number): Promise<JsonObject | undefined>;
}

export interface KeyRingOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly fetcher: KeyFetcher;
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
  /** WEFT_TRUSTED_KEY_SERVERS */
  readonly notaries: readonly ServerName[];
}

interface KnownKey {
  readonly key: VerifyKey;
  readonly validUntil: number;
}
type Keys = Map<string, KnownKey>;
type Wanted = Map<ServerName, { keyIds: string[]; validAt: number }>;

/** From this many servers on, notaries are asked first: one request instead of many. */
const NOTARIES_FROM = 8;
/** Limit on stored keys per server: a hostile one can name new ones each time. */
const MAX_KEPT = 300;
/** A key object has 64 KiB at most, and usually half of one. */
const MAX_UNWRITTEN = 500;
const FIRST_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 10 * 60_000;

export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { sql, clock, fetcher, serverName, signingKey, notaries } = options;
  const memory = new LRUCache<ServerName, Keys>(atMost(20_000));
  /** Servers that recently gave nothing new are not asked again at once. */
  const pauses = new LRUCache<ServerName, { until: number; ms: number }>(atMost(20_000));
  /** Keys fetched for requests and other notaries, which are not stored in the database. */
  const unwritten = new LRUCache<ServerName, KeyObject>(atMost(MAX_UNWRITTEN));
  const flights = createSingleFlight<string, void>();
  const own = verifyKeyFromBase64(signingKey.publicKeyBase64);

  function lookUp({ server, keyId, validAt }: WantedKey): VerifyKey | undefined {
    if (server === serverName) return keyId === signingKey.keyId ? own : undefined;
    const known = memory.get(server)?.get(keyId);
    return known && known.validUntil >= validAt ? known.key : undefined;
  }

  function remember(rows: readonly ServerKeyRow[]): void {
    for (const { server, keyId, publicKey, validUntil } of rows) {
      const keys = memory.get(server) ?? new Map<string, KnownKey>();
      const before = keys.get(keyId);
      const key =
        before?.key.publicKeyBase64 === publicKey ? before.key : verifyKeyFromBase64(publicKey);
      // Re-inserted, so that the most recently named comes last.
      keys.delete(keyId);
      keys.set(keyId, { key, validUntil });
      if (keys.size > MAX_KEPT) keys.delete(keys.keys().next().value!);
      memory.set(server, keys);
    }
  }

  async function keep(found: KeyObject): Promise<void> {
    remember(found.keys);
    await write(found);
  }

  async function write({ server, keys, object, validUntil }: KeyObject): Promise<void> {
    unwritten.delete(server);
    await upsertServerKeys(sql, keys);
    await trimServerKeys(sql, server, MAX_KEPT);
    const fetched = clock.now();
    await upsertKeyObject(sql, { server, object: JSON.stringify(object), validUntil, fetched });
  }

  function missing(wanted: readonly WantedKey[]): Wanted {
    const servers: Wanted = new Map();
    for (const want of wanted) {
      if (want.server === serverName || lookUp(want)) continue;
      const { keyIds, validAt } = servers.get(want.server) ?? { keyIds: [], validAt: 0 };
      if (!keyIds.includes(want.keyId)) keyIds.push(want.keyId);
      servers.set(want.server, { keyIds, validAt: Math.max(validAt, want.validAt) });
    }
    return servers;
  }

  /** Only servers with events in our rooms get a row: anybody can set up names that answer. */
  async function keepFor(purpose: KeyPurpose, found: KeyObject): Promise<void> {
    const { server } = found;
    if (purpose === "events" || (await findServerKeys(sql, [server])).length > 0) {
      return await keep(found);
    }
    remember(found.keys);
    unwritten.set(server, found);
  }

  async function fetchDirectly(wanted: Wanted, purpose: KeyPurpose, about?: string): Promise<void> {
    const servers = [...wanted.keys()].filter(
      (server) => (pauses.get(server)?.until ?? 0) <= clock.now(),
    );
    const fetch = (server: ServerName) =>
      flights.run(`${purpose} ${server}`, () => fetchOne(server, purpose, about));
    await Promise.all(servers.map(fetch));
  }

  async function fetchOne(
    server: ServerName,
    purpose: KeyPurpose,
    about: string | undefined,
  ): Promise<void> {
    const found = await fetcher.direct(server, purpose, about);
    if (found) await keepFor(purpose, found);
    const before = pauses.get(server)?.ms;
    const ms = found || before === undefined ? FIRST_PAUSE_MS : Math.min(MAX_PAUSE_MS, before * 2);
    pauses.set(server, { until: clock.now() + ms, ms });
  }

  async function askNotaries(wanted: readonly WantedKey[], purpose: KeyPurpose): Promise<void> {
    for (const notary of notaries) {
      const left = missing(wanted.filter(({ server }) => server !== notary));
      if (left.size === 0 || notary === serverName) continue;
      if (!memory.has(notary)) {
        await fetchDirectly(new Map([[notary, { keyIds: [], validAt: 0 }]]), "events");
      }
      const keys = [...(memory.get(notary) ?? [])].map(([id, { key }]) => [id, key] as const);
      for (const found of await fetcher.viaNotary(notary, new Map(keys), left)) {
        await keepFor(purpose, found);
      }
    }
  }

  async function obtain(
    wanted: readonly WantedKey[],
    purpose: KeyPurpose,
    about: string | undefined,
    beforeAsking?: () => Promise<void>,
  ): Promise<void> {
    const unknown = missing(wanted);
    if (unknown.size === 0) return;
    remember(await findServerKeys(sql, [...unknown.keys()]));
    if (missing(wanted).size > 0) await beforeAsking?.();
    const direct = async () => fetchDirectly(missing(wanted), purpose, about);
    const notary = async () => askNotaries(wanted, purpose);
    const steps = missing(wanted).size > NOTARIES_FROM ? [notary, direct] : [direct, notary];
    for (const step of steps) await step();
  }

  return {
    async keys(wanted, room) {
      await obtain(wanted, "events", room);
      for (const server of new Set(wanted.map((want) => want.server))) {
        const found = unwritten.get(server);
        if (found) await write(found);
      }
      return wanted.map(lookUp);
    },
    async requestKey(wanted, beforeAsking, requester) {
      await obtain([wanted], "request", requester, beforeAsking);
      return lookUp(wanted);
    },
    async keyObject(server, validAt) {
      const stored = async () => {
        const held = unwritten.get(server);
        if (held) return { object: JSON.stringify(held.object), validUntil: held.validUntil };
        return (await findKeyObjects(sql, [server]))[0];
      };
      const before = await stored();
      if (!before || before.validUntil < Math.max(validAt, clock.now())) {
        await fetchDirectly(new Map([[server, { keyIds: [], validAt }]]), "notary");
      }
      const object = (await stored())?.object;
      return object === undefined ? undefined : (parseLoose(object) as JsonObject);
    },
  };
}
