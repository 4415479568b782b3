import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { ROOM_VERSION_IDS } from "../protocol/room-versions.ts";

const capabilities = ({ defaultRoomVersion, webPushKey, previews, users }: CapabilityDeps) => ({
  "m.change_password": { enabled: true },
  "m.room_versions": {
    default: defaultRoomVersion,
    available: Object.fromEntries(ROOM_VERSION_IDS.map((id) => [id, "stable"])),
  },
  "m.set_displayname": { enabled: true },
  "m.set_avatar_url": { enabled: true },
  "m.3pid_changes": { enabled: users.confirmations.isOffered },
  "m.get_login_token": { enabled: true },
  // Only under its stable name: some clients treat both names as one field and reject an answer
  // with both.
  "m.profile_fields": { enabled: true },
  "m.forget_forced_upon_leave": { enabled: false },
  "org.matrix.msc4174.webpush": { enabled: true, vapid: webPushKey },
  "io.element.msc4452.preview_url": { enabled: previews !== undefined },
});

interface CapabilityDeps {
  readonly users: Pick<Users, "confirmations">;
  readonly defaultRoomVersion: string;
  /** What apps subscribe with at their push servers, base64url. */
  readonly webPushKey: string;
  /** Absent: no previews of web pages are made. */
  readonly previews: unknown;
}

export function capabilitiesRoutes(deps: CapabilityDeps): Route[] {
  const ofAll = capabilities(deps);
  const answer = { capabilities: ofAll };
  const ofAdministrators = {
    capabilities: { ...ofAll, "m.account_moderation": { lock: true, suspend: true } },
  };
  return [
    // GET /_matrix/client/v3/capabilities
    route("getCapabilities", ({ requester }) => (requester.isAdmin ? ofAdministrators : answer)),
  ];
}
