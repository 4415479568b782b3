import type { ApiError } from "./errors.ts";
import { isTransient } from "./errors.ts";
import { createHttp, type TokenSource } from "./http.ts";
import { loadSession, saveSession, type Session } from "./session.ts";

/** How long before its end a token is renewed, in milliseconds. */
const EARLY = 15_000;

/** One tab at a time renews, since a refresh token is spent by its use. */
function exclusively<T>(work: () => Promise<T>): Promise<T> {
  return "locks" in navigator ? navigator.locks.request("weft.refresh", work) : work();
}

/**
 * Gives requests the session's token and renews it: before it ends, when another tab has done so, or when
 * the server refuses it. `onEnded` is told once when nothing helps, with the server's `soft_logout`.
 */
export function createTokenSource(first: Session, onEnded: (soft: boolean) => void): TokenSource {
  let session = first;
  let running: Promise<boolean> | undefined;
  let ended = false;

  function adopt(next: Session): void {
    session = next;
    saveSession(next);
  }

  async function refresh(used: string): Promise<boolean> {
    const stored = loadSession();
    if (stored?.userId !== session.userId || stored.deviceId !== session.deviceId) return false;
    session = stored;
    if (stored.accessToken !== used) return true;
    if (stored.refreshToken === undefined) return false;
    const answer = await createHttp(stored.baseUrl).call<"refresh">(
      "POST",
      "/_matrix/client/v3/refresh",
      {
        body: { refresh_token: stored.refreshToken },
      },
    );
    adopt({
      ...stored,
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token ?? stored.refreshToken,
      expiresAt: answer.expires_in_ms === undefined ? undefined : Date.now() + answer.expires_in_ms,
    });
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
      }
      if (!ended) {
        ended = true;
        onEnded(refusal.data["soft_logout"] === true);
      }
      return undefined;
    },
  };
}
