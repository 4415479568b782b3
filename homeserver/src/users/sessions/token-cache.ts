import { atMost, LRUCache } from "../../platform/caches.ts";
import type { OwnRate, Restriction, SeenDevice } from "../common/types.ts";

/** The cached facts of a valid access token. */
export interface CachedToken extends SeenDevice {
  readonly isAdmin: boolean;
  readonly restriction: Restriction | undefined;
  readonly rate: OwnRate | undefined;
  readonly isShadowBanned: boolean;
  readonly tokenHash: Buffer;
  /** ms since 1970; null: never. */
  readonly expiresTs: number | null;
}

/**
 * Valid access tokens in memory, bounded. Keyed by the tokens themselves, which every request
 * contains anyway: hashing one would cost half as much as the rest of the authentication.
 */
export interface TokenCache {
  get(accessToken: string): CachedToken | undefined;
  /** Caches a token, unless its user's tokens changed since `epoch` was read. */
  put(accessToken: string, token: CachedToken, epoch: number): void;
  /** Read it before a look-up whose result is passed to `put`. */
  readonly epoch: number;
  /** Forgets all tokens of a user. */
  forgetUser(userId: string): void;
}

export interface TokenCacheOptions {
  /** Most tokens kept. */
  max: number;
  /**
   * How long an entry is trusted without asking the database, ms: the bound when an announcement is
   * lost.
   */
  ttlMs: number;
}

/** Users whose last change is known. It matters for as long as a look-up takes. */
const CHANGES_KEPT = 10_000;

/** Only one request in thousands misses it, so that a /sync needs no query for its token. */
export function createTokenCache(options: TokenCacheOptions): TokenCache {
  const byUser = new Map<string, Set<string>>();
  let epoch = 0;
  /** User → epoch of the last change of their tokens; all that came after the floor. */
  const changedAt = new Map<string, number>();
  let floor = 0;
  const entries = new LRUCache<string, CachedToken>({
    ...atMost(options.max),
    ttl: options.ttlMs,
    // The cache reads the clock at this interval, not at every request.
    ttlResolution: 1_000,
    dispose(token, key) {
      const keys = byUser.get(token.userId);
      if (keys?.delete(key) && keys.size === 0) byUser.delete(token.userId);
    },
  });

  return {
    get: (accessToken) => entries.get(accessToken),
    put(key, token, readAt) {
      if (readAt < floor || readAt < (changedAt.get(token.userId) ?? 0)) return;
      entries.set(key, token);
      const keys = byUser.get(token.userId);
      if (keys) keys.add(key);
      else byUser.set(token.userId, new Set([key]));
    },
    get epoch() {
      return epoch;
    },
    forgetUser(userId) {
      epoch += 1;
      if (changedAt.size >= CHANGES_KEPT) {
        changedAt.clear();
        floor = epoch;
      }
      changedAt.set(userId, epoch);
      for (const key of byUser.get(userId) ?? []) entries.delete(key);
    },
  };
}
