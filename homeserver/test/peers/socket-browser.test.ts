import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import * as chat from "../../../web-client/e2e/conversation.ts";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { eventually } from "../support/wait.ts";
import { openBehindProxy } from "./support/behind-proxy.ts";
import { hasBrowser, type Screen } from "./support/browser.ts";
import type { WeftProcess } from "./support/process.ts";
import { createUpgradeProxy, type UpgradeProxy } from "./support/upgrade-proxy.ts";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))("two pages over the socket", { timeout: 240_000 }, () => {
  let weft: WeftProcess;
  let proxy: UpgradeProxy;
  let alice: Screen;
  let bob: Screen;
  const said: string[] = [];

  openBehindProxy(createUpgradeProxy, (opened) => ({ weft, proxy, alice, bob } = opened));

  const stateOf = (page: Page) => page.locator("html").getAttribute("data-socket");
  const isOpen = async (page: Page) => (await stateOf(page)) === "open";
  const open = (page: Page) =>
    eventually(
      "the socket is open",
      async () => {
        // As when the network comes back: the next try is at once.
        if (!(await isOpen(page))) await page.evaluate(`window.dispatchEvent(new Event("online"))`);
        return await isOpen(page);
      },
      { every: 200 },
    );
  const lost = (page: Page) => eventually("the socket is lost", async () => !(await isOpen(page)));

  /** Requests over HTTP while something is done: method and the end of the path. */
  async function requestsDuring(page: Page, work: () => Promise<void>): Promise<string[]> {
    const seen: string[] = [];
    const note = (request: { url(): string; method(): string }) =>
      void seen.push(`${request.method()} ${new URL(request.url()).pathname}`);
    page.on("request", note);
    try {
      await work();
    } finally {
      page.off("request", note);
    }
    return seen;
  }

  async function say(by: Screen, to: Screen, text: string): Promise<void> {
    said.push(text);
    await chat.sendMessage(by.page, text);
    await chat.waitForMessage(to.page, text, 60_000);
  }

  test("they open it by themselves, and meet", async () => {
    for (const [screen, username] of [
      [alice, "alice"],
      [bob, "bob"],
    ] as const) {
      const password = `${username}-Secret-1`;
      await chat.register(screen.page, { baseUrl: proxy.baseUrl, username, password });
      await putOff(screen.page);
      await open(screen.page);
    }
    await chat.createRoom(alice.page, { name: "The shed" });
    await chat.invite(alice.page, `@bob:${weft.serverName}`);
    await chat.acceptInvite(bob.page, "The shed");
  });

  test("what one types the other sees, with no request of HTTP for it", async () => {
    await say(alice, bob, "Is anybody there?");
    const ofBob: string[] = [];
    const ofAlice = await requestsDuring(alice.page, async () => {
      ofBob.push(
        ...(await requestsDuring(bob.page, async () => {
          await say(alice, bob, "Hello?");
          await say(bob, alice, "Here I am.");
          await say(alice, bob, "Good.");
        })),
      );
    });
    expect([...ofAlice, ...ofBob].filter((each) => each.includes("/_matrix/client/"))).toEqual([]);
    expect(await stateOf(alice.page)).toBe("open");
  });

  test("a proxy that carries no sockets any more is passed over HTTP, and nothing is lost", async () => {
    proxy.carriesSockets = false;
    proxy.cutSockets();
    await Promise.all([lost(alice.page), lost(bob.page)]);
    const requests = await requestsDuring(bob.page, async () => {
      await say(alice, bob, "The line is bad.");
      await say(bob, alice, "But it holds.");
    });
    expect(requests.some((each) => each.endsWith("/sync"))).toBe(true);
  });

  test("a socket that is cut while somebody writes loses and doubles nothing", async () => {
    proxy.carriesSockets = true;
    await Promise.all([open(alice.page), open(bob.page)]);
    for (let n = 1; n <= 5; n += 1) {
      said.push(`line ${n}`);
      await chat.sendMessage(alice.page, `line ${n}`);
      proxy.cutSockets();
    }
    await chat.waitForMessage(bob.page, "line 5", 60_000);
  });

  test("a server that is killed and started again is found again", async () => {
    await Promise.all([open(alice.page), open(bob.page)]);
    await weft.kill();
    said.push("Are you still there?");
    await chat.sendMessage(alice.page, "Are you still there?");
    await weft.start();
    await chat.waitForMessage(bob.page, "Are you still there?", 90_000);
    await Promise.all([open(alice.page), open(bob.page)]);
    await say(bob, alice, "That was only a restart.");
  });

  test("one that stops in order says so", async () => {
    await weft.stop();
    await weft.start();
    await Promise.all([open(alice.page), open(bob.page)]);
    await say(alice, bob, "And another.");
  });

  test("all of it stands on both pages once, in order", async () => {
    for (const { page } of [alice, bob]) {
      expect(await chat.visibleMessages(page)).toEqual(said);
    }
    expect([...alice.errors, ...bob.errors]).toEqual([]);
  });
});
