import { describe, expect, test } from "vitest";
import { clearSession, loadSession, saveSession } from "../../src/api/session.ts";
import { sweep } from "../../src/store/leftovers.ts";
import { $account, abandon, signedIn, signOut } from "../../src/store/account.ts";
import { eventually } from "../unit/eventually.ts";
import { refusal, sessionOf } from "./server.ts";
import {
  ANN,
  BEN,
  ROOM,
  clientOf,
  inAnotherTab,
  isOut,
  kept,
  play,
  reloads,
  server,
  signIn,
  useAccounts,
} from "./account-world.ts";

useAccounts();

test("nobody is signed in where no session is kept", () => {
  expect($account.get()).toEqual({ state: "out" });
});

test("whoever signs in is followed, and kept for the next visit", async () => {
  const client = await signIn(sessionOf(ANN));
  expect(loadSession()).toEqual(sessionOf(ANN));
  expect(client.store.summary(ROOM)?.preview).toBe("ben: hi");
  expect(server.polls.map(({ token }) => token)).toEqual([`token of ${ANN}`, `token of ${ANN}`]);
});

describe("signing out", () => {
  test("ends the session on the server, and leaves nothing here", async () => {
    const client = await signIn(sessionOf(ANN));
    window.dispatchEvent(new PageTransitionEvent("pagehide"));
    await signOut(client);
    expect(server.asked.map(({ what }) => what)).toEqual(["POST /logout"]);
    expect(loadSession()).toBeUndefined();
    expect($account.get()).toEqual({ state: "out" });
    expect(server.polls.at(-1)?.aborted).toBe(true);
    expect(await kept(ANN)).toBeUndefined();
  });

  test("keeps nobody in whose server is away", async () => {
    play({ "POST /logout": () => Promise.reject(new TypeError("Failed to fetch")) });
    const client = await signIn(sessionOf(ANN));
    await signOut(client);
    expect(loadSession()).toBeUndefined();
    expect($account.get()).toEqual({ state: "out" });
  });

  test("is not undone by what was being sent, which is not sent any more", async () => {
    play({ [`PUT /rooms/${ROOM}/send/`]: () => refusal(502, {}) });
    const client = await signIn(sessionOf(ANN));
    client.outbox.send(client.store.room(ROOM)!, "m.room.message", {
      msgtype: "m.text",
      body: "x",
    });
    await eventually(() => expect(server.asked).toHaveLength(1));
    await signOut(client);
    client.outbox.retryNow();
    const ben = await signIn(sessionOf(BEN));
    await ben.api.account.profile();
    expect(server.asked.map(({ token }) => token)).toEqual([
      `token of ${ANN}`,
      `token of ${ANN}`,
      `token of ${BEN}`,
    ]);
  });
});

test("a refusal that a closed client still hears signs out nobody else", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  play({ [`GET /profile/${ANN}`]: () => promise });
  const ann = await signIn(sessionOf(ANN));
  const late = ann.api.account.profile();
  await signOut(ann);
  const ben = await signIn(sessionOf(BEN));
  resolve(refusal(401, { errcode: "M_UNKNOWN_TOKEN" }));
  await expect(late).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
  expect($account.get()).toEqual({ state: "in", client: ben });
  expect(loadSession()?.userId).toBe(BEN);
});

describe("a session that the server ends", () => {
  test("is over, and what was kept for it goes", async () => {
    await signIn(sessionOf(ANN));
    window.dispatchEvent(new PageTransitionEvent("pagehide"));
    server.polls.at(-1)!.refuse(401, { errcode: "M_UNKNOWN_TOKEN" });
    await isOut();
    expect(loadSession()).toBeUndefined();
    await eventually(() => expect(server.polls.every(({ aborted }) => aborted)).toBe(true));
    // The page shows that it is over before all is deleted.
    await eventually(async () => expect(await kept(ANN)).toBeUndefined());
  });

  test("softly can be taken up by the same device, which finds all as it was", async () => {
    await signIn(sessionOf(ANN));
    server.polls.at(-1)!.refuse(401, { errcode: "M_UNKNOWN_TOKEN", soft_logout: true });
    const again = { ...sessionOf(ANN), softLoggedOut: true };
    await eventually(() => expect($account.get()).toEqual({ state: "out", again }));
    expect(loadSession()).toEqual(again);
    await eventually(async () => expect(await kept(ANN)).toBe("s1"));
    const before = server.polls.length;
    signedIn(sessionOf(ANN));
    const client = await clientOf(ANN);
    expect(client.store.summary(ROOM)?.preview).toBe("ben: hi");
    expect((await server.poll(before + 1)).since).toBe("s1");
  });

  test("softly can be given up, and whoever comes next finds nothing", async () => {
    await signIn(sessionOf(ANN));
    server.polls.at(-1)!.refuse(401, { errcode: "M_UNKNOWN_TOKEN", soft_logout: true });
    await eventually(() => expect($account.get()).toHaveProperty("again"));
    await eventually(async () => expect(await kept(ANN)).toBe("s1"));
    abandon(loadSession()!);
    expect($account.get()).toEqual({ state: "out" });
    expect(loadSession()).toBeUndefined();
    await eventually(async () => expect(await kept(ANN)).toBeUndefined());
  });
});

test("what an ended session left, because the page was closed too soon, goes at the next visit", async () => {
  const client = await signIn(sessionOf(ANN));
  await client.close(false);
  await eventually(async () => expect(await kept(ANN)).toBe("s1"));
  const left = async (): Promise<string[]> =>
    (await indexedDB.databases())
      .map(({ name }) => name ?? "")
      // Notes of tabs without Web Locks are no session's.
      .filter((name) => name.startsWith("weft ") && name !== "weft leases");
  expect((await left()).join()).toMatch(/weft vault @ann:one D/);
  clearSession(ANN);
  saveSession(sessionOf(BEN));
  const own = indexedDB.open("weft vault @ben:one D");
  await new Promise((resolve) => own.addEventListener("success", resolve));
  own.result.close();
  await sweep();
  expect(await left()).toEqual(["weft vault @ben:one D"]);
  localStorage.clear();
  await sweep();
  expect(await left()).toEqual([]);
  $account.set({ state: "out" });
});

describe("another tab", () => {
  test("signs in and out for this one too", async () => {
    inAnotherTab(sessionOf(ANN));
    await clientOf(ANN);
    await server.poll(1);
    inAnotherTab(undefined);
    await isOut();
    expect(server.polls[0]?.aborted).toBe(true);
  });

  test("that renews the token changes nothing here", async () => {
    const client = await signIn(sessionOf(ANN));
    inAnotherTab({ ...sessionOf(ANN), accessToken: "newer" });
    expect($account.get()).toEqual({ state: "in", client });
    expect(server.polls.at(-1)?.aborted).toBe(false);
  });

  test("that is softly signed out asks for the password here too", async () => {
    await signIn(sessionOf(ANN));
    const again = { ...sessionOf(ANN), softLoggedOut: true };
    inAnotherTab(again);
    expect($account.get()).toEqual({ state: "out", again });
  });

  test("that signs in to another account changes nothing here", async () => {
    const client = await signIn(sessionOf(ANN));
    inAnotherTab(sessionOf(BEN));
    expect($account.get()).toEqual({ state: "in", client });
    expect(loadSession()?.userId).toBe(ANN);
    inAnotherTab(undefined, BEN);
    expect($account.get()).toEqual({ state: "in", client });
  });

  test("that signs out has this one go on as the account that is left", async () => {
    await signIn(sessionOf(ANN));
    saveSession(sessionOf(BEN));
    inAnotherTab(undefined);
    await eventually(() => expect(reloads).toHaveBeenCalledOnce());
    expect(loadSession()?.userId).toBe(BEN);
    expect(server.polls.every(({ aborted }) => aborted)).toBe(true);
    await eventually(async () => expect(await kept(ANN)).toBeUndefined());
    $account.set({ state: "out" });
  });
});

test("of two who sign in one upon the other the later one stays", async () => {
  signedIn(sessionOf(ANN));
  clearSession(ANN);
  inAnotherTab(sessionOf(BEN));
  await clientOf(BEN);
  await eventually(() =>
    expect(server.polls.filter(({ aborted }) => !aborted).map(({ token }) => token)).toEqual([
      `token of ${BEN}`,
    ]),
  );
});
