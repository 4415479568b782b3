/** Signing in with an account elsewhere: the browser goes to the server, and comes back with a token. */

/** By which this tab knows that it was itself that sent the browser there. */
const BEGUN = "weft.sso";

/** The address to which the browser goes for a provider; without one the server asks which. */
export function ssoAddress(provider?: string): string {
  const id = crypto.randomUUID();
  sessionStorage.setItem(BEGUN, id);
  const back = `${location.origin}${location.pathname}?sso=${id}`;
  const query = new URLSearchParams({ redirectUrl: back }).toString();
  const which = provider === undefined ? "" : `/${encodeURIComponent(provider)}`;
  return `/_matrix/client/v3/login/sso/redirect${which}?${query}`;
}

/**
 * The token with which the browser has come back, once; it is taken out of the address. "strange": there is one that
 * nobody here has asked for, which might be another person's.
 */
export function takeLoginToken(): { token: string } | "strange" | undefined {
  const url = new URL(location.href);
  const token = url.searchParams.get("loginToken");
  if (token === null) return undefined;
  const begun = sessionStorage.getItem(BEGUN);
  const isOurs = begun !== null && url.searchParams.get("sso") === begun;
  sessionStorage.removeItem(BEGUN);
  url.searchParams.delete("loginToken");
  url.searchParams.delete("sso");
  history.replaceState(null, "", url);
  return isOurs ? { token } : "strange";
}
