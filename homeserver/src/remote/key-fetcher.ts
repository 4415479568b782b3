import type { Clock } from "../platform/clock.ts";
import { createSemaphore } from "../platform/semaphore.ts";
import type { VerifyKey } from "../protocol/crypto.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { type JsonObject, isJsonObject } from "../protocol/json.ts";
import { signingKeyIds, verifySignedJson } from "../protocol/signed-json.ts";
import type { RemoteClient } from "./client.ts";
import { type KeyObject, readKeyObject } from "./key-object.ts";

/** Gets key objects over the network: from the servers themselves, and from notaries. */
export interface KeyFetcher {
  /** The server's own answer; undefined when it gives none that is right. */
  direct(server: ServerName): Promise<KeyObject | undefined>;
  /** Everything that a notary knows of these servers; what is not properly signed is left out. */
  viaNotary(
    notary: ServerName,
    notaryKeys: ReadonlyMap<string, VerifyKey>,
    wanted: ReadonlyMap<ServerName, { keyIds: readonly string[]; validAt: number }>,
  ): Promise<KeyObject[]>;
}

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 65_536;
/** Servers asked at once: a room may have thousands, many of them gone. */
const AT_ONCE = 50;

export function createKeyFetcher(client: RemoteClient, clock: Clock): KeyFetcher {
  const places = createSemaphore(AT_ONCE);
  return {
    async direct(server) {
      const leave = await places.acquire();
      try {
        const answer = await client.json(server, {
          method: "GET",
          uri: "/_matrix/key/v2/server",
          unsigned: true,
          insist: true,
          timeoutMs: TIMEOUT_MS,
          maxBytes: MAX_BYTES,
        });
        return readKeyObject(answer, server, clock.now());
      } catch {
        return undefined;
      } finally {
        leave?.();
      }
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
