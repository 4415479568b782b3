import { errors } from "../../protocol/errors.ts";
import { type ServerName, serverOf, type UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Sql } from "../../storage/sql.ts";
import { deviceListVersion } from "../../storage/users/device-list-version.ts";
import type { KeyClaims } from "../../users/keys/claims.ts";
import type { KeyQueries } from "../../users/keys/queries.ts";
import type { ClaimedKey, QueriedKeyTexts } from "../../users/keys/types.ts";
import { wantedKeys } from "./claim.ts";
import type { KeyClaim, KeyQuery } from "./types.ts";

/** What other servers may know of this server's users' keys. */
export interface ServedKeys {
  /**
   * POST /user/keys/query. Users of other servers are left out.
   * @throws MatrixError M_TOO_LARGE 413 when the answer would be too long
   */
  query(wanted: KeyQuery["wanted"]): Promise<QueriedKeyTexts>;
  /** POST /user/keys/claim. The same. */
  claim(wanted: KeyClaim["wanted"]): Promise<readonly ClaimedKey[]>;
  /** GET /user/devices/{userId}; undefined: there is no such user here. */
  devices(userId: UserId): Promise<ServedList | undefined>;
}

/** A user's devices that have keys, and their cross-signing keys. */
interface ServedList {
  /** The `stream_id` of the newest update that is in the list; newer ones may be. */
  readonly streamId: number;
  readonly devices: ReadonlyMap<string, JsonObject>;
  readonly masterKey: JsonObject | undefined;
  readonly selfSigningKey: JsonObject | undefined;
}

export function createServedKeys({
  sql,
  localKeys,
  serverName,
}: {
  readonly sql: Sql;
  readonly localKeys: KeyQueries & KeyClaims;
  readonly serverName: ServerName;
}): ServedKeys {
  const ofOurs = <T>(wanted: ReadonlyMap<UserId, T>) =>
    new Map([...wanted].filter(([userId]) => serverOf(userId) === serverName));
  const query: ServedKeys["query"] = async (wanted) => {
    const found = await localKeys.query(undefined, ofOurs(wanted));
    if (found.isCut) throw errors.tooLarge("The answer would be too long: ask for fewer users");
    return found;
  };
  return {
    query,
    claim: (wanted) => localKeys.claim(wantedKeys(ofOurs(wanted))),
    async devices(userId) {
      // Whoever gets an update that is in the list already is none the wiser. One that is missing
      // would never come.
      const streamId = await deviceListVersion(sql, userId);
      const found = await localKeys.readKeys(ofOurs(new Map([[userId, []]])));
      const devices = found.deviceKeys.get(userId);
      if (devices === undefined) return undefined;
      const masterKey = found.masterKeys.get(userId);
      return { streamId, devices, masterKey, selfSigningKey: found.selfSigningKeys.get(userId) };
    },
  };
}
