/** Signing in by OAuth: the browser goes to pages of the server, and comes back with a code. */
import { msg } from "@lit/localize";
import type { OAuthServer } from "../api/auth.ts";
import { ApiError } from "../api/errors.ts";
import type { Begun } from "../api/oauth.ts";
import type { Session } from "../api/session.ts";

/** What this tab keeps meanwhile: nothing that comes back to another tab, or unasked, is taken. */
const BEGUN = "weft.oauth";

interface Kept extends Begun {
  /** The place in the page from which it was begun. */
  readonly place: string;
}

const load = () => import("../api/oauth.ts");

/** Whether this page can sign in so: the proof that a code is ours is made by what only secure pages have. */
export const canUseOAuth = (): boolean => window.isSecureContext;

/** Goes to the server's pages, to sign in or to make an account. Resolves when the browser is leaving. */
export async function goToServer(
  server: OAuthServer,
  wishes: { again?: Session | undefined; create?: boolean },
): Promise<void> {
  const { beginSignIn } = await load();
  const redirectUri = `${location.origin}${location.pathname}`;
  const { address, begun } = await beginSignIn(server, { ...wishes, redirectUri });
  const kept: Kept = { ...begun, place: location.hash };
  sessionStorage.setItem(BEGUN, JSON.stringify(kept));
  location.assign(address);
}

/** What a sign-in has brought: parameters in place of the page's own address. */
function brought(): URLSearchParams | undefined {
  const params = new URLSearchParams(location.hash.replace(/^#/, ""));
  return params.has("state") && (params.has("code") || params.has("error")) ? params : undefined;
}

function takeKept(): Kept | undefined {
  const text = sessionStorage.getItem(BEGUN);
  sessionStorage.removeItem(BEGUN);
  try {
    return text === null ? undefined : (JSON.parse(text) as Kept);
  } catch {
    return undefined;
  }
}

/**
 * The session of a sign-in with which the browser has come back, once; it is taken out of the address. Undefined: it has
 * not. Rejects with `OAuthRefusal`, and as requests do.
 */
export function takeSignIn(): Promise<Session> | undefined {
  const params = brought();
  if (params === undefined) return undefined;
  const kept = takeKept();
  history.replaceState(null, "", kept?.place || location.pathname + location.search);
  return load().then(({ finishSignIn, OAuthRefusal }) => {
    if (kept === undefined || params.get("state") !== kept.state) throw new OAuthRefusal("strange");
    return finishSignIn(kept, params);
  });
}

/** In words why a sign-in came to nothing; undefined for what is no refusal. */
export function explainRefusal(error: unknown): string | undefined {
  const code = error instanceof ApiError ? error.errcode : (error as { code?: unknown }).code;
  if (code === "strange") return msg("That sign-in was not begun here. Try again.");
  if (code === "access_denied") return msg("You did not allow the sign-in.");
  if (code === "invalid_grant") return msg("That sign-in has taken too long. Try again.");
  return undefined;
}
