import type { QueryParams, RequestBody, Schema } from "@weft/spec/types";
import type { Http } from "../http.ts";

export type ListedUser = Schema<"ListedUser">;
export type AdminUser = Schema<"User">;
export type AdministeredDevice = Schema<"AdministeredDevice">;
export type NewUser = Schema<"NewUser">;
export type RegistrationToken = Schema<"RegistrationToken">;

const V1 = "/_synapse/admin/v1";
const USER = "/_synapse/admin/v2/users/{userId}";
const TOKENS = "/_synapse/admin/v1/registration_tokens";

/** Accounts of the server, their devices, and the tokens by which people get one. */
export function createUsersAdmin(http: Http) {
  return {
    list: (query: QueryParams<"listUsers">, signal?: AbortSignal) =>
      http.call<"listUsers">("GET", "/_synapse/admin/v3/users", { query, signal }),
    get: (userId: string, signal?: AbortSignal) =>
      http.call<"getUser">("GET", USER, { path: { userId }, signal }),
    /** Creates the user, or changes what is named. */
    put: (userId: string, body: RequestBody<"putUser">) =>
      http.call<"putUser">("PUT", USER, { path: { userId }, body }),
    /** Creates up to a hundred, each whatever becomes of the others. Nobody who is there is changed. */
    create: (users: NewUser[]) =>
      http.call<"createUsers">("POST", "/_weft/admin/v1/users", {
        body: { users },
        timeout: 300_000,
      }),
    storage: (userId: string, signal?: AbortSignal) =>
      http.call<"getUserStorage">("GET", "/_weft/admin/v1/users/{userId}/storage", {
        path: { userId },
        signal,
      }),
    rooms: (userId: string, signal?: AbortSignal) =>
      http.call<"listUserMemberships">("GET", `${V1}/users/{userId}/memberships`, {
        path: { userId },
        signal,
      }),
    setAdministrator: (userId: string, admin: boolean) =>
      http.call<"setAdministrator">("PUT", `${V1}/users/{userId}/admin`, {
        path: { userId },
        body: { admin },
      }),
    suspend: (userId: string, suspend: boolean) =>
      http.call<"suspendUser">("PUT", `${V1}/suspend/{userId}`, {
        path: { userId },
        body: { suspend },
      }),
    deactivate: (userId: string, erase: boolean) =>
      http.call<"deactivateUser">("POST", `${V1}/deactivate/{userId}`, {
        path: { userId },
        body: { erase },
      }),
    resetPassword: (userId: string, newPassword: string, logoutDevices: boolean) =>
      http.call<"resetUserPassword">("POST", `${V1}/reset_password/{userId}`, {
        path: { userId },
        body: { new_password: newPassword, logout_devices: logoutDevices },
      }),

    /** The rate of their own; nothing in it: everybody's holds. */
    rate: (userId: string, signal?: AbortSignal) =>
      http.call<"getUserRateLimit">("GET", `${V1}/users/{userId}/override_ratelimit`, {
        path: { userId },
        signal,
      }),
    setRate: (userId: string, body: RequestBody<"setUserRateLimit">) =>
      http.call<"setUserRateLimit">("POST", `${V1}/users/{userId}/override_ratelimit`, {
        path: { userId },
        body,
      }),
    dropRate: (userId: string) =>
      http.call<"deleteUserRateLimit">("DELETE", `${V1}/users/{userId}/override_ratelimit`, {
        path: { userId },
      }),
    shadowBan: (userId: string) =>
      http.call<"shadowBanUser">("POST", `${V1}/users/{userId}/shadow_ban`, { path: { userId } }),
    endShadowBan: (userId: string) =>
      http.call<"endShadowBan">("DELETE", `${V1}/users/{userId}/shadow_ban`, { path: { userId } }),
    /** Redacts what they have sent, in the background. */
    redact: (userId: string, body: RequestBody<"redactUser">) =>
      http.call<"redactUser">("POST", `${V1}/user/{userId}/redact`, { path: { userId }, body }),
    devices: (userId: string, signal?: AbortSignal) =>
      http.call<"listUserDevices">("GET", `${USER}/devices`, { path: { userId }, signal }),
    deleteDevices: (userId: string, devices: string[]) =>
      http.call<"deleteUserDevices">("POST", `${USER}/delete_devices`, {
        path: { userId },
        body: { devices },
      }),

    tokens: (signal?: AbortSignal) =>
      http.call<"listRegistrationTokens">("GET", TOKENS, { signal }),
    /** A token, and the address of the page where somebody registers with it. */
    createLink: (body: RequestBody<"createInviteLink">) =>
      http.call<"createInviteLink">("POST", "/_weft/admin/v1/invite_links", { body }),
    changeToken: (token: string, body: RequestBody<"updateRegistrationToken">) =>
      http.call<"updateRegistrationToken">("PUT", `${TOKENS}/{token}`, { path: { token }, body }),
    deleteToken: (token: string) =>
      http.call<"deleteRegistrationToken">("DELETE", `${TOKENS}/{token}`, { path: { token } }),

    media: (query: QueryParams<"getUserMedia">, userId: string, signal?: AbortSignal) =>
      http.call<"getUserMedia">("GET", `${V1}/users/{userId}/media`, {
        path: { userId },
        query,
        signal,
      }),
    quarantineMedia: (userId: string) =>
      http.call<"quarantineUserMedia">("POST", `${V1}/user/{userId}/media/quarantine`, {
        path: { userId },
      }),
    deleteMedia: (userId: string, limit: number) =>
      http.call<"deleteUserMedia">("DELETE", `${V1}/users/{userId}/media`, {
        path: { userId },
        query: { limit },
      }),
  };
}
