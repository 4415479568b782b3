import type { Page } from "playwright-core";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import {
  type Bench,
  enter,
  type Figure,
  freshPage,
  type Measure,
  median,
  painted,
  paintedAfter,
  slow,
} from "./figure.ts";

/** As many rooms as the list draws before one scrolls in it. */
const DRAWN = 60;
const MESSAGES = 5;
/** Rooms that are made at the same time. */
const AT_ONCE = 10;
const LAST = `words ${MESSAGES - 1} of`;

/** In the page: what one sees of the list is there, each room with its last words. */
const SEEN = `(() => {
  const list = at(document.querySelector("weft-app"), "weft-shell", "weft-sidebar", "weft-room-list");
  const links = [...list?.shadowRoot?.querySelectorAll("weft-room-link") ?? []]
    .filter((link) => link.getBoundingClientRect().top < innerHeight);
  const last = links.at(-1)?.getBoundingClientRect();
  return last?.bottom >= innerHeight - last?.height &&
    links.every((link) => link.shadowRoot?.querySelector(".preview")?.textContent.includes("${LAST}"));
})()`;

/** In the page: every room is in the list, and what it draws of them has each room's last words. */
const listed = (rooms: number): string => `(() => {
  const shell = at(document.querySelector("weft-app"), "weft-shell");
  if (shell?.client?.store.$list.get().length !== ${rooms}) return false;
  const links = [...at(shell, "weft-sidebar", "weft-room-list")?.shadowRoot?.querySelectorAll("weft-room-link") ?? []];
  return links.length >= ${Math.min(DRAWN, rooms)} &&
    links.every((link) => link.shadowRoot?.querySelector(".preview")?.textContent.includes("${LAST}"));
})()`;

async function inRooms(bench: Bench, username: string, rooms: number): Promise<TestUser> {
  const user = await register(bench.weft, username);
  const make = async (at: number): Promise<void> => {
    const { room_id: roomId } = await user.call("POST", "/createRoom", { name: `Room ${at}` });
    for (let count = 0; count < MESSAGES; count += 1) {
      await user.send(roomId, `words ${count} of room ${at}`);
    }
  };
  for (let at = 0; at < rooms; at += AT_ONCE) {
    const next = Array.from({ length: Math.min(AT_ONCE, rooms - at) }, (_, step) => at + step);
    await Promise.all(next.map(make));
  }
  return user;
}

/** Lists of rooms, cold and warm, and rooms that are opened from them. */
export const lists: Measure = async (bench) => {
  const share = bench.isQuick ? 0.1 : 1;
  const [few, many] = [300 * share, 1000 * share];
  const some = await inRooms(bench, "some", few);
  const busy = await inRooms(bench, "many", many);
  return [
    await cold(bench, some, few, false),
    await cold(bench, some, few, true),
    ...(await warm(bench, busy, many)),
  ];
};

/** When all rooms are there, by the page's clock. */
const whenListed = (page: Page, rooms: number): Promise<number> =>
  page.evaluate<number>(`new Promise((resolve) => {
    const at = (root, ...path) => path.reduce((node, name) => node?.shadowRoot?.querySelector(name), root);
    const look = () => ${listed(rooms)} ? resolve(performance.now()) : requestAnimationFrame(look);
    look();
  })`);

/** In a browser that knows who is signed in and nothing else. */
async function cold(bench: Bench, user: TestUser, rooms: number, isSlow: boolean): Promise<Figure> {
  const times: number[] = [];
  const wholes: number[] = [];
  for (let run = 0; run < (bench.isQuick || isSlow ? 1 : 5); run += 1) {
    const { context, page } = await freshPage(bench.browser);
    await enter(page, bench.weft.baseUrl, user);
    if (isSlow) await slow(page);
    times.push(await paintedAfter(page, bench.weft.baseUrl, SEEN));
    wholes.push(await whenListed(page, rooms));
    await context.close();
  }
  const what = `${rooms} rooms cold${isSlow ? ", slow 3G" : ""}`;
  const note = `the list is seen; all of them after ${median(wholes).toFixed(0)} ms`;
  return { what, value: median(times), goal: isSlow ? 6000 : 1000, unit: "ms", note };
}

/** In a browser that has kept the rooms. */
async function warm(bench: Bench, user: TestUser, rooms: number): Promise<Figure[]> {
  const { context, page } = await freshPage(bench.browser);
  await enter(page, bench.weft.baseUrl, user);
  await paintedAfter(page, bench.weft.baseUrl, listed(rooms));
  await putOff(page);
  await eventually("all rooms are kept", async () => (await kept(page, user)) === rooms);
  const times: number[] = [];
  for (let run = 0; run < (bench.isQuick ? 1 : 7); run += 1) {
    await page.goto("about:blank");
    await page.goto(bench.weft.baseUrl);
    times.push(await painted(page));
  }
  const opened = await openings(page);
  await context.close();
  return [
    { what: `${rooms} rooms warm`, value: median(times), goal: 300, unit: "ms" },
    { what: "opening a room, warm", value: median(opened), goal: 50, unit: "ms" },
  ];
}

/** How many rooms the browser has on its disk. */
function kept(page: Page, { userId, deviceId }: TestUser): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve, reject) => {
    const open = indexedDB.open("weft ${userId} ${deviceId}");
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const count = open.result.transaction("rooms").objectStore("rooms").count();
      count.onsuccess = () => { open.result.close(); resolve(count.result); };
    };
  })`);
}

/** Milliseconds from a press on a room's link until its last message was painted, for rooms that were open before. */
function openings(page: Page): Promise<number[]> {
  return page.evaluate<number[]>(`(async () => {
    const at = (root, ...path) => path.reduce((node, name) => node?.shadowRoot?.querySelector(name), root);
    const app = document.querySelector("weft-app");
    const shown = (words) => new Promise((resolve) => {
      const look = () => {
        const timeline = at(app, "weft-shell", "weft-room", "weft-timeline");
        const rows = [...timeline?.shadowRoot?.querySelectorAll(".row") ?? []];
        if (!rows.some((row) => row.getAttribute("aria-label").endsWith(words))) return requestAnimationFrame(look);
        // What is posted before a frame is drawn comes after it.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now());
        port2.postMessage(undefined);
      };
      requestAnimationFrame(look);
    });
    const list = at(app, "weft-shell", "weft-sidebar", "weft-room-list").shadowRoot;
    const links = [...list.querySelectorAll("weft-room-link")].slice(0, 8);
    const times = [];
    for (const round of [0, 1]) for (const link of links) {
      const words = /words \\d+ of room \\d+/.exec(link.shadowRoot.querySelector(".preview").textContent)[0];
      const start = performance.now();
      link.shadowRoot.querySelector("a").click();
      const time = (await shown(words)) - start;
      if (round === 1) times.push(time);
    }
    return times;
  })()`);
}
