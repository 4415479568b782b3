import type { ClientSettings } from "./client-settings.ts";
import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { RoomRules } from "../rooms/creating/room-rules.ts";

/** Every version since the first: clients look for exact names, each for its own feature. */
const VERSIONS = [
  "r0.0.1",
  "r0.1.0",
  "r0.2.0",
  "r0.3.0",
  "r0.4.0",
  "r0.5.0",
  "r0.6.0",
  "r0.6.1",
  ...Array.from({ length: 19 }, (_, index) => `v1.${index + 1}`),
];

/**
 * Flags that clients check for what is implemented here. Accepted proposals have their `.stable`
 * form.
 */
const UNSTABLE_FEATURES = {
  "fi.mau.msc2659.stable": true,
  "org.matrix.e2e_cross_signing": true,
  "org.matrix.msc2285.stable": true,
  "org.matrix.msc3030.stable": true,
  "org.matrix.msc3440.stable": true,
  "org.matrix.msc3715.stable": true,
  "org.matrix.msc3827.stable": true,
  "org.matrix.msc3856.stable": true,
  "org.matrix.msc3916.stable": true,
  // Signing in by a QR code: the rendezvous, and the device grant of OAuth.
  "org.matrix.msc4108": true,
  // Redactions that take along what relates to the event.
  "org.matrix.msc3912": true,
  "org.matrix.msc3952_intentional_mentions": true,
  // Pushers for web push.
  "org.matrix.msc4174": true,
  // Threads that users follow; by sliding sync, too (MSC4308).
  "org.matrix.msc4306": true,
  // Rules on who may invite.
  "org.matrix.msc4155": true,
  // Sticky events.
  "org.matrix.msc4354": true,
  "org.matrix.msc4380.stable": true,
  // Changes of profiles, by sliding sync and by /sync.
  "org.matrix.msc4262": true,
  "org.matrix.msc4429": true,
  // Sliding sync (MSC4186), at the path of the proposal before it.
  "org.matrix.simplified_msc3575": true,
  // Rooms in common: js-sdk looks for the first of these alone.
  "uk.half-shot.msc2666.query_mutual_rooms": true,
  "uk.half-shot.msc2666.query_mutual_rooms.stable": true,
  "uk.tcpip.msc4133.stable": true,
  // Our own: spec/socket.md.
  "weft.socket": true,
};

/** What is here by the settings. */
function featuresOf(settings: VersionSettings): Record<string, boolean> {
  return {
    // Events that are sent later.
    ...(settings.delayedEventLimits.perUser > 0 && { "org.matrix.msc4140": true }),
    // What carries calls of many people.
    ...(settings.rtcTransports.length > 0 && { "org.matrix.msc4143": true }),
    ...forcedEncryption(settings),
  };
}

type VersionSettings = RoomRules & Pick<ClientSettings, "delayedEventLimits" | "rtcTransports">;

/** Whether rooms are encrypted by the server where the client does not say so, by their preset. */
function forcedEncryption({ encryptionByDefault }: RoomRules): Record<string, boolean> {
  const isPrivate = encryptionByDefault !== "off";
  return {
    "io.element.e2ee_forced.public": encryptionByDefault === "all",
    "io.element.e2ee_forced.private": isPrivate,
    "io.element.e2ee_forced.trusted_private": isPrivate,
  };
}

export function versionsRoutes({ settings }: { settings: VersionSettings }): Route[] {
  return [
    // GET /_matrix/client/versions
    route("getVersions", () =>
      json(
        {
          versions: VERSIONS,
          unstable_features: { ...UNSTABLE_FEATURES, ...featuresOf(settings) },
        },
        { headers: { vary: "Authorization" } },
      ),
    ),
  ];
}
