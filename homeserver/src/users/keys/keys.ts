import type { Log } from "../../log/types.ts";
import type { Sql } from "../../storage/sql.ts";
import { createKeyClaims, type KeyClaims } from "./claims.ts";
import { type CountsOfKeys, createCountsOfKeys } from "./counts.ts";
import { createCrossSigning, type CrossSigning } from "./cross-signing.ts";
import { createKeyQueries, type KeyQueries } from "./queries.ts";
import { createKeySignatures, type KeySignatures } from "./signatures.ts";
import { createKeyUploads, type KeyUploads } from "./upload.ts";

/** Keys of local users for end-to-end encryption. */
export interface Keys
  extends KeyUploads, KeyQueries, KeyClaims, CountsOfKeys, CrossSigning, KeySignatures {}

export function createKeys(deps: { sql: Sql; log: Log }): Keys {
  const queries = createKeyQueries(deps);
  const counts = createCountsOfKeys(deps);
  return {
    ...createKeyUploads(deps),
    ...queries,
    ...createKeyClaims(deps),
    ...counts,
    ...createCrossSigning(deps),
    ...createKeySignatures(deps),
    stop() {
      queries.stop();
      counts.stop();
    },
  };
}
