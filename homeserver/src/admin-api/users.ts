import type { QueryParams, RequestBody } from "@weft/spec/types";
import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type {
  ListedUser,
  UserDetails,
  UserFilter,
  UserPage,
  UserWish,
} from "../users/administration/types.ts";
import type { Users } from "../users/users.ts";
import { usersInPaths } from "./known-user.ts";
import { nextToken, pageOf } from "./pages.ts";

/** Accounts of this server, by the paths that tools for Synapse use. */
export function usersRoutes({ users }: { users: Users }): Route[] {
  const { administration, moderation } = users;
  const { local, known } = usersInPaths(users.accounts);

  async function list(query: ListQuery, isDeactivated: boolean | undefined) {
    const page: UserPage = { orderBy: query.order_by ?? "name", ...pageOf(query) };
    const filter = { ...filterOf(query), isDeactivated };
    const { users: some, total } = await administration.list(filter, page);
    return { users: some.map(listed), total, ...nextToken(page, some.length, total) };
  }

  async function look(userId: UserId) {
    const user = await administration.find(userId);
    if (user === undefined) throw errors.notFound("No such user");
    return detailed(user);
  }

  return [
    // GET /_synapse/admin/v2/users
    route("listOpenUsers", ({ query }) => list(query, query.deactivated ? undefined : false)),

    // GET /_synapse/admin/v3/users
    route("listUsers", ({ query }) => list(query, query.deactivated)),

    // GET /_synapse/admin/v2/users/{userId}
    route("getUser", ({ params }) => look(local(params.userId))),

    // PUT /_synapse/admin/v2/users/{userId}
    route("putUser", async ({ requester, params, body }) => {
      const userId = local(params.userId);
      const isNew = await administration.put(requester, userId, wishOf(body));
      return json(await look(userId), { status: isNew ? 201 : 200 });
    }),

    // GET /_synapse/admin/v1/users/{userId}/admin
    route("isAdministrator", async ({ params }) => {
      const account = await users.accounts.find(await known(params.userId));
      return { admin: account?.isAdmin === true };
    }),

    // PUT /_synapse/admin/v1/users/{userId}/admin
    route("setAdministrator", ({ requester, params, body }) =>
      administration.setAdministrator(requester.userId, local(params.userId), body.admin),
    ),

    // PUT /_synapse/admin/v1/suspend/{userId}
    route("suspendUser", async ({ requester, params, body: { suspend } }) => {
      const userId = local(params.userId);
      await moderation.change(requester.userId, userId, { suspended: suspend });
      return { [`user_${userId}_suspended`]: suspend };
    }),

    // POST /_synapse/admin/v1/deactivate/{userId}
    route("deactivateUser", async ({ requester, params, body: { erase = false } }) => {
      const userId = local(params.userId);
      const result = await administration.deactivate(requester.userId, userId, erase);
      return { id_server_unbind_result: result };
    }),

    // POST /_synapse/admin/v1/reset_password/{userId}
    route("resetUserPassword", ({ requester, params, body }) => {
      const { new_password: password, logout_devices: signOut = true } = body;
      return administration.resetPassword(requester, local(params.userId), password, !signOut);
    }),
  ];
}

type ListQuery = Pick<
  QueryParams<"listUsers">,
  | ("from" | "limit" | "order_by" | "dir" | "name" | "user_id" | "not_user_type")
  | ("admins" | "locked" | "suspended" | "shadow_banned")
>;

function filterOf(query: ListQuery): UserFilter {
  const { name = "", user_id: part = "" } = query;
  return {
    ...(name !== "" ? { name: name.toLowerCase() } : part !== "" && { userId: part.toLowerCase() }),
    isAdmin: query.admins,
    isLocked: query.locked === true ? undefined : false,
    isSuspended: query.suspended,
    isShadowBanned: query.shadow_banned,
    notTypes: query.not_user_type ?? [],
  };
}

function wishOf(body: RequestBody<"putUser">): UserWish {
  return {
    password: body.password,
    keepDevices: body.logout_devices === false,
    displayName: body.displayname,
    avatarUrl: body.avatar_url,
    addresses: body.threepids,
    links: body.external_ids?.map(({ auth_provider: provider, external_id: subject }) => ({
      provider,
      subject,
    })),
    isAdmin: body.admin,
    isDeactivated: body.deactivated,
    isLocked: body.locked,
    userType: body.user_type,
  };
}

function listed(user: ListedUser) {
  return {
    name: user.userId,
    is_guest: false,
    admin: user.isAdmin,
    user_type: user.userType,
    deactivated: user.isDeactivated,
    erased: user.erased,
    shadow_banned: user.isShadowBanned,
    locked: user.isLocked,
    suspended: user.isSuspended,
    displayname: user.displayName,
    avatar_url: user.avatarUrl,
    creation_ts: user.createdTs,
    last_seen_ts: user.seenTs,
  };
}

function detailed(user: UserDetails) {
  return {
    ...listed(user),
    // Synapse tells seconds here, and tools count on it.
    creation_ts: Math.floor(user.createdTs / 1000),
    threepids: user.addresses.map(({ medium, address, confirmedTs, addedTs }) => ({
      medium,
      address,
      validated_at: confirmedTs,
      added_at: addedTs,
    })),
    external_ids: user.links.map(({ provider, subject }) => ({
      auth_provider: provider,
      external_id: subject,
    })),
    appservice_id: user.appservice,
    consent_server_notice_sent: null,
    consent_version: user.agreement?.versions ?? null,
    consent_ts: user.agreement?.ts ?? null,
  };
}
