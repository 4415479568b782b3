/** Two accounts in one browser at a real server: added, switched, each with its own rooms, words and keys, and left one by one. */
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  composer,
  createRoom,
  message,
  openRoom,
  register,
  sendMessage,
} from "../../../web-client/e2e/conversation.ts";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { hasBrowser, launchBrowser, openScreen } from "./support/browser.ts";

const PASSWORD = "long enough";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))(
  "several accounts in a browser",
  { timeout: 180_000 },
  () => {
    let server: TestServer;
    let browser: Browser;
    let page: Page;
    let errors: readonly string[];

    beforeAll(async () => {
      server = await startServer();
      browser = await launchBrowser();
      ({ page, errors } = await openScreen(browser, { scheme: "light" }));
    }, 180_000);

    afterAll(async () => {
      await browser?.close();
      await server?.close();
    }, 60_000);

    const id = (name: string): string => `@${name}:${server.name}`;

    async function choose(item: string, where: Page = page): Promise<void> {
      await where.getByRole("button", { name: "Your account" }).click();
      await where.getByRole("menuitem", { name: item }).click();
    }

    /** Waits until the page has begun anew, and shows the rooms of somebody. */
    async function isOpen(name: string, where: Page = page): Promise<void> {
      await where.locator("weft-sidebar .me").getByText(id(name)).waitFor();
    }

    const databases = (): Promise<string[]> =>
      page.evaluate<string[]>(`indexedDB.databases().then((all) => all.map(({ name }) => name))`);

    const tokenOf = (name: string): Promise<string> =>
      page.evaluate((userId) => {
        const all = Object.entries(localStorage).filter(([key]) => key.startsWith("weft.session"));
        const sessions = all.map(
          ([, text]) => JSON.parse(text as string) as { userId: string; accessToken: string },
        );
        return sessions.find((one) => one.userId === userId)!.accessToken;
      }, id(name));

    async function answers(token: string): Promise<number> {
      const headers = { authorization: `Bearer ${token}` };
      const url = `${server.baseUrl}/_matrix/client/v3/account/whoami`;
      return (await fetch(url, { headers })).status;
    }

    test("a second account is added beside the first", async () => {
      await register(page, { baseUrl: server.baseUrl, username: "bea", password: PASSWORD });
      await putOff(page);
      await createRoom(page, { name: "Bea's room" });
      await composer(page).fill("Bea has not sent this");
      await choose("Add another account");
      await page.getByRole("heading", { name: "Sign in to Weft" }).waitFor();
      await page.getByRole("button", { name: `Go on as ${id("bea")}` }).waitFor();
      await page.evaluate(axe.source);
      const found = await page.evaluate(async () => {
        const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
        return violations.map(({ id: what }) => what);
      });
      expect(found).toEqual([]);
      await page.getByRole("link", { name: "Create an account" }).click();
      await page.getByLabel("User name").fill("carl");
      await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await page.getByRole("button", { name: "Create account" }).click();
      await isOpen("carl");
      await putOff(page);
      expect(await page.getByText("Bea's room").count()).toBe(0);
      await createRoom(page, { name: "Carl's room" });
      await sendMessage(page, "Carl was here");
      await message(page, "Carl was here").waitFor();
    });

    test("each has its own rooms, drafts, and keys", async () => {
      await choose(`Switch to ${id("bea")}`);
      await isOpen("bea");
      expect(await page.getByText("Carl's room").count()).toBe(0);
      await openRoom(page, "Bea's room");
      await expect.poll(() => composer(page).inputValue()).toBe("Bea has not sent this");
      const names = await databases();
      for (const name of ["bea", "carl"]) {
        const own = names.filter((each) => each.includes(`${id(name)} `));
        expect(own.map((each) => each.replace(/@.*? \w+/, "")).toSorted()).toEqual(
          expect.arrayContaining(["weft ", "weft vault ", "weft encryption ::matrix-sdk-crypto"]),
        );
      }
    });

    test("two tabs may have two of them open, and a new one opens the last", async () => {
      const second = await page.context().newPage();
      await second.goto(server.baseUrl);
      await isOpen("bea", second);
      await choose(`Switch to ${id("carl")}`, second);
      await isOpen("carl", second);
      await openRoom(second, "Carl's room");
      const place = second.url();
      await page.reload();
      await isOpen("bea");
      await second.reload();
      await isOpen("carl", second);
      const third = await page.context().newPage();
      await third.goto(place);
      await isOpen("carl", third);
      await message(third, "Carl was here").waitFor();
      await third.close();
      await second.close();
    });

    test("a note leads to the account that it is about", async () => {
      const note = await page.context().newPage();
      const query = new URLSearchParams({ account: id("bea") }).toString();
      await note.goto(`${server.baseUrl}/?${query}`);
      await isOpen("bea", note);
      expect(note.url()).not.toContain("account=");
      const nobody = new URLSearchParams({ account: "@eve:elsewhere" }).toString();
      await note.goto(`${server.baseUrl}/?${nobody}`);
      await isOpen("bea", note);
      await note.close();
    });

    test("who changes their mind goes back from the door", async () => {
      await choose("Add another account");
      await page.getByRole("button", { name: `Go on as ${id("carl")}` }).click();
      await isOpen("carl");
    });

    test("signing out of one leaves the other", async () => {
      const [bea, carl] = [await tokenOf("bea"), await tokenOf("carl")];
      await choose("Sign out");
      await page
        .locator("weft-dialog")
        .getByRole("button", { name: /^Sign out/ })
        .click();
      await isOpen("bea");
      expect(await answers(carl)).toBe(401);
      expect(await answers(bea)).toBe(200);
      await expect
        .poll(async () => (await databases()).filter((name) => name.includes(id("carl"))))
        .toEqual([]);
      await openRoom(page, "Bea's room");
      await expect.poll(() => composer(page).inputValue()).toBe("Bea has not sent this");
      await choose("Sign out");
      await page
        .locator("weft-dialog")
        .getByRole("button", { name: /^Sign out/ })
        .click();
      await page.getByRole("heading", { name: "Sign in to Weft" }).waitFor();
      expect(await page.getByRole("button", { name: /^Go on as/ }).count()).toBe(0);
    });

    test("no page broke", () => {
      expect(errors).toEqual([]);
    });
  },
);
