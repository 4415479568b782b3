/** A signed-in device. `baseUrl` is "" for the homeserver that served this page. */
export interface Session {
  baseUrl: string;
  userId: string;
  deviceId: string;
  accessToken: string;
  refreshToken?: string;
  /** Milliseconds since the epoch at which the access token ends, when the server said so. */
  expiresAt?: number;
  /** The server ended the session but asks to keep its data: sign in again as the same device. */
  softLoggedOut?: boolean;
  /** OAuth began it, by which it is renewed and ended, too. */
  oauth?: { clientId: string };
}

const KEY = "weft.session";

export function loadSession(): Session | undefined {
  try {
    const raw = localStorage.getItem(KEY);
    return raw === null ? undefined : (JSON.parse(raw) as Session);
  } catch {
    return undefined;
  }
}

export function saveSession(session: Session): void {
  localStorage.setItem(KEY, JSON.stringify(session));
}

export function clearSession(): void {
  localStorage.removeItem(KEY);
}

/** Calls back when another tab signs in or out. Answers the function that ends it. */
export function watchSession(onChange: (session: Session | undefined) => void): () => void {
  const listener = (event: StorageEvent): void => {
    if (event.key === KEY || event.key === null) onChange(loadSession());
  };
  window.addEventListener("storage", listener);
  return () => window.removeEventListener("storage", listener);
}
