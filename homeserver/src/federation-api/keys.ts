import type { KeyRing } from "../federation-client/keys/key-ring.ts";
import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Clock } from "../platform/clock.ts";
import { canonicalJson, type JsonObject } from "../protocol/json.ts";
import type { SigningKey } from "../protocol/crypto.ts";
import { isServerName, parseServerName, type ServerName } from "../protocol/identifiers.ts";
import { signJson } from "../protocol/signed-json.ts";

export interface KeysDeps {
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  /** The newest key object of another server, with its own signatures. */
  readonly keyObject: KeyRing["keyObject"];
}

/** Other servers ask again after half of this time. */
const VALID_MS = 24 * 60 * 60_000;
/** Limit on servers in one question to a notary. */
const MAX_SERVERS = 100;

/** This server's keys, and others' as a notary. (Server-server API, "Retrieving server keys".) */
export function keysRoutes({ serverName, signingKey, clock, keyObject }: KeysDeps): Route[] {
  function ownKeys(): JsonObject {
    const keys = {
      server_name: serverName,
      verify_keys: { [signingKey.keyId]: { key: signingKey.publicKeyBase64 } },
      old_verify_keys: {},
      valid_until_ts: clock.now() + VALID_MS,
    };
    return signJson(keys, serverName, signingKey);
  }

  async function notarised(server: ServerName, validAt: number): Promise<JsonObject[]> {
    if (server === serverName) return [ownKeys()];
    const object = await keyObject(server, validAt);
    return object ? [signJson(object, serverName, signingKey)] : [];
  }

  return [
    // GET /_matrix/key/v2/server
    route("getServerKey", () => raw(canonicalJson(ownKeys()))),

    // GET /_matrix/key/v2/query/{serverName}
    route("perspectivesKeyQuery", async ({ params, query }) => ({
      server_keys: await notarised(
        parseServerName(params.serverName),
        query.minimum_valid_until_ts ?? clock.now(),
      ),
    })),

    // POST /_matrix/key/v2/query
    route("bulkPerspectivesKeyQuery", async ({ body }) => {
      const wanted = Object.entries(body.server_keys).slice(0, MAX_SERVERS);
      const found = await Promise.all(
        wanted.map(async ([server, keys]) => {
          // Invalid names have no keys, and do not spoil the answer for the others.
          if (!isServerName(server)) return [];
          const times = Object.values(keys).map((key) => key.minimum_valid_until_ts ?? clock.now());
          return notarised(server, Math.max(clock.now(), ...times));
        }),
      );
      return { server_keys: found.flat() };
    }),
  ];
}
