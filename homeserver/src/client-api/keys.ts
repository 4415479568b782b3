import type { Encryption } from "../encryption/index.ts";
import {
  byUser,
  presentAnswer,
  presentClaimed,
  presentFailures,
} from "../encryption/keys/present.ts";
import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Sync } from "../sync/index.ts";
import type { Users } from "../users/users.ts";
import { ownDevice } from "./own-device.ts";

export interface KeysDeps {
  readonly users: Users;
  readonly encryption: Encryption;
}

export function keysRoutes({
  users,
  encryption,
  sync,
}: KeysDeps & { readonly sync: Pick<Sync, "deviceListChanges"> }): Route[] {
  return [
    // POST /_matrix/client/v3/keys/upload
    route("uploadKeys", async ({ requester, body }) => {
      const { oneTimeKeys } = await users.keys.upload(ownDevice(requester), body);
      return { one_time_key_counts: oneTimeKeys };
    }),

    // POST /_matrix/client/v3/keys/query
    route("queryKeys", async ({ requester, body }) => {
      const query = { wanted: byUser(body.device_keys), timeoutMs: body.timeout };
      return raw(presentAnswer(await encryption.keys.query(requester.userId, query)));
    }),

    // POST /_matrix/client/v3/keys/claim
    route("claimKeys", async ({ body }) => {
      const wanted = byUser(body.one_time_keys);
      const { keys, failures } = await encryption.keys.claim({ wanted, timeoutMs: body.timeout });
      const failed = JSON.stringify(presentFailures(failures));
      return raw(`{"one_time_keys":${presentClaimed(keys)},"failures":${failed}}`);
    }),

    // GET /_matrix/client/v3/keys/changes
    route("getKeysChanges", ({ requester, query }) =>
      sync.deviceListChanges(requester.userId, query.from, query.to),
    ),
  ];
}
