import type { JsonObject } from "../protocol/json.ts";
import type { IssuedSession, SessionRequest } from "../users/common/types.ts";

/** What the bodies of login and registration say about the session that is wanted. */
export function sessionRequest(body: {
  device_id?: string | undefined;
  initial_device_display_name?: string | undefined;
  refresh_token?: boolean | undefined;
}): SessionRequest {
  return {
    deviceId: body.device_id,
    initialDeviceDisplayName: body.initial_device_display_name,
    refreshToken: body.refresh_token,
  };
}

/** The tokens of a session as refreshes answer them. */
export function tokensBody(session: IssuedSession): JsonObject {
  return {
    access_token: session.accessToken,
    ...(session.refreshToken !== undefined && { refresh_token: session.refreshToken }),
    ...(session.expiresInMs !== undefined && { expires_in_ms: session.expiresInMs }),
  };
}

/** A session as login and registration answer it. */
export function sessionBody(session: IssuedSession, homeServer: string): JsonObject {
  return {
    user_id: session.userId,
    device_id: session.deviceId,
    home_server: homeServer,
    ...tokensBody(session),
  };
}
