import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { findOAuthSession, setOAuthSession } from "../../storage/oauth/sessions.ts";
import { deletePushersOfDevices } from "../../storage/push/pushers.ts";
import * as tokens from "../../storage/users/access-tokens.ts";
import { findDehydratedDevice } from "../../storage/users/dehydrated-devices.ts";
import { findAccount } from "../../storage/users/accounts.ts";
import { deleteDeviceRows, devicesBeyond, insertDevice } from "../../storage/users/devices.ts";
import type { Change, Log } from "../../log/types.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { createLastSeen } from "./last-seen.ts";
import type { UserLimits } from "../common/limits.ts";
import { ensureNoCrossSigningKey } from "../common/device-ids.ts";
import { rateOf, restrictionOf } from "../common/restriction.ts";
import { hashSecret, newDeviceId, newSecret } from "../common/secrets.ts";
import { plainText } from "../common/text.ts";
import { createSessionWatches, type SessionWatch } from "./session-watch.ts";
import { createTokenCache, type CachedToken } from "./token-cache.ts";
import type {
  IssuedSession,
  Requester,
  SeenDevice,
  SessionRequest,
  Visit,
} from "../common/types.ts";

/**
 * Access and refresh tokens. (Client-server API, "Using access tokens", "Refreshing access
 * tokens".)
 */
export interface Sessions {
  /**
   * The requester of an access token; usually from memory, without a promise.
   * @throws MatrixError M_UNKNOWN_TOKEN 401, with soft_logout when it merely expired; M_USER_LOCKED
   *   401 when it expired and the account is locked
   */
  byAccessToken(token: string, visit?: Visit): Requester | Promise<Requester>;
  /**
   * Signs a device in, for a user or for the user that a proof names within the same transaction. A
   * known device keeps its name and loses its former tokens. If the user has too many devices, the
   * one that was not seen for the longest time is signed out.
   * @throws MatrixError M_INVALID_PARAM 400 for an unusable device id or name; M_FORBIDDEN 403 for
   *   the user's dehydrated device
   */
  issue(whose: UserId | Proof, request: SessionRequest): Promise<IssuedSession>;
  /**
   * Exchanges a refresh token. The old one stays valid until its replacement is used, so that a
   * lost answer can be requested again. After that it is spent: if it is used again, it was stolen
   * from, or by, its user, and all tokens of the device end. `mayRefresh` throws where that is to be
   * refused, within the same transaction; without it, that is where OAuth began the session.
   * @throws MatrixError M_UNKNOWN_TOKEN 401, M_USER_LOCKED 401, and what `mayRefresh` throws
   */
  refresh(refreshToken: string, mayRefresh?: RefreshGuard): Promise<IssuedSession>;
  /** Ends the tokens of the devices, and their pushers, with a change of the tables. */
  revoke(change: Change, userId: UserId, deviceIds: readonly string[]): Promise<void>;
  /** Watches the session of a waiting request, which ends with it. */
  watch(userId: UserId, accessToken: string): SessionWatch;
  /** Notes that a device was seen, where another than its own token was shown. */
  seen(device: SeenDevice, visit: Visit): void;
  /** Writes pending last-seen times. */
  flushLastSeen(): Promise<void>;
  stop(): Promise<void>;
}

/** Determines within a transaction who signs in. @throws MatrixError M_FORBIDDEN 403 */
export type Proof = (tx: Tx) => Promise<UserId>;

/** Throws where the tokens of a device may not be refreshed. */
type RefreshGuard = (tx: Tx, owner: { userId: UserId; deviceId: string }) => Promise<void>;

export interface SessionDeps {
  sql: Sql;
  log: Log;
  clock: Clock;
  random: Random;
  logger: Logger;
  limits: Pick<UserLimits, "devices">;
  /** Life of an access token that comes with a refresh token, ms. */
  accessTokenLifeMs?: number;
  /** Whether other replicas use the same database. */
  replicated?: boolean;
}

const HOUR = 3_600_000;
const CACHED_TOKENS = 100_000;
const MAX_LOOKUPS = 5;

export function createSessions(deps: SessionDeps): Sessions {
  const { sql, log, clock, random, logger } = deps;
  const lifeMs = deps.accessTokenLifeMs ?? HOUR;
  const cache = createTokenCache({ max: CACHED_TOKENS, ttlMs: deps.replicated ? 60_000 : HOUR });
  const lastSeen = createLastSeen({ sql, clock, logger });
  const lookups = createSingleFlight<string, CachedToken | undefined>();
  const watches = createSessionWatches({
    clock,
    expiryOf(accessToken) {
      const known = cache.get(accessToken);
      // Its account may have been locked since the request was let in.
      return known?.restriction === "locked" ? undefined : known?.expiresTs;
    },
    confirm,
  });
  /** Ended tokens are dropped from the cache, on every replica. */
  const unfollow = log.follow({
    phase: "caches",
    kinds: ["session"],
    take(records) {
      for (const { userId } of records) forgetUser(userId);
    },
  });

  /** Reads a token from the database, once however many requests ask for it at the same time. */
  function lookUp(accessToken: string): Promise<CachedToken | undefined> {
    return lookups.run(accessToken, () => read(accessToken));
  }

  async function read(accessToken: string): Promise<CachedToken | undefined> {
    const tokenHash = hashSecret(accessToken);
    const epoch = cache.epoch;
    const row = await tokens.findAccessToken(sql, tokenHash);
    if (row === undefined) return undefined;
    const expired = row.expiresTs !== null && row.expiresTs <= clock.now();
    if (!row.used && row.refreshHash !== null && !expired) {
      await firstUse(row.userId as UserId, tokenHash, row.refreshHash);
    }
    const { deviceId, isAdmin, isShadowBanned, expiresTs } = row;
    const userId = row.userId as UserId;
    const restriction = restrictionOf(row);
    const rate = rateOf(row);
    const facts = { userId, deviceId, isAdmin, restriction, rate, isShadowBanned };
    const token = { ...facts, tokenHash, expiresTs, seenTs: 0, seenIp: "" };
    if (!expired) cache.put(accessToken, token, epoch);
    return token;
  }

  /** A refreshed pair is used for the first time: the pair that it replaced ends. */
  async function firstUse(userId: UserId, tokenHash: Buffer, refreshHash: Buffer): Promise<void> {
    await log.change(async ({ tx, record }) => {
      await tokens.markAccessTokenUsed(tx, tokenHash);
      const hashes = await tokens.retirePredecessors(tx, refreshHash);
      if (hashes.length > 0) record({ kind: "session", userId });
    });
  }

  /** Makes a device's tokens within a transaction. */
  async function make(
    tx: Tx,
    owner: { userId: UserId; deviceId: string },
    refreshable: boolean,
  ): Promise<{ session: IssuedSession; refreshHash: Buffer | null }> {
    const createdTs = clock.now();
    const accessToken = newSecret("access", random);
    const refreshToken = refreshable ? newSecret("refresh", random) : undefined;
    const refreshHash = refreshToken === undefined ? null : hashSecret(refreshToken);
    if (refreshHash !== null) {
      await tokens.insertRefreshToken(tx, { ...owner, tokenHash: refreshHash, createdTs });
    }
    const expiresTs = refreshable ? createdTs + lifeMs : null;
    const tokenHash = hashSecret(accessToken);
    await tokens.insertAccessToken(tx, { ...owner, tokenHash, refreshHash, createdTs, expiresTs });
    const session = {
      ...owner,
      accessToken,
      ...(refreshToken !== undefined && { refreshToken, expiresInMs: lifeMs }),
    };
    return { session, refreshHash };
  }

  /**
   * Signs out the devices that were not seen for the longest time, if there are too many with the
   * new one.
   */
  async function makeRoom(change: Change, userId: UserId, kept: string): Promise<void> {
    if (deps.limits.devices === 0) return;
    const beyond = await devicesBeyond(change.tx, userId, kept, deps.limits.devices);
    if (beyond.length === 0) return;
    await revoke(change, userId, beyond);
    for (const deviceId of await deleteDeviceRows(change.tx, userId, beyond)) {
      change.record({ kind: "device_list", userId, deviceId, isRemoved: true });
    }
  }

  async function revoke(
    { tx, record }: Change,
    userId: UserId,
    deviceIds: readonly string[],
  ): Promise<void> {
    await tokens.deleteDeviceTokens(tx, userId, deviceIds);
    await deletePushersOfDevices(tx, userId, deviceIds);
    record({ kind: "session", userId });
  }

  function requesterOf(found: CachedToken | undefined, visit: Visit | undefined): Requester {
    if (found === undefined) throw errors.unknownToken();
    if (found.expiresTs !== null && found.expiresTs <= clock.now()) {
      // A client that were told to refresh it would only learn then.
      if (found.restriction === "locked") throw errors.userLocked();
      throw errors.unknownToken("The access token has expired", true);
    }
    if (visit) lastSeen.note(found, visit);
    const { userId, deviceId, isAdmin, restriction, rate, isShadowBanned, tokenHash } = found;
    const who = { userId, deviceId, isAdmin, restriction, rate, isShadowBanned };
    return { ...who, isGuest: false, tokenHash };
  }

  function forgetUser(userId: string): void {
    cache.forgetUser(userId);
    watches.changed(userId);
  }

  /** Throws when the database says that the token has ended, or the account is locked. */
  async function confirm(accessToken: string): Promise<void> {
    for (let i = 0; i < MAX_LOOKUPS; i += 1) {
      const found = cache.get(accessToken) ?? (await lookUp(accessToken));
      if (requesterOf(found, undefined).restriction === "locked") throw errors.userLocked();
      // Read while tokens of the user changed: not cached, but read again.
      if (cache.get(accessToken) !== undefined) return;
    }
  }

  return {
    watch: watches.watch,

    byAccessToken(token, visit) {
      const known = cache.get(token);
      return known
        ? requesterOf(known, visit)
        : lookUp(token).then((found) => requesterOf(found, visit));
    },

    async issue(whose, request) {
      const deviceId =
        request.deviceId === undefined || request.deviceId === ""
          ? newDeviceId(random)
          : plainText(request.deviceId, "device_id", 255);
      const displayName =
        request.initialDeviceDisplayName === undefined
          ? null
          : plainText(request.initialDeviceDisplayName, "initial_device_display_name", 1000);
      return log.change(async (change) => {
        const { tx, record } = change;
        const userId = typeof whose === "function" ? await whose(tx) : whose;
        const owner = { userId, deviceId };
        await ensureNoCrossSigningKey(tx, userId, deviceId);
        if (await insertDevice(tx, { ...owner, displayName, createdTs: clock.now() })) {
          await makeRoom(change, userId, deviceId);
          record({ kind: "device_list", ...owner, isRemoved: false });
        } else {
          if ((await findDehydratedDevice(tx, userId))?.deviceId === deviceId) {
            throw errors.forbidden(
              "Nobody signs in as a dehydrated device: choose another device_id",
            );
          }
          await revoke(change, userId, [deviceId]);
        }
        await setOAuthSession(tx, userId, deviceId, request.oauth);
        return (await make(tx, owner, request.refreshToken === true)).session;
      });
    },

    async refresh(refreshToken, mayRefresh = refuseOAuth) {
      const oldHash = hashSecret(refreshToken);
      const session = await log.change(async (change) => {
        const { tx, record } = change;
        const old = await tokens.lockRefreshToken(tx, oldHash);
        if (old === undefined) return undefined;
        const owner = { userId: old.userId as UserId, deviceId: old.deviceId };
        if ((await findAccount(tx, owner.userId))?.lockedTs != null) throw errors.userLocked();
        if (old.spent) {
          await revoke(change, owner.userId, [owner.deviceId]);
          return owner;
        }
        await mayRefresh(tx, owner);
        // The answer to an exchange was lost: the unused pair is revoked.
        const unused =
          old.replacedBy === null ? [] : await tokens.spendRefreshPair(tx, old.replacedBy);
        const former = await tokens.retirePredecessors(tx, oldHash);
        const made = await make(tx, owner, true);
        await tokens.replaceRefreshToken(tx, oldHash, made.refreshHash!);
        await tokens.pruneSpentTokens(tx, owner.userId, owner.deviceId);
        if (unused.length + former.length > 0) record({ kind: "session", userId: owner.userId });
        return made.session;
      });
      if (session === undefined) throw errors.unknownToken("The refresh token is not known");
      if ("accessToken" in session) return session;
      logger.warn(session, "a spent refresh token was shown: the device's tokens have ended");
      throw errors.unknownToken("The refresh token has been used");
    },

    revoke,
    seen: lastSeen.note,
    flushLastSeen: lastSeen.flush,

    async stop() {
      unfollow();
      await lastSeen.stop();
    },
  };
}

/** A client goes on with the API by which it has signed in. (Client-server API, "Client Authentication".) */
const refuseOAuth: RefreshGuard = async (tx, { userId, deviceId }) => {
  if ((await findOAuthSession(tx, userId, deviceId)) === undefined) return;
  throw errors.unknownToken("This refresh token is for the OAuth 2.0 API");
};
