import { type ApiError, isTransient, NetworkError } from "./errors.ts";
import { createHttp, type TokenSource } from "./http.ts";
import { keptSession, saveSession, type Session } from "./session.ts";

/** How long before its end a token is renewed, in milliseconds. */
const EARLY = 15_000;

const RENEWAL = "weft.refresh";

/** A part of the page that cannot be loaded now may be later. */
function unloaded(error: unknown): never {
  throw new NetworkError(error);
}

/** One tab at a time renews, since a refresh token is spent by its use. */
async function exclusively<T>(work: () => Promise<T>): Promise<T> {
  if ("locks" in navigator) return navigator.locks.request(RENEWAL, work);
  const { withLease } = await import("./lease.ts").catch(unloaded);
  return withLease(RENEWAL, work);
}

async function byOAuth(session: Session): Promise<Session> {
  const { refreshTokens } = await import("./oauth.ts").catch(unloaded);
  return refreshTokens(session);
}

async function byRefresh(session: Session): Promise<Session> {
  const answer = await createHttp(session.baseUrl).call<"refresh">(
    "POST",
    "/_matrix/client/v3/refresh",
    { body: { refresh_token: session.refreshToken ?? "" } },
  );
  return {
    ...session,
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? session.refreshToken!,
    expiresAt: answer.expires_in_ms === undefined ? undefined : Date.now() + answer.expires_in_ms,
  };
}

/**
 * Gives requests the session's token and renews it: before it ends, when another tab has done so, or when
 * the server refuses it. `onEnded` is told once when nothing helps, with the server's `soft_logout`.
 */
export function createTokenSource(first: Session, onEnded: (soft: boolean) => void): TokenSource {
  let session = first;
  let running: Promise<boolean> | undefined;
  let ended = false;

  /** The session as it is kept, for all tabs; undefined once it was ended in any of them. */
  function kept(): Session | undefined {
    const stored = keptSession(session.userId);
    return stored?.deviceId === session.deviceId ? stored : undefined;
  }

  async function refresh(used: string): Promise<boolean> {
    const stored = kept();
    if (stored === undefined) return false;
    session = stored;
    if (stored.accessToken !== used) return true;
    if (stored.refreshToken === undefined) return false;
    const next = await (stored.oauth === undefined ? byRefresh(stored) : byOAuth(stored));
    // Another tab may have signed out meanwhile.
    if (kept() === undefined) return false;
    session = next;
    saveSession(next);
    return true;
  }

  function renewOnce(used: string): Promise<boolean> {
    running ??= exclusively(() => refresh(used)).finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    async current() {
      const due = session.expiresAt !== undefined && session.expiresAt - EARLY < Date.now();
      if (due && session.refreshToken !== undefined && !ended) {
        await renewOnce(session.accessToken).catch(() => false);
      }
      return session.accessToken;
    },
    async renew(used: string, refusal: ApiError) {
      try {
        if (await renewOnce(used)) return session.accessToken;
      } catch (error) {
        if (isTransient(error)) throw error;
        // The refusal may be of a token that another tab has spent, which has the next one.
        const stored = kept();
        if (stored !== undefined && stored.accessToken !== used) {
          session = stored;
          return stored.accessToken;
        }
      }
      if (!ended) {
        ended = true;
        onEnded(refusal.data["soft_logout"] === true);
      }
      return undefined;
    },
  };
}
