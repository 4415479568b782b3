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

/** Milliseconds within which what one tab keeps is seen in the others, and between two looks. */
const SPREADS_WITHIN = 5_000;
const EVERY = 20;

/** As much of a token as tells it from others, and is of no use. */
const endOf = (token: string | undefined): string => token?.slice(-8) ?? "";

/**
 * The session as it is kept, once it is not one whose refresh token another tab has spent: that may be seen here a moment
 * later, while the turn to renew has come already. A token that is spent twice ends the session.
 */
async function unspent(
  name: string,
  kept: () => Session | undefined,
): Promise<Session | undefined> {
  const { told } = await import("./lease.ts").catch(unloaded);
  const spent = await told(name).catch(() => undefined);
  for (let waited = 0; waited < SPREADS_WITHIN; waited += EVERY) {
    const session = kept();
    if (spent === undefined || endOf(session?.refreshToken) !== spent) return session;
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
  return kept();
}

async function noteSpent(name: string, token: string): Promise<void> {
  const { tell } = await import("./lease.ts").catch(unloaded);
  await tell(name, endOf(token)).catch(() => undefined);
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
    const name = `${RENEWAL} ${session.userId} ${session.deviceId}`;
    const stored = await unspent(name, kept);
    if (stored === undefined) return false;
    session = stored;
    if (stored.accessToken !== used) return true;
    if (stored.refreshToken === undefined) return false;
    const next = await (stored.oauth === undefined ? byRefresh(stored) : byOAuth(stored));
    // Another tab may have signed out meanwhile.
    if (kept() === undefined) return false;
    session = next;
    saveSession(next);
    if (next.refreshToken !== stored.refreshToken) await noteSpent(name, stored.refreshToken);
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
