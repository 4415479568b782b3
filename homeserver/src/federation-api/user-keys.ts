import type { Encryption } from "../encryption/index.ts";
import { byUser, presentClaimed, presentKeys } from "../encryption/keys/present.ts";
import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";

export interface UserKeysDeps {
  readonly encryption: Encryption;
}

/** Keys of this server's users, for other servers. (Server-server API, "End-to-End Encryption".) */
export function userKeysRoutes({ encryption }: UserKeysDeps): Route[] {
  const { served } = encryption.keys;
  return [
    // POST /_matrix/federation/v1/user/keys/query
    route("queryUserEncryptionKeys", async ({ body }) =>
      raw(presentKeys(await served.query(byUser(body.device_keys)))),
    ),

    // POST /_matrix/federation/v1/user/keys/claim
    route("claimUserEncryptionKeys", async ({ body }) => {
      const claimed = await served.claim(byUser(body.one_time_keys));
      return raw(`{"one_time_keys":${presentClaimed(claimed)}}`);
    }),
  ];
}
