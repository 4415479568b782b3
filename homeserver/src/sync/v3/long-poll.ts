import type { Log } from "../../log/types.ts";
import type { SessionWatch } from "../../users/sessions/session-watch.ts";
import type { SyncFilter } from "../../protocol/filter.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { Compute, Computed } from "./compute.ts";
import type { FromMemory } from "./from-memory.ts";
import type { SyncingUsers, SyncingUser } from "../users/syncing-users.ts";
import type { Scope } from "../sections/scope.ts";
import { formatSyncToken, parseSyncToken, type SyncToken } from "../../log/token.ts";
import type { UserPreferences } from "../users/preferences.ts";
import type { Waker } from "../users/wake.ts";

/** GET /sync, with its parameters validated. */
export interface SyncRequest {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly since: string | undefined;
  readonly filter: SyncFilter;
  readonly fullState: boolean;
  readonly stateAfter: Scope["stateAfter"];
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
  readonly syncingUsers: SyncingUsers;
  readonly waker: Waker;
  readonly compute: Compute;
  readonly fromMemory: FromMemory;
  readonly preferences: Pick<UserPreferences, "ignoredBy" | "peekIgnored">;
  /** Serial of the last ephemeral change. */
  readonly ephemeralSerial: () => number;
  /** End of the log in the database: another replica may be ahead of this one. */
  readonly end: () => Promise<number>;
  readonly now: () => number;
}

const MAX_WAIT_MS = 120_000;

/** Answers GET /sync: at once when there is something new, otherwise after waiting for it. */
export function createLongPoll(deps: SyncDeps) {
  function currentToken(): SyncToken {
    return { position: deps.log.position, ephemeral: deps.ephemeralSerial() };
  }

  function isIdle(user: SyncingUser, since: SyncToken): boolean {
    return user.changedAt <= since.position && user.ephemeralAt <= since.ephemeral;
  }

  /** As of now: nothing may be awaited between this and reading the user's rooms. */
  function scopeOf(
    request: SyncRequest,
    user: SyncingUser,
    since: SyncToken | undefined,
    ignored: ReadonlySet<string>,
  ): Scope {
    const { position, ephemeral } = currentToken();
    return {
      user,
      userId: request.userId,
      deviceId: request.deviceId,
      device: `${request.userId} ${request.deviceId}`,
      since,
      upTo: {
        position: Math.max(position, since?.position ?? 0),
        ephemeral: Math.max(ephemeral, since?.ephemeral ?? 0),
      },
      filter: request.filter,
      fullState: request.fullState,
      stateAfter: request.stateAfter,
      ignored,
    };
  }

  /**
   * A token that is ahead of the log (made up, or from before a restore of the database) counts as
   * the present.
   */
  async function clamp({ position, ephemeral }: SyncToken): Promise<SyncToken> {
    const now = currentToken();
    const isAhead = position > now.position && position > (await deps.end());
    return {
      position: isAhead ? now.position : position,
      ephemeral: Math.min(ephemeral, now.ephemeral),
    };
  }

  /** The body from memory only, without a promise; undefined when that is not enough. */
  function fromMemory(request: SyncRequest, since: SyncToken): string | undefined {
    const now = currentToken();
    if (since.position > now.position || since.ephemeral > now.ephemeral) return undefined;
    const user = deps.syncingUsers.known(request.userId);
    const ignored = deps.preferences.peekIgnored(request.userId);
    if (!user || !ignored || isIdle(user, since)) return undefined;
    return deps.fromMemory(scopeOf(request, user, since, ignored));
  }

  async function compute(
    request: SyncRequest,
    since: SyncToken | undefined,
  ): Promise<Computed & { readonly upTo: SyncToken }> {
    const known = since && fromMemory(request, since);
    if (known !== undefined) return { body: known, empty: false, upTo: since! };
    const user = await deps.syncingUsers.get(request.userId);
    const ignored = await deps.preferences.ignoredBy(request.userId);
    const scope = scopeOf(request, user, since, ignored);
    return { upTo: scope.upTo, ...(await deps.compute(scope)) };
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
    for (;;) {
      await session?.check();
      // Loaded again each time: a user who was dropped from memory meanwhile was not woken.
      const user = await deps.syncingUsers.get(request.userId);
      if (request.fullState || !isIdle(user, since)) {
        const { body, empty, upTo } = await compute(request, since);
        if (!empty || request.fullState) return body;
        since = upTo; // nothing for this client so far
      }
      const left = until - deps.now();
      if (left <= 0 || request.signal().aborted) {
        return `{"next_batch":"${formatSyncToken(since)}"}`;
      }
      if (isIdle(user, since)) {
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
