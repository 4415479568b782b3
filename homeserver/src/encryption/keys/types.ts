import type { MatrixError } from "../../protocol/errors.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import type { ClaimedKey, KeyTextsOfUsers } from "../../users/keys/types.ts";

/** What servers did not answer, and why. */
export type Failures = ReadonlyMap<ServerName, MatrixError>;

export interface KeyQuery {
  /** Devices of each user; none: all. */
  readonly wanted: ReadonlyMap<UserId, readonly string[]>;
  /** Ms that other servers are waited for, within bounds (10,000). */
  readonly timeoutMs?: number | undefined;
}

export interface KeyClaim {
  /** User → device → algorithm. */
  readonly wanted: ReadonlyMap<UserId, Readonly<Record<string, string>>>;
  /** The same as for queries. */
  readonly timeoutMs?: number | undefined;
}

export interface QueryAnswer extends KeyTextsOfUsers {
  readonly failures: Failures;
}

interface ClaimAnswer {
  readonly keys: readonly ClaimedKey[];
  readonly failures: Failures;
}

/** Keys of users of this server and of others. */
export interface EncryptionKeys {
  /**
   * Keys of devices and cross-signing keys, as far as the asking user may see them. Servers that do
   * not answer in time are named; of their users what was known before is in the answer. (Client-
   * server API, "Key management API", POST /keys/query.)
   */
  query(asker: UserId, query: KeyQuery): Promise<QueryAnswer>;
  /** One-time keys, of each device one. (POST /keys/claim.) */
  claim(claim: KeyClaim): Promise<ClaimAnswer>;
}
