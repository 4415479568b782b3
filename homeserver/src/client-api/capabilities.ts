import type { DelayedEventLimits } from "../delayed-events/types.ts";
import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import type { ClientSettings } from "./client-settings.ts";

const capabilities = ({ settings, webPushKey, users }: CapabilityDeps) => ({
  "m.change_password": { enabled: true },
  "m.room_versions": {
    default: settings.defaultRoomVersion,
    available: Object.fromEntries(settings.allowedRoomVersions.map((id) => [id, "stable"])),
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
  "io.element.msc4452.preview_url": { enabled: settings.urlPreviews },
  ...delayedEvents(settings.delayedEventLimits),
});

/** Absent: nothing is sent later. (MSC4140.) */
const delayedEvents = ({ perUser, maxDelayMs }: DelayedEventLimits) =>
  perUser > 0 && {
    "org.matrix.msc4140.delayed_events": { max_delay_ms: maxDelayMs, max_scheduled: perUser },
  };

interface CapabilityDeps {
  readonly users: Pick<Users, "confirmations">;
  readonly settings: ClientSettings;
  /** What apps subscribe with at their push servers, base64url. */
  readonly webPushKey: string;
}

export function capabilitiesRoutes(deps: CapabilityDeps): Route[] {
  return [
    // GET /_matrix/client/v3/capabilities
    route("getCapabilities", ({ requester }) => {
      const ofAll = capabilities(deps);
      if (!requester.isAdmin) return { capabilities: ofAll };
      const moderation = { "m.account_moderation": { lock: true, suspend: true } };
      return { capabilities: { ...ofAll, ...moderation } };
    }),
  ];
}
