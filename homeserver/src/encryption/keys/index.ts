import type { RemoteKeys } from "../../federation-client/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Keys } from "../../users/keys/keys.ts";
import type { DeviceLists } from "../device-lists/index.ts";
import { createServerPoll } from "./ask-servers.ts";
import { createKeyClaim } from "./claim.ts";
import { createKeyQuery } from "./query.ts";
import { createServedKeys, type ServedKeys } from "./served.ts";
import { createSignatureUpload, type SignatureUpload } from "./signatures.ts";
import type { EncryptionKeys } from "./types.ts";

export interface KeysDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly serverName: ServerName;
  /** Keys of local users. */
  readonly localKeys: Keys;
  readonly remote: RemoteKeys;
  readonly deviceLists: Pick<DeviceLists, "lists" | "reader">;
  /** Aborts requests to other servers. */
  readonly signal: AbortSignal;
}

/** Keys of users of all servers, for local users, and of this server's users, for other servers. */
export function createKeysOfAll(
  deps: KeysDeps,
): EncryptionKeys & SignatureUpload & { served: ServedKeys } {
  const { deviceLists, clock } = deps;
  const poll = createServerPoll(clock);
  const query = createKeyQuery({ ...deps, ...deviceLists, poll });
  return {
    query,
    uploadSignatures: createSignatureUpload({ ...deps, query }),
    claim: createKeyClaim({ ...deps, ...deviceLists, poll }),
    served: createServedKeys(deps),
  };
}
