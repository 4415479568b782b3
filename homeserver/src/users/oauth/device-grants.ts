import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import * as storage from "../../storage/oauth/device-grants.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import { hashSecret, newSecret, pick } from "../common/secrets.ts";
import { GRANT_TYPES } from "./client-metadata.ts";
import type { OAuthClient, OAuthClients } from "./clients.ts";
import { OAuthError } from "./oauth-error.ts";
import { readScope } from "./scope.ts";

/** What a device is told that asks to be let in. */
interface DeviceGrantOffer {
  readonly deviceCode: string;
  /** Four letters, a hyphen, four letters. */
  readonly userCode: string;
  readonly expiresInMs: number;
  /** How long the device waits between two questions, ms. */
  readonly intervalMs: number;
}

/** A device that asks, as somebody sees it who may let it in. */
export interface WaitingDevice {
  readonly client: OAuthClient;
  readonly deviceId: string;
  readonly userCode: string;
}

/** A grant that tokens may be given for. */
interface TakenGrant {
  readonly clientId: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly scope: string;
  readonly codeHash: Buffer;
  /** Uses it up. False if it was used already. */
  take(tx: Tx): Promise<boolean>;
}

/** Devices that are let in elsewhere. (Client-server API, "Device authorisation grant"; RFC 8628.) */
export interface DeviceGrants {
  /**
   * @throws OAuthError invalid_client 401, unauthorized_client, invalid_scope,
   *   temporarily_unavailable 503 when too many wait
   */
  begin(clientId: string | undefined, scope: string | undefined): Promise<DeviceGrantOffer>;
  /** The device that shows a code; undefined when there is none, or somebody has decided. */
  find(userCode: string): Promise<WaitingDevice | undefined>;
  /** Lets the device in for a user, or not. False if somebody has decided already. */
  decide(userCode: string, userId: UserId, isAllowed: boolean): Promise<boolean>;
  /**
   * The grant of a device's code.
   * @throws OAuthError invalid_grant, authorization_pending, slow_down, access_denied, expired_token
   */
  poll(clientId: string, deviceCode: string): Promise<TakenGrant>;
}

const LIFE_MS = 15 * 60_000;
const INTERVAL_MS = 2_000;
/** A question within that time of the one before comes too soon, ms. */
const TOO_SOON_MS = 1_000;
const MAX_WAITING = 10_000;
/** Consonants: no words come of them. */
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const MAX_ATTEMPTS = 3;

export function createDeviceGrants(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly clients: OAuthClients;
}): DeviceGrants {
  const { sql, clock, random, clients } = deps;

  async function find(text: string): Promise<storage.DeviceGrantRow | undefined> {
    const row = await storage.findDeviceGrant(sql, lettersOf(text), clock.now());
    return row === undefined || row.denied || row.userId !== null ? undefined : row;
  }

  return {
    async begin(clientId, scope) {
      const client = await clients.get(clientId);
      if (!client.metadata.grant_types.includes(GRANT_TYPES.device)) {
        throw new OAuthError("unauthorized_client", "The client has not registered that grant");
      }
      const { granted, deviceId } = readScope(scope);
      const deviceCode = newSecret("device", random);
      const now = clock.now();
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const userCode = pick(LETTERS, 8, random);
        const grant = { codeHash: hashSecret(deviceCode), userCode, clientId: client.clientId };
        const isStored = await transaction(sql, (tx) =>
          storage.insertDeviceGrant(tx, {
            ...{ ...grant, deviceId, scope: granted },
            ...{ now, expiresTs: now + LIFE_MS, max: MAX_WAITING },
          }),
        );
        if (!isStored) continue;
        return {
          ...{ deviceCode, userCode: `${userCode.slice(0, 4)}-${userCode.slice(4)}` },
          ...{ expiresInMs: LIFE_MS, intervalMs: INTERVAL_MS },
        };
      }
      throw new OAuthError("temporarily_unavailable", "Too many devices wait to be let in", 503);
    },

    async find(userCode) {
      const row = await find(userCode);
      if (row === undefined) return undefined;
      const client = await clients.get(row.clientId);
      return { client, deviceId: row.deviceId, userCode: row.userCode };
    },

    decide: (userCode, userId, isAllowed) =>
      transaction(sql, async (tx) => {
        if ((await holdOpenAccount(tx, userId)) === undefined) return false;
        const by = isAllowed ? userId : null;
        return await storage.decideDeviceGrant(tx, lettersOf(userCode), by, clock.now());
      }),

    async poll(clientId, deviceCode) {
      const codeHash = hashSecret(deviceCode);
      const now = clock.now();
      const row = await storage.pollDeviceGrant(sql, codeHash, now);
      if (row?.clientId !== clientId) {
        throw new OAuthError("invalid_grant", "The device's code is not valid for this client");
      }
      if (row.expiresTs <= now) throw new OAuthError("expired_token", "Nobody came in time");
      if (row.denied) throw new OAuthError("access_denied", "The user said no");
      const { userId, deviceId, scope } = row;
      if (userId !== null) {
        const take = (tx: Tx) => storage.takeDeviceGrant(tx, codeHash);
        return { clientId, userId, deviceId, scope, codeHash, take };
      }
      if (now - row.polledTs < TOO_SOON_MS) throw new OAuthError("slow_down", "Ask less often");
      throw new OAuthError("authorization_pending", "Nobody has let the device in yet");
    },
  };
}

/** The letters of a code as somebody typed it. */
function lettersOf(text: string): string {
  return text
    .toUpperCase()
    .replaceAll(/[^A-Z]/g, "")
    .slice(0, 20);
}
