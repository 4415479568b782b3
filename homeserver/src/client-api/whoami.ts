import { route, type Route } from "../http/route.ts";

export function whoamiRoutes(): Route[] {
  return [
    // GET /_matrix/client/v3/account/whoami
    route("getTokenOwner", ({ requester }) => ({
      user_id: requester.userId,
      ...(requester.deviceId !== "" && { device_id: requester.deviceId }),
      is_guest: requester.isGuest ?? false,
    })),
  ];
}
