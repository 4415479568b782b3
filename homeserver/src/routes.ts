import { adminRoutes, type Watched } from "./admin-routes.ts";
import { accountRoutes } from "./client-api/account-routes.ts";
import { roomRoutes } from "./client-api/room-routes.ts";
import { oauthRoutes, openSsoEntry } from "./oauth-api/routes.ts";
import { federationRoutes } from "./federation-api/routes.ts";
import type { Route } from "./http/route.ts";
import type { Foundation } from "./foundation.ts";
import type { Layers } from "./layers.ts";
import { VERSION } from "./version.ts";
import { createOpenIdTokens } from "./users/accounts/openid.ts";
import { createRemotePublicRooms } from "./client-api/remote-public-rooms.ts";

/** Every operation of every API, bound to the layers. */
export function createRoutes(on: Foundation, layers: Layers, watched: Watched): Route[] {
  const { config, clock, random, remote, signingKey } = on;
  const { users, edus } = layers;
  const { serverName, publicBaseUrl } = config;
  const secret = signingKey.seedBase64;
  const openId = createOpenIdTokens({ accounts: users.accounts, clock, random, secret });
  return [
    ...adminRoutes(on, layers, watched),
    ...accountRoutes({
      ...{ ...layers, publicBaseUrl, openId, clock, serverName },
      ssoPages: openSsoEntry({ users, publicBaseUrl }),
      settings: config,
      webPushKey: on.webPushKey.publicKey,
    }),
    ...oauthRoutes({ users, publicBaseUrl }),
    ...roomRoutes({
      ...layers,
      clock,
      serverName,
      remotePublicRooms: createRemotePublicRooms(remote.server),
    }),
    ...federationRoutes({
      ...layers,
      clock,
      random,
      openId,
      serverName,
      signingKey,
      version: VERSION,
      federationPort: config.federationListen?.port,
      keyObject: (server, validAt) => remote.keyRing.keyObject(server, validAt),
      receivedFrom: (server) => remote.backoff.receivedFrom(server),
      receiveEdu: (origin, type, content) => edus.receive(origin, type, content),
      localProfile: (userId) => users.profiles.local(userId),
    }),
  ];
}
