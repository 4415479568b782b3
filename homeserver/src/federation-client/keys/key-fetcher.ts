import type { Clock } from "../../platform/clock.ts";
import type { VerifyKey } from "../../protocol/crypto.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { type JsonObject, isJsonObject } from "../../protocol/json.ts";
import { signingKeyIds, verifySignedJson } from "../../protocol/signed-json.ts";
import type { RemoteClient } from "../requests/client.ts";
import { createFetchPool, type FetchPoolOptions } from "./fetch-pool.ts";
import { type KeyObject, readKeyObject } from "./key-object.ts";

/** Gets key objects over the network: from the servers themselves, and from notaries. */
export interface KeyFetcher {
  /**
   * The server's own answer; undefined when it gives no valid one. `about`: the reason, such as a
   * room or a requester's address; reasons take turns.
   */
  direct(server: ServerName, purpose: KeyPurpose, about?: string): Promise<KeyObject | undefined>;
  /** Everything that a notary knows of these servers; what is not properly signed is left out. */
  viaNotary(
    notary: ServerName,
    notaryKeys: ReadonlyMap<string, VerifyKey>,
    wanted: ReadonlyMap<ServerName, { keyIds: readonly string[]; validAt: number }>,
  ): Promise<KeyObject[]>;
}

/**
 * What a key is needed for. Each purpose has its own places, so that requests by unknown servers do
 * not hold up the events of our rooms: `request` authenticates a request, `notary` answers another
 * server's question.
 */
export type KeyPurpose = "events" | "request" | "notary";

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 65_536;
/** Reachable servers usually answer within this time. */
const QUICK_MS = 1_000;
/** A room may have thousands of servers, many of them gone. */
const POOLS = {
  events: { quick: 50, quickMs: QUICK_MS, slow: 100, maxWaiting: 20_000 },
  request: { quick: 64, quickMs: QUICK_MS, slow: 128, maxWaiting: 1_000 },
  notary: { quick: 16, quickMs: QUICK_MS, slow: 32, maxWaiting: 500 },
} as const satisfies Record<KeyPurpose, FetchPoolOptions>;

export function createKeyFetcher(client: RemoteClient, clock: Clock): KeyFetcher {
  const pools = {
    events: createFetchPool(POOLS.events),
    request: createFetchPool(POOLS.request),
    notary: createFetchPool(POOLS.notary),
  };

  async function ask(server: ServerName, ofStranger: boolean, signal: AbortSignal) {
    const answer = await client.json(server, {
      method: "GET",
      uri: "/_matrix/key/v2/server",
      unsigned: true,
      insist: true,
      ofStranger,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      signal,
    });
    return readKeyObject(answer, server, clock.now());
  }

  return {
    async direct(server, purpose, about) {
      const question = (signal: AbortSignal) => ask(server, purpose !== "events", signal);
      return await pools[purpose].run(question, about).catch(() => undefined);
    },
    async viaNotary(notary, notaryKeys, wanted) {
      const answer = await client
        .json(notary, {
          method: "POST",
          uri: "/_matrix/key/v2/query",
          content: { server_keys: Object.fromEntries([...wanted].map(criteria)) },
          timeoutMs: TIMEOUT_MS,
        })
        .catch(() => undefined);
      const objects = answer?.["server_keys"];
      if (!Array.isArray(objects)) return [];
      return objects.flatMap((object) => {
        if (!isJsonObject(object) || !isSignedBy(object, notary, notaryKeys)) return [];
        const server = object["server_name"] as ServerName;
        const found = wanted.has(server) ? readKeyObject(object, server, clock.now()) : undefined;
        return found ? [found] : [];
      });
    },
  };
}

function criteria([server, { keyIds, validAt }]: readonly [
  ServerName,
  { keyIds: readonly string[]; validAt: number },
]): [string, JsonObject] {
  return [
    server,
    Object.fromEntries(keyIds.map((keyId) => [keyId, { minimum_valid_until_ts: validAt }])),
  ];
}

function isSignedBy(
  object: JsonObject,
  notary: ServerName,
  keys: ReadonlyMap<string, VerifyKey>,
): boolean {
  return signingKeyIds(object["signatures"], notary).some((keyId) => {
    const key = keys.get(keyId);
    return key !== undefined && verifySignedJson(object, notary, keyId, key);
  });
}
