import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureWebClient } from "../../../scripts/lib/web-client.mjs";
import * as admin from "../../../web-client/e2e/administration.ts";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { hasBrowser, launchBrowser, openScreen, type Screen } from "./support/browser.ts";
import { LOOK, NOTES, WATCH } from "./support/harmless.ts";
import { messages, NAMES, others } from "./support/hostile.ts";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))("what strangers send", { timeout: 400_000 }, () => {
  let server: TestServer;
  let browser: Browser;
  let alice: Screen;
  let page: Page;
  let eve: TestUser;
  let ofAlice: TestUser;
  const rooms: string[] = [];
  let talk: string;
  const elsewhere: string[] = [];
  const dialogs: string[] = [];
  let policy: string | undefined;

  beforeAll(async () => {
    await ensureWebClient();
    server = await startServer();
    ofAlice = await register(server, "alice");
    const { userId } = ofAlice;
    await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${userId}`;
    eve = await register(server, "eve");
    const media = await upload(server, eve);
    talk = await makeRoom({ name: "Talk" });
    for (const content of messages(media)) await send("m.room.message", content);
    for (const [type, content] of others(media)) await send(type, content);
    await namelessRoom();
    for (const name of NAMES) {
      await callHerself(await makeRoom({ name, topic: name.repeat(3) }), name);
    }
    await callHerself(talk, NAMES[5]!);
    for (const name of NAMES) {
      await makeRoom({ name, topic: name, creation_content: { type: "m.space" } });
    }
    await reactAndReport();
    browser = await launchBrowser();
    alice = await openScreen(browser, { scheme: "light" });
    page = alice.page;
    await page.addInitScript(WATCH);
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      const isOurs = origin === server.baseUrl || protocol === "blob:" || protocol === "data:";
      if (!isOurs) elsewhere.push(request.url());
    });
    page.on("response", (response) => {
      if (new URL(response.url()).pathname === "/") {
        policy = response.headers()["content-security-policy"];
      }
    });
    await admin.signIn(page, {
      baseUrl: server.baseUrl,
      username: "alice",
      password: "alice-Secret-1",
    });
    await putOff(page);
  }, 400_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  }, 60_000);

  let count = 0;
  /** Lengths of what the server itself refused. */
  const refused: number[] = [];
  async function send(type: string, content: object): Promise<string | undefined> {
    const path = `/rooms/${encodeURIComponent(talk)}/send/${type}/h${++count}`;
    const { body } = await eve.ask("PUT", path, content);
    if (body.event_id === undefined) refused.push(JSON.stringify(content).length);
    return body.event_id as string | undefined;
  }

  async function makeRoom(settings: object): Promise<string> {
    const body = { ...settings, preset: "public_chat", visibility: "public" };
    const { room_id: roomId } = await eve.call("POST", "/createRoom", body);
    await ofAlice.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
    rooms.push(roomId);
    return roomId;
  }

  /** Eve's name in a room, with a picture from elsewhere. */
  async function callHerself(roomId: string, displayname: string): Promise<void> {
    const path = `/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${eve.userId}`;
    const avatar_url = "https://evil.example/face.png";
    await eve.call("PUT", path, { membership: "join", displayname, avatar_url });
  }

  async function reactAndReport(): Promise<void> {
    const target = await send("m.room.message", { msgtype: "m.text", body: "the end" });
    for (const key of NAMES) {
      await send("m.reaction", {
        "m.relates_to": { rel_type: "m.annotation", event_id: target, key },
      });
      const path = `/rooms/${encodeURIComponent(talk)}/report/${encodeURIComponent(target!)}`;
      await ofAlice.call("POST", path, { reason: key });
    }
    await eve.call("PUT", `/rooms/${encodeURIComponent(talk)}/state/m.room.topic`, {
      topic: NAMES.join(" ").slice(0, 3_000),
    });
  }

  /** Called by its address alone, and by what Eve says of herself and of her devices. */
  async function namelessRoom(): Promise<void> {
    await makeRoom({ room_alias_name: "ali\u202Esaila\u2066" });
    const { userId, deviceId } = eve;
    await eve.call("PUT", `/devices/${deviceId}`, { display_name: NAMES[5] });
    await eve.call("PUT", `/profile/${userId}/displayname`, { displayname: NAMES[5] });
  }

  /** Nothing ran, nothing asked for anything elsewhere, nothing is out of bounds. */
  async function isHarmless(where: string): Promise<void> {
    const [wrong, hit, kept] = await page.evaluate<[string[], unknown, string[]]>(
      `[${LOOK}, window.hit, window.kept]`,
    );
    expect([where, wrong, hit, kept, elsewhere, dialogs, alice.errors]).toEqual([
      where,
      [],
      undefined,
      [],
      [],
      [],
      [],
    ]);
  }

  async function goTo(hash: string, selector: string): Promise<void> {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await page.locator(selector).first().waitFor();
  }

  test("is taken by the server, and comes under a policy that lets nothing of it run", () => {
    expect(refused).toEqual([]);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
    expect(policy).toContain("object-src 'none'");
    expect(policy).not.toMatch(/script-src[^;]*unsafe-inline|unsafe-eval'[^;]*unsafe-inline/);
  });

  test("is harmless in a conversation, from its end to its start", async () => {
    await goTo(`#/room/${encodeURIComponent(talk)}`, "weft-timeline .row");
    await page
      .getByRole("article", { name: /the end/ })
      .first()
      .waitFor();
    await isHarmless("the end of the conversation");
    await page.mouse.move(700, 400);
    await eventually(
      "the start of the conversation",
      async () => {
        await page.mouse.wheel(0, -600);
        await isHarmless("the conversation");
        return page.getByText("This is where the conversation begins.").isVisible();
      },
      { within: 240_000, every: 50 },
    );
  });

  test("is harmless as names of rooms and spaces, in every view of them", async () => {
    await goTo("#/", "weft-sidebar");
    await isHarmless("the list of rooms");
    for (const roomId of rooms.slice(1)) {
      await goTo(`#/room/${encodeURIComponent(roomId)}`, "weft-room, weft-space-overview");
      await page.getByRole("heading", { level: 1 }).first().waitFor();
      await isHarmless(`room ${rooms.indexOf(roomId)}`);
    }
    await goTo("#/directory", "weft-directory");
    await page.getByRole("heading", { name: "Public rooms" }).waitFor();
    await isHarmless("the directory");
    await goTo(`#/room-settings/${encodeURIComponent(talk)}/general`, "weft-room-settings");
    await isHarmless("settings of a room");
  });

  test("is harmless beside a conversation: in its files, pins and threads, and as names of people", async () => {
    await goTo(`#/room/${encodeURIComponent(talk)}`, "weft-timeline .row");
    await page.getByRole("button", { name: /^People, / }).click();
    for (const tab of ["Files", "Pinned", "Threads", "About", "People"]) {
      await page.getByRole("tab", { name: tab }).click();
      await page.getByRole("tab", { name: tab, selected: true }).waitFor();
      await isHarmless(`the tab ${tab}`);
    }
    for (const roomId of rooms.slice(1, 2 + NAMES.length)) {
      await goTo(`#/room/${encodeURIComponent(roomId)}`, "weft-timeline .row");
      await page.locator("weft-member-list").getByRole("button").first().waitFor();
      await isHarmless("the people of a room");
    }
  });

  test("is harmless on the card of who sends it", async () => {
    const people = page.locator("weft-member-list");
    const card = page.locator("weft-member-card");
    if (!(await people.isVisible())) {
      await goTo(`#/room/${encodeURIComponent(talk)}`, "weft-timeline .row");
      await page.getByRole("button", { name: /^People, / }).click();
    }
    await eve.call("PUT", `/presence/${eve.userId}/status`, {
      presence: "online",
      status_msg: `${NAMES[5]} ${NAMES[1]}`,
    });
    await people.getByText("holidaygpj.exe <img").waitFor();
    for (const roomId of rooms.slice(1, 2 + NAMES.length)) {
      await goTo(`#/room/${encodeURIComponent(roomId)}`, "weft-timeline .row");
      await people.getByTitle(eve.userId).first().click();
      await card.getByText(eve.userId).waitFor();
      await isHarmless("the card of a member");
      await page.keyboard.press("Escape");
      await card.waitFor({ state: "detached" });
    }
  });

  test("is harmless among what a search finds, which hides what messages hide", async () => {
    const html = "seek <b>it</b> <span data-mx-spoiler>buried</span>";
    await send("m.room.message", {
      ...{ msgtype: "m.text", body: "seek **it** ||buried||" },
      ...{ format: "org.matrix.custom.html", formatted_body: html },
    });
    await goTo(`#/room/${encodeURIComponent(talk)}`, "weft-timeline .row");
    await page.getByRole("button", { name: "Search in this room" }).click();
    const search = page.locator("weft-search");
    const find = async (words: string): Promise<void> => {
      await search.getByRole("searchbox").fill(words);
      await search.getByRole("searchbox").press("Enter");
      await search
        .getByRole("status")
        .filter({ hasText: /message/ })
        .waitFor();
      await isHarmless(`what is found of ${words}`);
    };
    await eventually(
      "what was said is found",
      async () => {
        await search.getByRole("searchbox").fill("seek");
        await search.getByRole("searchbox").press("Enter");
        return search.getByText("seek it ▒▒▒▒").isVisible();
      },
      { every: 500 },
    );
    expect(await search.locator("ul").innerText()).not.toMatch(/buried|\*\*|<b>/);
    for (const words of ["html", "words", "turned", "line", "here"]) await find(words);
    await search.getByLabel("All rooms").check();
    await find("end");
  });

  test("is harmless in the notes that the browser is given to show", async () => {
    await page.addInitScript(NOTES);
    await page.reload();
    await page.locator("weft-room-link").first().waitFor();
    const wanted = "a note \u202Efdp\u2066 <b>of</b>\n\u200bit";
    for (const roomId of rooms.slice(0, 2 + NAMES.length)) await eve.send(roomId, wanted);
    const hidden = "<span data-mx-spoiler>buried</span> ".repeat(50);
    await send("m.room.message", {
      ...{ msgtype: "m.text", body: "||buried||" },
      ...{ format: "org.matrix.custom.html", formatted_body: hidden },
    });
    const shown = () =>
      page.evaluate<{ title: string; body: string; tag: string }[]>("window.shownNotes");
    await eventually("there is a note of each room, and of what is hidden", async () => {
      const notes = await shown();
      const told = new Set(
        notes.filter(({ body }) => body.includes("a note")).map(({ tag }) => tag),
      );
      return told.size >= 1 + NAMES.length && notes.some(({ body }) => body.includes("▒▒▒▒"));
    });
    for (const { title, body } of await shown()) {
      expect(title.trim()).not.toBe("");
      expect([title.length < 300, body.length < 700, body.includes("buried")]).toEqual([
        true,
        true,
        false,
      ]);
      expect(title + body).not.toMatch(/[\u202A-\u202E\u2066-\u2069\u200b\n]/);
    }
    await isHarmless("the page that gives them");
  });

  test("is harmless in the administration", async () => {
    await goTo("#/admin", "weft-admin");
    const parts = page.getByRole("navigation", { name: "Administration" }).getByRole("link");
    const sections = (await parts.allInnerTexts()).map((name) => name.trim());
    for (const known of ["Overview", "Federation", "Configuration", "Server notices", "Reports"]) {
      expect(sections).toContain(known);
    }
    for (const section of sections.filter((name) => !name.startsWith("Back"))) {
      await admin.goTo(page, section);
      await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
      await isHarmless(section);
    }
    for (const roomId of rooms.slice(0, 5)) {
      await goTo(`#/admin/rooms/${encodeURIComponent(roomId)}`, "weft-admin-room");
      await page.getByText(roomId).first().waitFor();
      await isHarmless("a room in the administration");
    }
    await goTo(`#/admin/users/${encodeURIComponent(eve.userId)}`, "weft-admin-user");
    await page.getByText(eve.userId).first().waitFor();
    await page.locator("weft-admin-user").getByRole("heading", { name: "holidaygpj" }).waitFor();
    await isHarmless("a user in the administration");
    await admin.goTo(page, "Reports");
    await page.locator("weft-admin-list").getByRole("link").first().click();
    await page.getByRole("heading", { level: 2 }).first().waitFor();
    await isHarmless("a report");
  });
});

async function upload(server: TestServer, by: TestUser): Promise<string> {
  const response = await fetch(`${server.baseUrl}/_matrix/media/v3/upload?filename=x.html`, {
    method: "POST",
    headers: { authorization: `Bearer ${by.token}`, "content-type": "text/html" },
    body: "<script>window.hit=1</script>",
  });
  return ((await response.json()) as { content_uri: string }).content_uri;
}
