import { route, type Route } from "../http/route.ts";
import { ROOM_VERSION_IDS } from "../protocol/room-versions.ts";

const capabilities = (defaultRoomVersion: string) => ({
  "m.change_password": { enabled: true },
  "m.room_versions": {
    default: defaultRoomVersion,
    available: Object.fromEntries(ROOM_VERSION_IDS.map((id) => [id, "stable"])),
  },
  "m.set_displayname": { enabled: true },
  "m.set_avatar_url": { enabled: true },
  "m.3pid_changes": { enabled: false },
  "m.get_login_token": { enabled: true },
  // Only under its stable name: some clients treat both names as one field and reject an answer
  // with both.
  "m.profile_fields": { enabled: true },
  "m.forget_forced_upon_leave": { enabled: false },
});

export function capabilitiesRoutes(deps: { defaultRoomVersion: string }): Route[] {
  const answer = { capabilities: capabilities(deps.defaultRoomVersion) };
  return [
    // GET /_matrix/client/v3/capabilities
    route("getCapabilities", () => answer),
  ];
}
