import type { Route } from "../http/route.ts";
import type { Media } from "../media/types.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Users } from "../users/users.ts";
import { accountDataRoutes } from "./account-data.ts";
import { accountDeactivationRoutes } from "./account-deactivation.ts";
import { authedContentRepoRoutes } from "./authed-content-repo.ts";
import { capabilitiesRoutes } from "./capabilities.ts";
import { contentRepoRoutes } from "./content-repo.ts";
import { deviceManagementRoutes } from "./device-management.ts";
import { filterRoutes } from "./filter.ts";
import { keyBackupRoutes } from "./key-backup.ts";
import { loginRoutes } from "./login.ts";
import { loginTokenRoutes } from "./login-token.ts";
import { logoutRoutes } from "./logout.ts";
import { passwordManagementRoutes } from "./password-management.ts";
import { profileRoutes } from "./profile.ts";
import { pushrulesRoutes } from "./pushrules.ts";
import { refreshRoutes } from "./refresh.ts";
import { registrationRoutes } from "./registration.ts";
import { registrationTokensRoutes } from "./registration-tokens.ts";
import { reportContentRoutes } from "./report-content.ts";
import { tagsRoutes } from "./tags.ts";
import { versionsRoutes } from "./versions.ts";
import { wellknownRoutes } from "./wellknown.ts";
import { whoamiRoutes } from "./whoami.ts";

/** Operations about accounts and their data, files, and the server itself. */
export function accountRoutes(deps: {
  users: Users;
  media: Media;
  rooms: Pick<Rooms, "view" | "history">;
  publicBaseUrl: string;
  /** Whether files are served without an access token, too. */
  legacyMedia: boolean;
  defaultRoomVersion: string;
}): Route[] {
  return [
    ...accountDataRoutes(deps),
    ...accountDeactivationRoutes(deps),
    ...authedContentRepoRoutes(deps),
    ...capabilitiesRoutes(deps),
    ...contentRepoRoutes(deps),
    ...deviceManagementRoutes(deps),
    ...filterRoutes(deps),
    ...keyBackupRoutes(deps),
    ...loginRoutes(deps),
    ...loginTokenRoutes(deps),
    ...logoutRoutes(deps),
    ...passwordManagementRoutes(deps),
    ...profileRoutes(deps),
    ...pushrulesRoutes(deps),
    ...refreshRoutes(deps),
    ...registrationRoutes(deps),
    ...registrationTokensRoutes(deps),
    ...reportContentRoutes(deps),
    ...tagsRoutes(deps),
    ...versionsRoutes(),
    ...wellknownRoutes(deps),
    ...whoamiRoutes(),
  ];
}
