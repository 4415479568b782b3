import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import {
  insertCrossSigningReset,
  takeCrossSigningReset,
} from "../../storage/oauth/cross-signing-resets.ts";
import { findOAuthSession } from "../../storage/oauth/sessions.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Devices } from "../sessions/devices.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type Authorization, createAuthorization } from "./authorization.ts";
import { type BrowserSessions, createBrowserSessions } from "./browser-sessions.ts";
import { createOAuthClients, type OAuthClients } from "./clients.ts";
import { createDeviceGrants, type DeviceGrants } from "./device-grants.ts";
import { createGrants, type Grants } from "./grants.ts";

/** Signing in with a browser, for clients that never see a password. (Client-server API, "OAuth 2.0 API".) */
export interface OAuth {
  readonly clients: OAuthClients;
  readonly authorization: Authorization;
  readonly deviceGrants: DeviceGrants;
  readonly grants: Grants;
  readonly browsers: BrowserSessions;
  /** Whether a device was signed in by OAuth. */
  isSession(userId: UserId, deviceId: string): Promise<boolean>;
  /**
   * Lets an app replace a user's cross-signing keys, once within ten minutes. Answers until when, ms
   * since 1970.
   */
  allowCrossSigningReset(userId: UserId): Promise<number>;
  /** Uses that up; false: it is not allowed. */
  takeCrossSigningReset(userId: UserId): Promise<boolean>;
}

const RESET_LIFE_MS = 10 * 60_000;

export function createOAuth(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly devices: Devices;
  /** Whether this server is reached by http, without encryption: clients may be, too. */
  readonly isPlain?: boolean | undefined;
}): OAuth {
  const { sql, clock } = deps;
  const clients = createOAuthClients({ ...deps, allowPlain: deps.isPlain === true });
  const deviceGrants = createDeviceGrants({ ...deps, clients });
  return {
    clients,
    authorization: createAuthorization({ ...deps, clients }),
    deviceGrants,
    grants: createGrants({ ...deps, clients, deviceGrants }),
    browsers: createBrowserSessions(deps),
    isSession: async (userId, deviceId) =>
      (await findOAuthSession(sql, userId, deviceId)) !== undefined,
    allowCrossSigningReset: (userId) =>
      transaction(sql, async (tx) => {
        const now = clock.now();
        await insertCrossSigningReset(tx, userId, now, now + RESET_LIFE_MS);
        return now + RESET_LIFE_MS;
      }),
    takeCrossSigningReset: (userId) => takeCrossSigningReset(sql, userId, clock.now()),
  };
}
