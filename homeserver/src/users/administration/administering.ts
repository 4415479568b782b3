import type { Random } from "../../platform/random.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { UserLimits } from "../common/limits.ts";
import type { OAuth } from "../oauth/oauth.ts";
import { createLocalAccess, type LocalAccess } from "./local-access.ts";
import { type CreateUsers, createNewUsers } from "./new-users.ts";
import { createUserRecords, type UserRecords } from "./records.ts";
import type { UserAdministration } from "./types.ts";
import { createUserAdministration, type UserAdministrationDeps } from "./users.ts";

/** What administrators do with users. */
export interface Administering {
  readonly administration: UserAdministration;
  readonly createUsers: CreateUsers;
  readonly records: UserRecords;
  readonly localAccess: LocalAccess;
}

export function createAdministering(
  deps: UserAdministrationDeps & {
    readonly accounts: Accounts;
    readonly random: Random;
    readonly logger: Logger;
    readonly limits: UserLimits;
    readonly oauth: Pick<OAuth, "allowCrossSigningReset">;
  },
): Administering {
  const administration = createUserAdministration(deps);
  return {
    administration,
    createUsers: createNewUsers({ ...deps, administration }),
    records: createUserRecords(deps),
    localAccess: createLocalAccess({ ...deps, administration }),
  };
}
