import { atom } from "nanostores";
import { createAccountApi } from "../api/account.ts";
import { createHttp, withToken } from "../api/http.ts";
import {
  chooseNobody,
  chooseSession,
  clearSession,
  keptSession,
  keptSessions,
  loadSession,
  saveSession,
  watchSessions,
  type Session,
} from "../api/session.ts";
import { sweep } from "./leftovers.ts";
import { page } from "./page.ts";
import type { Client } from "./client.ts";
import { hrefTo, type Route } from "./router.ts";
import { report } from "./toasts.ts";

/** Who is signed in: nobody, someone whose rooms are being opened, or an open client. */
export type Account =
  | { state: "out"; again?: Session }
  | { state: "opening" }
  | { state: "in"; client: Client };

export const $account = atom<Account>({ state: "opening" });

/** Milliseconds after which a page looks for what ended sessions have left. */
const SWEEP_AFTER = 10_000;

/** Milliseconds that an account may take to close before the page begins anew. */
const CLOSING_LASTS = 5000;

/** What opens accounts, which who is signing in does not wait for. */
const opened = () => import("./opened.ts");

let turn = 0;
/** The session whose client is being opened. */
let opening: Session | undefined;

/** The session whose client is open, or being opened. */
function current(): Session | undefined {
  const account = $account.get();
  if (account.state === "in") return account.client.session;
  return account.state === "opening" ? opening : undefined;
}

/** Whether the device is still signed in here: what it keeps is forgotten otherwise. */
const isKept = ({ userId, deviceId }: Session): boolean =>
  keptSession(userId)?.deviceId === deviceId;

/**
 * Begins the page anew, for another account, once the one before is closed: nothing of it is left in the page. The place is
 * another too, since rooms are not the same.
 */
async function restart(place: Route, closing: Promise<void>): Promise<void> {
  // What a slow machine has not deleted by then is deleted by the next page.
  await Promise.race([
    closing.catch(report),
    new Promise((resolve) => setTimeout(resolve, CLOSING_LASTS)),
  ]);
  history.replaceState(null, "", location.pathname + location.search + hrefTo(place));
  page.reload();
}

async function open(session: Session): Promise<void> {
  const mine = ++turn;
  const before = $account.get();
  opening = session;
  $account.set({ state: "opening" });
  if (before.state === "in") {
    const former = before.client.session;
    // Another tab has signed out, and in again, before this one heard of either.
    const closing = before.client.close(!isKept(former));
    if (former.userId !== session.userId) return restart({ page: "home" }, closing);
    await closing;
  }
  const { openClient } = await opened();
  if (mine !== turn) return;
  const client = await openClient(session, (soft) => {
    // What a closed client still hears of its token says nothing of who is signed in now.
    if (mine === turn) void ended(session, soft);
  });
  if (mine === turn) $account.set({ state: "in", client });
  else await client.close(false);
}

async function leave(next: Account): Promise<void> {
  turn++;
  opening = undefined;
  const account = $account.get();
  $account.set(next);
  if (account.state === "in") await account.client.close(!isKept(account.client.session));
}

/** Leaves an account that has ended: for the next one that is signed in here, or to the door. */
async function leaveForGood(): Promise<void> {
  const next = loadSession();
  if (next === undefined) return leave({ state: "out" });
  const closing = leave({ state: "opening" });
  chooseSession(next.userId);
  await restart({ page: "home" }, closing);
}

/** The server ended the session. After a soft logout, the same device may sign in again and find all as it was. */
async function ended({ userId }: Session, soft: boolean): Promise<void> {
  const session = keptSession(userId);
  if (soft && session !== undefined) {
    const again = { ...session, softLoggedOut: true };
    saveSession(again);
    return leave({ state: "out", again });
  }
  clearSession(userId);
  return leaveForGood();
}

function begin(session: Session | undefined): void {
  if (session === undefined) void leave({ state: "out" });
  else if (session.softLoggedOut === true) void leave({ state: "out", again: session });
  else void open(session).catch(report);
}

/** Takes up the session that this tab has open, and follows what other tabs do with it. */
export function startAccount(): void {
  begin(loadSession());
  // Behind the first paint; what another tab is still closing goes when it has.
  setTimeout(() => void sweep().catch(() => undefined), SWEEP_AFTER);
  watchSessions(() => {
    const session = loadSession();
    const now = current();
    const same = session?.userId === now?.userId && session?.deviceId === now?.deviceId;
    if (!same || session?.softLoggedOut === true) begin(session);
  });
}

/** Gives up a session that has ended: whoever signs in next must not find its rooms here. */
export function abandon(session: Session): void {
  clearSession(session.userId);
  if (keptSessions().length > 0) chooseNobody();
  $account.set({ state: "out" });
  wipe(session);
}

/** What it leaves, a later page sweeps up. */
function wipe(session: Session): void {
  opened()
    .then((part) => part.wipe(session))
    .catch(() => undefined);
}

/** Takes up a session that has just begun. An account that is signed in here stays on the device that it has. */
export function signedIn(session: Session): void {
  const { userId, deviceId } = session;
  const former = keptSession(userId);
  chooseSession(userId);
  if (former !== undefined && former.deviceId !== deviceId) {
    if (former.softLoggedOut !== true) {
      void endOnServer(session)
        .catch(() => undefined)
        .then(() => restart({ page: "home" }, Promise.resolve()));
      return;
    }
    wipe(former);
  }
  saveSession(session);
  // The page may know things of the account from which it was begun.
  if (keptSessions().length > 1) void restart({ page: "home" }, Promise.resolve());
  else void open(session).catch(report);
}

/** Opens another account of this browser in this tab. What the one before keeps stays where it is. */
export async function switchTo(userId: string, place: Route = { page: "home" }): Promise<void> {
  if (keptSession(userId) === undefined) return;
  chooseSession(userId);
  await restart(place, leave({ state: "opening" }));
}

/** Goes to the door without leaving any account. */
export async function addAccount(): Promise<void> {
  chooseNobody();
  await restart({ page: "sign-in" }, leave({ state: "opening" }));
}

/** The account is closed on the server: nothing of it stays here. */
export async function closeAccount({ session }: Client): Promise<void> {
  clearSession(session.userId);
  await leaveForGood();
}

/** Ends a session on the server, as it was begun. */
async function endOnServer(session: Session): Promise<void> {
  if (session.oauth !== undefined) {
    const { revokeTokens } = await import("../api/oauth.ts");
    return revokeTokens(session);
  }
  const http = createHttp(session.baseUrl, withToken(session.accessToken));
  await createAccountApi(http, session.userId).signOut();
}

/** Ends the session here and on the server; the server being away doesn't keep anyone in. */
export async function signOut({ api, session }: Client): Promise<void> {
  const stored = keptSession(session.userId) ?? session;
  const end = stored.oauth === undefined ? api.account.signOut() : endOnServer(stored);
  await end.catch(() => undefined);
  clearSession(session.userId);
  await leaveForGood();
}
