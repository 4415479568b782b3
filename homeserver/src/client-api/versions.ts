import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";

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
  "org.matrix.msc2285.stable": true,
  "org.matrix.msc3827.stable": true,
  "org.matrix.msc3916.stable": true,
  "org.matrix.msc3952_intentional_mentions": true,
  "uk.tcpip.msc4133.stable": true,
};

export function versionsRoutes(): Route[] {
  return [
    // GET /_matrix/client/versions
    route("getVersions", () =>
      json(
        { versions: VERSIONS, unstable_features: UNSTABLE_FEATURES },
        { headers: { vary: "Authorization" } },
      ),
    ),
  ];
}
