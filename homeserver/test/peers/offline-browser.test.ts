import { describe, expect, test } from "vitest";
import * as chat from "../../../web-client/e2e/conversation.ts";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { eventually } from "../support/wait.ts";
import { openBehindProxy } from "./support/behind-proxy.ts";
import { type BuildProxy, createBuildProxy } from "./support/build-proxy.ts";
import { hasBrowser, type Screen } from "./support/browser.ts";
import { saveRooms } from "./support/page-store.ts";

const ROOM = "Far from the shore";
const SAID = "Do we have enough rope?";

/** What the page does each hour by itself. */
const LOOK = "navigator.serviceWorker.getRegistration().then((it) => it.update()).then(() => true)";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))(
  "a page that keeps its parts",
  { timeout: 240_000 },
  () => {
    let proxy: BuildProxy;
    let ann: Screen;

    openBehindProxy(createBuildProxy, (opened) => ({ proxy, alice: ann } = opened));

    const link = (name: string) => ann.page.getByRole("link", { name });

    test("keeps them once it has been open for a moment", async () => {
      await chat.register(ann.page, {
        baseUrl: proxy.baseUrl,
        username: "ann",
        password: "Ann-Secret-12",
      });
      await putOff(ann.page);
      await chat.createRoom(ann.page, { name: ROOM });
      await chat.sendMessage(ann.page, SAID);
      await chat.waitForMessage(ann.page, SAID, 30_000);
      await eventually("a worker looks after the page", () =>
        ann.page.evaluate("navigator.serviceWorker.controller !== null"),
      );
      // What was sent has come back: only then it is a message of the room, and has tools.
      await chat.message(ann.page, SAID).hover();
      await ann.page.getByLabel("Actions for the message of ann").waitFor();
      await saveRooms(ann.page);
    });

    test("opens without the network with what it has, says so, and loads what was never opened", async () => {
      await ann.page.context().setOffline(true);
      await ann.page.getByText("No connection.").waitFor();
      await ann.page.reload();
      await link(ROOM).click();
      await chat.waitForMessage(ann.page, SAID, 30_000);
      await ann.page.getByText("No connection.").waitFor();
      await ann.page.goto(`${proxy.baseUrl}/#/settings/appearance`);
      await ann.page.getByText("High", { exact: true }).waitFor();
      await ann.page.context().setOffline(false);
      await ann.page.getByText("No connection.").waitFor({ state: "hidden" });
    });

    test("after an update of the server an open page still loads its parts, and learns of the new ones", async () => {
      await ann.page.goto(`${proxy.baseUrl}/#/`);
      await ann.page.reload();
      await link(ROOM).waitFor();
      const lost: string[] = [];
      proxy.deploy((path, text) => {
        if (path === "/")
          return text().then((page) => page.replace("</head>", "<!-- two --></head>"));
        if (path === "/sw.js") return text().then((worker) => `${worker}\n// two`);
        // Nothing that only the old build had is there any more.
        if (!/^\/assets\/(settings|directory)-/.test(path)) return undefined;
        lost.push(path);
        return Promise.resolve(null);
      });
      await ann.page.goto(`${proxy.baseUrl}/#/directory`);
      await ann.page.getByRole("heading", { name: "Public rooms" }).waitFor();
      await ann.page.goto(`${proxy.baseUrl}/#/settings/profile`);
      await ann.page.getByRole("heading", { name: "Settings" }).waitFor();
      expect(lost).toEqual([]);
      await eventually(
        "the page tells of the update",
        async () => {
          await ann.page.evaluate(LOOK);
          return await ann.page.getByText("Weft has been updated.").isVisible();
        },
        { every: 1000 },
      );
      await ann.page.getByRole("button", { name: "Reload" }).click();
      await link(ROOM).waitFor();
      expect(await ann.page.content()).toContain("<!-- two -->");
      expect(ann.errors).toEqual([]);
    });
  },
);
