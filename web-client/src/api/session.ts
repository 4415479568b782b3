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

/** The first account of a browser is kept under this name, each further one under it and its user id. */
const KEY = "weft.session";
/** The account that a tab has open, by its user id; and the one that new tabs open. */
const CHOSEN = "weft.account";
/** In place of a user id: this tab adds an account. */
const NOBODY = "+";

/** What the browser keeps nothing of, or garbage, is not there. */
function parsed(text: string | null): Session | undefined {
  try {
    return text === null ? undefined : (JSON.parse(text) as Session);
  } catch {
    return undefined;
  }
}

/** All accounts of this browser by the names under which they are kept, the first one first. */
function kept(): Map<string, Session> {
  const found = new Map<string, Session>();
  try {
    for (const key of Object.keys(localStorage).toSorted()) {
      const session = isOurs(key) ? parsed(localStorage.getItem(key)) : undefined;
      if (session !== undefined) found.set(key, session);
    }
  } catch {
    // This browser keeps nothing for the page.
  }
  return found;
}

const isOurs = (key: string): boolean => key === KEY || key.startsWith(`${KEY} `);

/** The name under which an account is kept, or will be. */
function keyOf(userId: string): string {
  const all = kept();
  const known = [...all].find(([, session]) => session.userId === userId);
  return known?.[0] ?? (all.has(KEY) ? `${KEY} ${userId}` : KEY);
}

/** The accounts that are signed in here. */
export const keptSessions = (): Session[] => [...kept().values()];

/** The session of an account, as it is kept for all tabs; undefined once it was ended in any of them. */
export const keptSession = (userId: string): Session | undefined =>
  keptSessions().find((session) => session.userId === userId);

/** The name of a setting that belongs to an account. */
export const nameFor = (setting: string, userId: string): string =>
  setting + keyOf(userId).slice(KEY.length);

function chosen(): string | null {
  try {
    return sessionStorage.getItem(CHOSEN) ?? localStorage.getItem(CHOSEN);
  } catch {
    return null;
  }
}

/** The session that this tab opens; undefined where nobody is signed in, or an account is being added. */
export function loadSession(): Session | undefined {
  const who = chosen();
  if (who === NOBODY) return undefined;
  const all = keptSessions();
  return all.find(({ userId }) => userId === who) ?? all[0];
}

/** Has this tab open an account from now on, and new tabs too. */
export function chooseSession(userId: string): void {
  sessionStorage.setItem(CHOSEN, userId);
  localStorage.setItem(CHOSEN, userId);
}

/** Has this tab open no account, so that one can be added. */
export function chooseNobody(): void {
  sessionStorage.setItem(CHOSEN, NOBODY);
}

export function saveSession(session: Session): void {
  localStorage.setItem(keyOf(session.userId), JSON.stringify(session));
}

export function clearSession(userId: string): void {
  localStorage.removeItem(keyOf(userId));
}

/** Calls back when another tab signs in or out. Answers the function that ends it. */
export function watchSessions(onChange: () => void): () => void {
  const listener = (event: StorageEvent): void => {
    if (event.key === null || isOurs(event.key)) onChange();
  };
  window.addEventListener("storage", listener);
  return () => window.removeEventListener("storage", listener);
}
