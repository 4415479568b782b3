import { afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { clearSession, keptSessions, saveSession, type Session } from "../../src/api/session.ts";
import { sweep } from "../../src/store/leftovers.ts";
import { $account, signedIn, signOut, startAccount } from "../../src/store/account.ts";
import type { Client } from "../../src/store/client.ts";
import { page } from "../../src/store/page.ts";
import { openPersistence } from "../../src/store/persistence.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { playServer } from "./server.ts";

export const ANN = "@ann:one";
export const BEN = "@ben:one";
export const ROOM = "!room:one";

type Answers = Parameters<typeof playServer>[0];
/** The server that plays in the test that runs. */
export let server: ReturnType<typeof playServer>;

export function play(answers: Answers = {}): void {
  server?.stop();
  server = playServer(answers);
}

/** The client of whoever is signed in, once it is open. */
export async function clientOf(userId: string): Promise<Client> {
  let client: Client | undefined;
  await eventually(() => {
    const account = $account.get();
    client = account.state === "in" ? account.client : undefined;
    expect(client?.session.userId).toBe(userId);
  });
  return client!;
}

/** Signs in, with a room that is kept on the disk. */
export async function signIn(session: Session): Promise<Client> {
  const before = server.polls.length;
  signedIn(session);
  const client = await clientOf(session.userId);
  const room = { timeline: { events: [createEvents().message(BEN, "hi")], prev_batch: "p" } };
  (await server.poll(before + 1)).answer(syncOf(ROOM, room));
  await server.poll(before + 2);
  return client;
}

/** What another tab did to a session is heard of here; without one, it signed out. */
export function inAnotherTab(session: Session | undefined, who = ANN): void {
  if (session === undefined) clearSession(who);
  else saveSession(session);
  window.dispatchEvent(new StorageEvent("storage", { key: "weft.session" }));
}

export async function kept(userId: string): Promise<string | undefined> {
  const persistence = await openPersistence(userId, "D");
  const since = await persistence.load(new RoomStore(userId));
  if (since === undefined) await persistence.destroy();
  return since;
}

export const isOut = () => eventually(() => expect($account.get()).toEqual({ state: "out" }));

/** How often the page was begun anew. */
export const reloads = vi.spyOn(page, "reload").mockImplementation(() => undefined);

/** For a test file: each test begins with nobody signed in, and nothing kept. */
export function useAccounts(): void {
  beforeAll(() => {
    localStorage.clear();
    sessionStorage.clear();
    play();
    startAccount();
  });
  beforeEach(() => play());
  afterEach(async () => {
    const account = $account.get();
    // Who is signed in stays alone: the page would begin anew for the others.
    for (const { userId } of keptSessions()) {
      if (account.state !== "in" || userId !== account.client.session.userId) clearSession(userId);
    }
    if (account.state === "in") await signOut(account.client);
    localStorage.clear();
    sessionStorage.clear();
    reloads.mockClear();
    // What was kept of the others goes, too.
    await sweep();
    $account.set({ state: "out" });
    server.stop();
  });
}
