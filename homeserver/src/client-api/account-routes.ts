import type { Questions } from "../appservice/questions.ts";
import type { ThirdParty } from "../appservice/third-party.ts";
import type { Encryption } from "../encryption/index.ts";
import type { Route } from "../http/route.ts";
import type { Media } from "../media/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Sync } from "../sync/index.ts";
import type { OpenIdTokens } from "../users/accounts/openid.ts";
import type { Users } from "../users/users.ts";
import { accountDataRoutes } from "./account-data.ts";
import { accountDeactivationRoutes } from "./account-deactivation.ts";
import { administrativeContactRoutes } from "./administrative-contact.ts";
import { adminRoutes } from "./admin.ts";
import { appservicePingRoutes } from "./appservice-ping.ts";
import { authedContentRepoRoutes, type PreviewDeps } from "./authed-content-repo.ts";
import { capabilitiesRoutes } from "./capabilities.ts";
import { contentRepoRoutes } from "./content-repo.ts";
import { crossSigningRoutes } from "./cross-signing.ts";
import { dehydratedDevicesRoutes } from "./dehydrated-devices.ts";
import { deviceManagementRoutes } from "./device-management.ts";
import { filterRoutes } from "./filter.ts";
import { keyBackupRoutes } from "./key-backup.ts";
import { keysRoutes } from "./keys.ts";
import { loginRoutes } from "./login.ts";
import { loginTokenRoutes } from "./login-token.ts";
import { logoutRoutes } from "./logout.ts";
import { notificationsRoutes } from "./notifications.ts";
import { oauthServerMetadataRoutes } from "./oauth-server-metadata.ts";
import { openidRoutes } from "./openid.ts";
import { passwordManagementRoutes } from "./password-management.ts";
import { profileRoutes } from "./profile.ts";
import { pusherRoutes } from "./pusher.ts";
import { pushrulesRoutes } from "./pushrules.ts";
import { rendezvousRoutes } from "./rendezvous.ts";
import { refreshRoutes } from "./refresh.ts";
import { registrationRoutes } from "./registration.ts";
import { registrationTokensRoutes } from "./registration-tokens.ts";
import { reportContentRoutes } from "./report-content.ts";
import { rtcTransportsRoutes } from "./rtc-transports.ts";
import type { ServiceUsers } from "./service-accounts.ts";
import { type SsoPages, ssoLoginRedirectRoutes } from "./sso-login-redirect.ts";
import type { ClientSettings } from "./client-settings.ts";
import { retentionRoutes } from "./retention.ts";
import { supportRoutes } from "./support.ts";
import { tagsRoutes } from "./tags.ts";
import { thirdPartyLookupRoutes } from "./third-party-lookup.ts";
import { versionsRoutes } from "./versions.ts";
import { voipRoutes } from "./voip.ts";
import { type WellknownDeps, wellknownRoutes } from "./wellknown.ts";
import { whoamiRoutes } from "./whoami.ts";

interface AccountDeps extends PreviewDeps, WellknownDeps {
  users: Users;
  media: Media;
  rooms: Pick<Rooms, "view" | "history">;
  encryption: Encryption;
  sync: Pick<Sync, "deviceListChanges"> & {
    readonly notifications: Pick<Sync["notifications"], "list">;
  };
  services: ServiceUsers;
  questions: Pick<Questions, "ping">;
  thirdParty: ThirdParty;
  openId: OpenIdTokens;
  ssoPages: SsoPages;
  clock: Clock;
  serverName: ServerName;
  settings: ClientSettings;
  webPushKey: string;
}

/** Operations about accounts and their data, files, and the server itself. */
export function accountRoutes(deps: AccountDeps): Route[] {
  return [
    ...accountDataRoutes(deps),
    ...accountDeactivationRoutes(deps),
    ...[adminRoutes, administrativeContactRoutes].flatMap((routes) => routes(deps)),
    ...appservicePingRoutes(deps),
    ...authedContentRepoRoutes(deps),
    ...capabilitiesRoutes(deps),
    ...contentRepoRoutes(deps),
    ...crossSigningRoutes(deps),
    ...dehydratedDevicesRoutes(deps),
    ...deviceManagementRoutes(deps),
    ...filterRoutes(deps),
    ...keyBackupRoutes(deps),
    ...keysRoutes(deps),
    ...loginRoutes(deps),
    ...loginTokenRoutes(deps),
    ...logoutRoutes(deps),
    ...notificationsRoutes(deps),
    ...oauthServerMetadataRoutes(deps),
    ...openidRoutes(deps),
    ...passwordManagementRoutes(deps),
    ...profileRoutes(deps),
    ...pusherRoutes(deps),
    ...pushrulesRoutes(deps),
    ...refreshRoutes(deps),
    ...rendezvousRoutes(deps),
    ...registrationRoutes(deps),
    ...registrationTokensRoutes(deps),
    ...reportContentRoutes(deps),
    ...retentionRoutes(deps),
    ...rtcTransportsRoutes(deps),
    ...ssoLoginRedirectRoutes(deps),
    ...supportRoutes(deps),
    ...tagsRoutes(deps),
    ...thirdPartyLookupRoutes(deps),
    ...versionsRoutes(deps),
    ...voipRoutes(deps),
    ...wellknownRoutes(deps),
    ...whoamiRoutes(),
  ];
}
