import type { Browser, Page, Request } from "playwright-core";
import {
  acceptInvite,
  openRoom,
  sendMessage,
  waitForMessage,
} from "../../../web-client/e2e/conversation.ts";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import type { User } from "../../harness/users.ts";

/** More than come first, and than come second. */
const ROOMS = 110;
const AT_ONCE = 10;
const SLIDING = "org.matrix.simplified_msc3575/sync";

interface Person {
  readonly page: Page;
  /** The syncs that the page asked for. */
  readonly syncs: URL[];
}

/** Opens the web client for somebody who is signed in. */
async function opened(browser: Browser, url: string, user: User): Promise<Person> {
  const context = await browser.newContext({ locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const syncs: URL[] = [];
  page.on("request", (asked: Request) => {
    const address = new URL(asked.url());
    if (address.pathname.endsWith("/sync")) syncs.push(address);
  });
  const { userId, deviceId, accessToken } = user;
  const session = JSON.stringify({ baseUrl: "", userId, deviceId, accessToken });
  await page.goto(`${url}/_matrix/client/versions`);
  await page.evaluate(`localStorage.setItem("weft.session", ${JSON.stringify(session)})`);
  await page.goto(url);
  await putOff(page);
  return { page, syncs };
}

/** The entry of a room in the list. */
const entry = (page: Page, name: string) =>
  page.locator("weft-room-link").filter({ has: page.getByText(name, { exact: true }) });

/** What it says is unread. */
const unread = (page: Page, name: string) => entry(page, name).locator(".count");

async function makeRooms(owner: User, other: User): Promise<string[]> {
  const rooms: string[] = [];
  for (let at = 0; at < ROOMS; at += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, async (_, step) => {
      const name = `Room ${at + step}`;
      const roomId = await owner.createRoom({ name, preset: "public_chat" });
      await other.join(roomId);
      return roomId;
    });
    rooms.push(...(await Promise.all(some)));
  }
  return rooms;
}

export interface Step {
  readonly name: string;
  run(): Promise<void>;
}

/** What two people do in the web client on a server that has sliding sync and no socket. */
export function story(browser: Browser, url: string, alice: User, bob: User): Step[] {
  let rooms: string[] = [];
  let at: Person;
  return [
    {
      name: "shows the newest rooms, then all of them, by sliding sync alone",
      async run() {
        rooms = await makeRooms(bob, alice);
        await bob.send(rooms[0]!, "the newest words");
        at = await opened(browser, url, alice);
        await at.page.getByText("the newest words").first().waitFor();
        const find = at.page.getByRole("searchbox", { name: "Find a room" });
        await find.fill("Room 1");
        await entry(at.page, "Room 1").waitFor();
        await find.fill("");
        const others = at.syncs.filter(({ pathname }) => !pathname.endsWith(SLIDING));
        if (others.length > 0) throw new Error(`it asked ${others[0]!.pathname}`);
      },
    },
    {
      name: "counts what is unread, which the server does not, until it is read",
      async run() {
        for (const words of ["none", "one", "two"]) await bob.send(rooms[5]!, words);
        await unread(at.page, "Room 5").filter({ hasText: /^3$/ }).waitFor();
        await openRoom(at.page, /^Room 5$/);
        await waitForMessage(at.page, "two");
        await unread(at.page, "Room 5").waitFor({ state: "detached" });
      },
    },
    {
      name: "sends, and takes an invitation",
      async run() {
        await sendMessage(at.page, "from the web client");
        await waitForMessage(at.page, "from the web client");
        const roomId = await bob.createRoom({ name: "By invitation", preset: "private_chat" });
        await bob.invite(roomId, alice.userId);
        await entry(at.page, "By invitation").waitFor();
        // What comes beside a room does not say that one is in it.
        const eventId = await bob.send(roomId, "before");
        const receipt = { roomId, receiptType: "m.read", eventId } as const;
        await bob.call("postReceipt", { path: receipt, body: {} });
        const typing = { typing: true, timeout: 20_000 };
        await bob.call("setTyping", { path: { roomId, userId: bob.userId }, body: typing });
        await bob.send(rooms[0]!, "the newest by now");
        await at.page.getByText("the newest by now").first().waitFor();
        await acceptInvite(at.page, "By invitation");
        await bob.send(roomId, "welcome");
        await waitForMessage(at.page, "welcome");
      },
    },
    {
      name: "holds an encrypted conversation",
      async run() {
        const other = await opened(browser, url, bob);
        const roomId = await bob.createRoom({ name: "Secret", preset: "private_chat" });
        await bob.setState(roomId, "m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
        await bob.invite(roomId, alice.userId);
        await acceptInvite(at.page, "Secret");
        await openRoom(other.page, "Secret");
        await sendMessage(other.page, "psst");
        await waitForMessage(at.page, "psst");
        await sendMessage(at.page, "heard");
        await waitForMessage(other.page, "heard");
        await other.page.context().close();
      },
    },
    {
      name: "goes on where it was when the page is opened again",
      async run() {
        // What is kept is written a moment after it changed.
        await at.page.goto("about:blank");
        await bob.send(rooms[7]!, "said meanwhile");
        at.syncs.length = 0;
        await at.page.goto(url);
        await at.page.getByText("said meanwhile").first().waitFor();
        if (at.syncs[0]?.searchParams.has("pos") !== true) throw new Error("it began anew");
      },
    },
    {
      name: "follows in two tabs, neither of which takes the answers from the other",
      async run() {
        const tab = await at.page.context().newPage();
        await tab.goto(url);
        await entry(tab, "Room 7").waitFor();
        at.syncs.length = 0;
        for (const words of ["to both", "once more", "to the end"]) {
          await bob.send(rooms[7]!, words);
          for (const page of [tab, at.page]) await page.getByText(words).first().waitFor();
        }
        if (at.syncs.some(({ searchParams }) => !searchParams.has("pos"))) {
          throw new Error("the first tab began anew");
        }
        await tab.close();
      },
    },
    {
      name: "tells who was put out of a room",
      async run() {
        const body = { user_id: alice.userId, reason: "a trial" };
        await bob.call("kick", { path: { roomId: rooms[7]! }, body });
        // It goes to the end of the list.
        await at.page.getByRole("searchbox", { name: "Find a room" }).fill("Room 7");
        await openRoom(at.page, /^Room 7$/);
        await at.page.getByText("a trial").first().waitFor();
      },
    },
  ];
}
