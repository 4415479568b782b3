import { describe, expect, test } from "vitest";
import { keptSessions, loadSession, saveSession } from "../../src/api/session.ts";
import { sweep } from "../../src/store/leftovers.ts";
import { $account, addAccount, signedIn, signOut, switchTo } from "../../src/store/account.ts";
import type { Client } from "../../src/store/client.ts";
import { eventually } from "../unit/eventually.ts";
import { sessionOf } from "./server.ts";
import {
  ANN,
  BEN,
  ROOM,
  clientOf,
  kept,
  reloads,
  server,
  signIn,
  useAccounts,
} from "./account-world.ts";

useAccounts();

describe("several accounts", () => {
  /** The page, as it is after it has begun anew. */
  async function anew(): Promise<void> {
    await eventually(() => expect(reloads).toHaveBeenCalledOnce());
    reloads.mockClear();
    $account.set({ state: "out" });
  }

  /** Ann is signed in, and Ben after her. */
  async function both(): Promise<Client> {
    await signIn(sessionOf(ANN));
    await addAccount();
    await anew();
    expect(loadSession()).toBeUndefined();
    signedIn(sessionOf(BEN));
    await anew();
    window.dispatchEvent(new StorageEvent("storage", { key: null }));
    return clientOf(BEN);
  }

  test("one is added without leaving the first, whose rooms stay", async () => {
    await both();
    expect(keptSessions()).toEqual([sessionOf(ANN), sessionOf(BEN)]);
    expect(server.asked.map(({ what }) => what)).toEqual([]);
    expect(await kept(ANN)).toBe("s1");
    const tokens = server.polls.filter(({ aborted }) => !aborted).map(({ token }) => token);
    expect(tokens).toEqual([`token of ${BEN}`]);
  });

  test("one goes from one to the other and back", async () => {
    await both();
    await switchTo(ANN);
    await anew();
    expect(loadSession()).toEqual(sessionOf(ANN));
    window.dispatchEvent(new StorageEvent("storage", { key: null }));
    const ann = await clientOf(ANN);
    expect(ann.store.summary(ROOM)?.preview).toBe("ben: hi");
  });

  test("signing out of one leaves the other as it was", async () => {
    const ben = await both();
    await signOut(ben);
    await anew();
    expect(server.asked.map(({ what, token }) => [what, token])).toEqual([
      ["POST /logout", `token of ${BEN}`],
    ]);
    expect(keptSessions()).toEqual([sessionOf(ANN)]);
    expect(loadSession()).toEqual(sessionOf(ANN));
    await eventually(async () => expect(await kept(BEN)).toBeUndefined());
    expect(await kept(ANN)).toBe("s1");
  });

  test("who signs in anew to an account that is here stays on its device", async () => {
    await both();
    await addAccount();
    await anew();
    signedIn({ ...sessionOf(ANN, "E"), accessToken: "another" });
    await anew();
    expect(loadSession()).toEqual(sessionOf(ANN));
    expect(server.asked.map(({ what, token }) => [what, token])).toEqual([
      ["POST /logout", "another"],
    ]);
    expect(await kept(ANN)).toBe("s1");
  });

  test("what is left of neither goes, and what is of either stays", async () => {
    await both();
    saveSession(sessionOf("@carl:one"));
    for (const who of [ANN, "@carl:one", "@dora:one"]) {
      const made = indexedDB.open(`weft vault ${who} D`);
      await new Promise((resolve) => made.addEventListener("success", resolve));
      made.result.close();
    }
    await sweep();
    const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
    expect(names).toContain(`weft ${ANN} D`);
    expect(names).toContain("weft vault @carl:one D");
    expect(names).not.toContain("weft vault @dora:one D");
  });
});
