import { route, type Route } from "../http/route.ts";
import { DEFAULT_ROOM_VERSION, ROOM_VERSION_IDS } from "../protocol/room-versions.ts";

const PROFILE_FIELDS = { enabled: true };

const CAPABILITIES = {
  "m.change_password": { enabled: true },
  "m.room_versions": {
    default: DEFAULT_ROOM_VERSION,
    available: Object.fromEntries(ROOM_VERSION_IDS.map((id) => [id, "stable"])),
  },
  "m.set_displayname": { enabled: true },
  "m.set_avatar_url": { enabled: true },
  "m.3pid_changes": { enabled: false },
  "m.get_login_token": { enabled: true },
  "m.profile_fields": PROFILE_FIELDS,
  // Some clients read only the name that it had as a proposal.
  "uk.tcpip.msc4133.profile_fields": PROFILE_FIELDS,
  "m.forget_forced_upon_leave": { enabled: false },
};

export function capabilitiesRoutes(): Route[] {
  return [
    // GET /_matrix/client/v3/capabilities
    route("getCapabilities", () => ({ capabilities: CAPABILITIES })),
  ];
}
