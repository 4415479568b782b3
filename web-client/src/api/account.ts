import type { Http } from "./http.ts";
import type { AuthProof, Device, EventContent, EventType, UserSearchResult } from "./types.ts";

const USER = "/_matrix/client/v3/user/{userId}";
const PROFILE = "/_matrix/client/v3/profile/{userId}";

/** What belongs to the person who is signed in: profile, devices, password, account data. */
export function createAccountApi(http: Http, userId: string) {
  return {
    profile: (who = userId) =>
      http.call<"getUserProfile">("GET", PROFILE, { path: { userId: who } }),
    setDisplayName: (displayname: string) =>
      http.call<"setProfileField">("PUT", `${PROFILE}/{keyName}`, {
        path: { userId, keyName: "displayname" },
        body: { displayname },
      }),
    setAvatar: (avatarUrl: string) =>
      http.call<"setProfileField">("PUT", `${PROFILE}/{keyName}`, {
        path: { userId, keyName: "avatar_url" },
        body: { avatar_url: avatarUrl },
      }),

    /** Whether one is an administrator of the server. Everybody may ask. */
    mayAdminister: async (): Promise<boolean> => {
      const path = "/_matrix/client/v3/capabilities";
      const { capabilities } = await http.call<"getCapabilities">("GET", path, {});
      return capabilities?.["m.account_moderation"]?.suspend === true;
    },

    devices: async (): Promise<Device[]> =>
      (await http.call<"getDevices">("GET", "/_matrix/client/v3/devices", {})).devices,
    renameDevice: (deviceId: string, displayName: string) =>
      http.call<"updateDevice">("PUT", "/_matrix/client/v3/devices/{deviceId}", {
        path: { deviceId },
        body: { display_name: displayName },
      }),
    /** Needs user-interactive auth. */
    deleteDevices: (devices: string[], auth?: AuthProof) =>
      http.call<"deleteDevices">("POST", "/_matrix/client/v3/delete_devices", {
        body: { devices, auth },
      }),
    /** Needs user-interactive auth. `signOutOthers`: this device alone stays signed in. */
    changePassword: (newPassword: string, signOutOthers: boolean, auth?: AuthProof) =>
      http.call<"changePassword">("POST", "/_matrix/client/v3/account/password", {
        body: { new_password: newPassword, logout_devices: signOutOthers, auth },
      }),

    setAccountData: <Type extends EventType>(type: Type, content: EventContent<Type>) =>
      http.call<"setAccountData">("PUT", `${USER}/account_data/{type}`, {
        path: { userId, type },
        body: content,
      }),
    setRoomTag: (roomId: string, tag: string, on: boolean) =>
      http.call<"setRoomTag" | "deleteRoomTag">(
        on ? "PUT" : "DELETE",
        `${USER}/rooms/{roomId}/tags/{tag}`,
        { path: { userId, roomId, tag } },
      ),

    searchUsers: async (term: string): Promise<UserSearchResult[]> =>
      (
        await http.call<"searchUserDirectory">("POST", "/_matrix/client/v3/user_directory/search", {
          body: { search_term: term, limit: 8 },
        })
      ).results,

    signOut: () => http.call<"logout">("POST", "/_matrix/client/v3/logout", {}),
  };
}
