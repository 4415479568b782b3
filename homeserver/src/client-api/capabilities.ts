import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { ROOM_VERSION_IDS } from "../protocol/room-versions.ts";

const capabilities = (defaultRoomVersion: string, webPushKey: string, sendsMail: boolean) => ({
  "m.change_password": { enabled: true },
  "m.room_versions": {
    default: defaultRoomVersion,
    available: Object.fromEntries(ROOM_VERSION_IDS.map((id) => [id, "stable"])),
  },
  "m.set_displayname": { enabled: true },
  "m.set_avatar_url": { enabled: true },
  "m.3pid_changes": { enabled: sendsMail },
  "m.get_login_token": { enabled: true },
  // Only under its stable name: some clients treat both names as one field and reject an answer
  // with both.
  "m.profile_fields": { enabled: true },
  "m.forget_forced_upon_leave": { enabled: false },
  "org.matrix.msc4174.webpush": { enabled: true, vapid: webPushKey },
});

export function capabilitiesRoutes(deps: {
  users: Pick<Users, "confirmations">;
  defaultRoomVersion: string;
  /** What apps subscribe with at their push servers, base64url. */
  webPushKey: string;
}): Route[] {
  const ofAll = capabilities(
    deps.defaultRoomVersion,
    deps.webPushKey,
    deps.users.confirmations.isOffered,
  );
  const answer = { capabilities: ofAll };
  const ofAdministrators = {
    capabilities: { ...ofAll, "m.account_moderation": { lock: true, suspend: true } },
  };
  return [
    // GET /_matrix/client/v3/capabilities
    route("getCapabilities", ({ requester }) => (requester.isAdmin ? ofAdministrators : answer)),
  ];
}
