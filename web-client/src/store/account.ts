import { atom } from "nanostores";
import {
  clearSession,
  loadSession,
  saveSession,
  watchSession,
  type Session,
} from "../api/session.ts";
import { wipeKeys } from "../encryption/vault.ts";
import { sweep } from "./leftovers.ts";
import { openPersistence } from "./persistence.ts";
import { openClient, type Client } from "./client.ts";
import { report } from "./toasts.ts";

/** Who is signed in: nobody, someone whose rooms are being opened, or an open client. */
export type Account =
  | { state: "out"; again?: Session }
  | { state: "opening" }
  | { state: "in"; client: Client };

export const $account = atom<Account>({ state: "opening" });

/** Milliseconds after which a page looks for what ended sessions have left. */
const SWEEP_AFTER = 10_000;

let turn = 0;

async function open(session: Session): Promise<void> {
  const mine = ++turn;
  const before = $account.get();
  $account.set({ state: "opening" });
  // Another tab has signed out and in again before this one heard of either.
  if (before.state === "in") await before.client.close(true);
  const client = await openClient(session, (soft) => {
    // What a closed client still hears of its token says nothing of who is signed in now.
    if (mine === turn) void ended(soft);
  });
  if (mine === turn) $account.set({ state: "in", client });
  else await client.close(false);
}

async function leave(forget: boolean, next: Account): Promise<void> {
  turn++;
  const account = $account.get();
  $account.set(next);
  if (account.state === "in") await account.client.close(forget);
}

/** The server ended the session. After a soft logout, the same device may sign in again and find all as it was. */
async function ended(soft: boolean): Promise<void> {
  const session = loadSession();
  if (soft && session !== undefined) {
    const again = { ...session, softLoggedOut: true };
    saveSession(again);
    return leave(false, { state: "out", again });
  }
  clearSession();
  return leave(true, { state: "out" });
}

function begin(session: Session | undefined): void {
  if (session === undefined) void leave(true, { state: "out" });
  else if (session.softLoggedOut === true) void leave(false, { state: "out", again: session });
  else void open(session).catch(report);
}

/** Takes up the session that this browser keeps, and follows what other tabs do with it. */
export function startAccount(): void {
  begin(loadSession());
  // Behind the first paint; what another tab is still closing goes when it has.
  setTimeout(() => void sweep().catch(() => undefined), SWEEP_AFTER);
  watchSession((session) => {
    const account = $account.get();
    const current = account.state === "in" ? account.client.session : undefined;
    const same = session?.userId === current?.userId && session?.deviceId === current?.deviceId;
    if (!same || session?.softLoggedOut === true) begin(session);
  });
}

/** Gives up a session that has ended: whoever signs in next must not find its rooms here. */
export function abandon(session: Session): void {
  clearSession();
  $account.set({ state: "out" });
  openPersistence(session.userId, session.deviceId)
    .then((kept) => kept.destroy())
    .catch(() => undefined);
  wipeKeys(session.userId, session.deviceId).catch(() => undefined);
}

export function signedIn(session: Session): void {
  saveSession(session);
  void open(session).catch(report);
}

/** The account is closed on the server: nothing of it stays here. */
export async function closeAccount(): Promise<void> {
  clearSession();
  await leave(true, { state: "out" });
}

/** Ends a session on the server, as it was begun. */
async function endOnServer({ api, session }: Client): Promise<void> {
  const stored = loadSession();
  if (stored?.oauth === undefined || stored.deviceId !== session.deviceId) {
    return void (await api.account.signOut());
  }
  const { revokeTokens } = await import("../api/oauth.ts");
  await revokeTokens(stored);
}

/** Ends the session here and on the server; the server being away doesn't keep anyone in. */
export async function signOut(client: Client): Promise<void> {
  await endOnServer(client).catch(() => undefined);
  clearSession();
  await leave(true, { state: "out" });
}
