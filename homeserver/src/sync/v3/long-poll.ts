import type { Log } from "../../log/types.ts";
import type { SessionWatch } from "../../users/sessions/session-watch.ts";
import type { SyncFilter } from "../../protocol/filter.ts";
import { deviceKey, type UserId } from "../../protocol/identifiers.ts";
import type { Compute, Computed } from "./compute.ts";
import type { FromMemory } from "./from-memory.ts";
import type { SharerLookUps } from "../users/sharer-lookups.ts";
import { isIdleSince, type SyncingUser } from "../users/syncing-user.ts";
import type { SyncingUsers } from "../users/syncing-users.ts";
import { type DeviceKeyCounts, keyCountsText } from "../sections/key-counts.ts";
import { messagesUpTo, type ToDeviceMessages } from "../sections/to-device.ts";
import { syncText } from "./response.ts";
import type { Scope } from "../sections/scope.ts";
import { parseSyncToken, type SyncToken } from "../../log/token.ts";
import type { UserPreferences } from "../users/preferences.ts";
import { MAX_WAIT_MS, type Waker } from "../users/wake.ts";

/** GET /sync, with its parameters validated. */
export interface SyncRequest {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly since: string | undefined;
  readonly filter: SyncFilter;
  readonly fullState: boolean;
  readonly stateAfter: Scope["stateAfter"];
  readonly onlyNews?: Scope["onlyNews"];
  /** ms to wait for something new. */
  readonly timeout: number;
  /** Aborts when the client is gone or the server drains. */
  readonly signal: () => AbortSignal;
  /**
   * Watches the session of the request; a waiting sync ends with it. Called only when the sync has
   * to wait.
   */
  readonly watch?: () => SessionWatch;
}

export interface SyncDeps {
  readonly log: Pick<Log, "position">;
  readonly syncingUsers: Pick<SyncingUsers, "get" | "known">;
  readonly sharerLookUps: Pick<SharerLookUps, "settledUpTo" | "settled">;
  readonly waker: Waker;
  readonly keyCounts: DeviceKeyCounts;
  readonly toDevice: Pick<ToDeviceMessages, "delivered">;
  readonly compute: Compute;
  readonly fromMemory: FromMemory;
  /** The body when there is nothing new, where it is another one than that of GET /sync. */
  readonly nothing?: ((upTo: SyncToken) => string) | undefined;
  readonly preferences: Pick<UserPreferences, "ignoredBy" | "peekIgnored">;
  /** Serial of the last ephemeral change. */
  readonly ephemeralSerial: () => number;
  /** End of the log in the database: another replica may be ahead of this one. */
  readonly end: () => Promise<number>;
  readonly now: () => number;
}

/** Answers GET /sync: at once when there is something new, otherwise after waiting for it. */
export function createLongPoll(deps: SyncDeps) {
  function currentToken(): SyncToken {
    return { position: deps.log.position, ephemeral: deps.ephemeralSerial() };
  }

  function isIdle(request: SyncRequest, user: SyncingUser, since: SyncToken): boolean {
    const withProfiles = request.filter.profileFields !== undefined;
    if (withProfiles) user.wantsProfiles = true;
    const { deviceId } = request;
    return since.toDevice === undefined && isIdleSince(user, deviceId, since, withProfiles);
  }

  /** The client has the messages for its device up to its token. */
  function acknowledge({ userId, deviceId }: SyncRequest, since: SyncToken): void {
    deps.toDevice.delivered(userId, deviceId, messagesUpTo({ since }));
  }

  /**
   * As of now, or of `limit`: nothing may be awaited between this and reading the user's rooms.
   */
  function scopeOf(
    request: SyncRequest,
    user: SyncingUser,
    since: SyncToken | undefined,
    ignored: ReadonlySet<string>,
    limit = Infinity,
  ): Scope {
    const { position: now, ephemeral } = currentToken();
    const position = Math.min(now, limit);
    const { settledUpTo } = deps.sharerLookUps;
    return {
      user,
      userId: request.userId,
      deviceId: request.deviceId,
      device: deviceKey(request),
      since,
      upTo: {
        position: Math.max(position, since?.position ?? 0),
        ephemeral: Math.max(ephemeral, since?.ephemeral ?? 0),
      },
      filter: request.filter,
      fullState: request.fullState,
      ...{ stateAfter: request.stateAfter, onlyNews: request.onlyNews },
      ignored,
      ...{ profileFields: request.filter.profileFields, met: new Set<string>() },
      profilesMayDiffer: settledUpTo < position || user.profilesAt > (since?.position ?? 0),
      deviceListsMayDiffer: settledUpTo < position || user.deviceListsAt > (since?.position ?? 0),
    };
  }

  /**
   * A token that is ahead of the log (made up, or from before a restore of the database) counts as
   * the present. It proves nothing of messages for the device.
   */
  async function clamp({ position, ephemeral, toDevice }: SyncToken): Promise<SyncToken> {
    const now = currentToken();
    const isAhead = position > now.position && position > (await deps.end());
    const had = isAhead ? 0 : toDevice;
    return {
      position: isAhead ? now.position : position,
      ephemeral: Math.min(ephemeral, now.ephemeral),
      ...(had === undefined ? {} : { toDevice: Math.min(had, position) }),
    };
  }

  /** The body from memory only, without a promise; undefined when that is not enough. */
  function fromMemory(request: SyncRequest, since: SyncToken): string | undefined {
    const now = currentToken();
    if (since.position > now.position || since.ephemeral > now.ephemeral) return undefined;
    const { settledUpTo } = deps.sharerLookUps;
    if (settledUpTo <= since.position) return undefined;
    const user = deps.syncingUsers.known(request.userId);
    const ignored = deps.preferences.peekIgnored(request.userId);
    if (!user || !ignored || isIdle(request, user, since)) return undefined;
    const body = deps.fromMemory(scopeOf(request, user, since, ignored, settledUpTo));
    if (body !== undefined) acknowledge(request, since);
    return body;
  }

  async function compute(request: SyncRequest, since: SyncToken | undefined): Promise<Computed> {
    const known = since && fromMemory(request, since);
    if (known !== undefined) return { body: known, empty: false, upTo: since! };
    const user = await deps.syncingUsers.get(request.userId);
    const ignored = await deps.preferences.ignoredBy(request.userId);
    return deps.compute(scopeOf(request, user, since, ignored));
  }

  /** The body of a sync with nothing new. */
  async function nothing(device: SyncRequest, upTo: SyncToken): Promise<string> {
    if (deps.nothing !== undefined) return deps.nothing(upTo);
    const { keyCounts } = deps;
    const counts = keyCounts.peekCounts(device) ?? (await keyCounts.counts(device));
    return syncText({ keyCounts: keyCountsText(counts), upTo });
  }

  async function poll(request: SyncRequest, token: SyncToken): Promise<string> {
    const session = request.watch?.();
    try {
      const body = await pollInSession(session, request, token);
      await session?.check();
      return body;
    } finally {
      session?.end();
    }
  }

  async function pollInSession(
    session: SessionWatch | undefined,
    request: SyncRequest,
    token: SyncToken,
  ): Promise<string> {
    let since = await clamp(token);
    const until = deps.now() + Math.min(request.timeout, MAX_WAIT_MS);
    await session?.check();
    acknowledge(request, since);
    for (;;) {
      await session?.check();
      // It takes a query to know whom a change of a device list concerns; then memory can tell.
      if (deps.sharerLookUps.settledUpTo < Infinity) await deps.sharerLookUps.settled();
      // Loaded again each time: a user who was dropped from memory meanwhile was not woken.
      const user = await deps.syncingUsers.get(request.userId);
      if (request.fullState || !isIdle(request, user, since)) {
        const { body, empty, upTo } = await compute(request, since);
        if (!empty || request.fullState) return body;
        since = upTo; // nothing for this client so far
      }
      const left = until - deps.now();
      if (left <= 0 || request.signal().aborted) {
        return nothing(request, since);
      }
      if (isIdle(request, user, since)) {
        await deps.waker.wait(user, left, request.signal(), session);
      }
    }
  }

  /**
   * The body as JSON text, without a promise when it is in memory. An aborted request gets what
   * there is.
   * @throws MatrixError 400 M_INVALID_PARAM for an unknown token; 401 M_UNKNOWN_TOKEN when the
   * session ended meanwhile
   */
  return function sync(request: SyncRequest): string | Promise<string> {
    if (request.since === undefined) return compute(request, undefined).then(({ body }) => body);
    const since = parseSyncToken(request.since);
    return fromMemory(request, since) ?? poll(request, since);
  };
}
