import { hash } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import * as storage from "../../storage/oauth/clients.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { type ClientMetadata, readClientMetadata } from "./client-metadata.ts";
import { OAuthError } from "./oauth-error.ts";

/** An app that has registered itself. */
export interface OAuthClient {
  readonly clientId: string;
  readonly metadata: ClientMetadata;
  /** ms since 1970. */
  readonly createdTs: number;
}

/** Apps that sign people in. (Client-server API, "Client registration"; RFC 7591.) */
export interface OAuthClients {
  /**
   * Registers a client. Who says the same of themselves gets the same id, so that a client that was
   * forgotten in between finds its id unchanged.
   * @throws OAuthError invalid_client_metadata, invalid_redirect_uri
   */
  register(told: object): Promise<OAuthClient>;
  /** @throws OAuthError invalid_client 401 */
  get(clientId: string | undefined): Promise<OAuthClient>;
}

/** Clients that nobody has a session of. */
const MAX_IDLE = 10_000;
/** Characters of base64url: 192 bits. */
const ID_LENGTH = 32;
const MAX_BYTES = 4_096;

export function createOAuthClients(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly allowPlain: boolean;
}): OAuthClients {
  const { sql, clock, allowPlain } = deps;
  return {
    async register(told) {
      const metadata = readClientMetadata(told, allowPlain);
      const text = JSON.stringify(metadata);
      if (text.length > MAX_BYTES) {
        throw new OAuthError(
          "invalid_client_metadata",
          "That is more than can be kept of a client",
        );
      }
      const clientId = hash("sha256", text, "base64url").slice(0, ID_LENGTH);
      const createdTs = await transaction(sql, async (tx) => {
        const row = { clientId, metadata: text, now: clock.now() };
        const stored = await storage.upsertClient(tx, row);
        if (stored.isNew) await storage.trimIdleClients(tx, MAX_IDLE);
        return stored.createdTs;
      });
      return { clientId, metadata, createdTs };
    },

    async get(clientId) {
      const isId = clientId !== undefined && /^[\w-]{1,100}$/.test(clientId);
      const row = isId ? await storage.findClient(sql, clientId) : undefined;
      if (row === undefined) {
        throw new OAuthError("invalid_client", "The client is not known: it has to register", 401);
      }
      const metadata = JSON.parse(row.metadata) as ClientMetadata;
      return { clientId: row.clientId, metadata, createdTs: row.createdTs };
    },
  };
}
