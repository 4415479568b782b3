import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { pusherOf } from "../users/data/pusher-body.ts";
import type { Users } from "../users/users.ts";
import { usersInPaths } from "./known-user.ts";

/** Features of proposals that Synapse switches on for single users. Here they are on for all, or not there. */
const FEATURES: Readonly<Record<string, boolean>> = {
  msc3881: false,
  msc3575: true,
  msc4222: true,
};

/** Data of users, by the paths that tools for Synapse use, and what they store. */
export function userDataRoutes({ users }: { users: Users }): Route[] {
  const { records, pushers } = users;
  const { known } = usersInPaths(users.accounts);

  return [
    // GET /_synapse/admin/v1/users/{userId}/accountdata
    route("getUserAccountData", async ({ params }) => ({
      account_data: await records.accountData(await known(params.userId)),
    })),

    // GET /_synapse/admin/v1/users/{userId}/pushers
    route("listUserPushers", async ({ params }) => {
      const all = await pushers.list(await known(params.userId));
      return { pushers: all.map(pusherOf), total: all.length };
    }),

    // GET /_synapse/admin/v1/experimental_features/{userId}
    route("getUserFeatures", async ({ params }) => {
      await known(params.userId);
      return { features: FEATURES };
    }),

    // PUT /_synapse/admin/v1/experimental_features/{userId}
    route("setUserFeatures", async ({ params, body }) => {
      await known(params.userId);
      for (const [name, isOn] of Object.entries(body.features)) ensureSo(name, isOn);
    }),

    // POST /_synapse/admin/v1/users/{userId}/_allow_cross_signing_replacement_without_uia
    route("allowCrossSigningReplacement", async ({ params }) => {
      const until = await records.allowCrossSigningReplacement(await known(params.userId));
      return { updatable_without_uia_before_ms: until };
    }),

    // GET /_weft/admin/v1/users/{userId}/storage
    route("getUserStorage", async ({ params }) => {
      const stored = await records.storage(await known(params.userId));
      return {
        uploads: stored.uploads,
        account_data: stored.accountData,
        key_backups: stored.keyBackups,
        waiting_messages: stored.waitingMessages,
        devices: stored.devices,
      };
    }),
  ];
}

/** @throws MatrixError M_INVALID_PARAM 400 */
function ensureSo(name: string, isOn: boolean): void {
  const is = Object.hasOwn(FEATURES, name) ? FEATURES[name] : undefined;
  if (is === isOn) return;
  if (is === undefined) throw errors.invalidParam(`${name} is no feature of a proposal`);
  throw errors.invalidParam(`${name} is ${is ? "on for everybody" : "not there"}`);
}
