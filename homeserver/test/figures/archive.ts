import type { CDPSession, Locator, Page } from "playwright-core";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { registrationFolder, registrationText, serviceClient } from "../appservice/support.ts";
import { startWeft, type WeftProcess } from "../peers/support/process.ts";
import { register, type TestUser } from "../support/user.ts";
import { enter, type Figure, freshPage, type Measure } from "./figure.ts";
import { scrolled, WATCH, wheel, words } from "./scrolling.ts";

/** Requests that fill the room at the same time. */
const AT_ONCE = 64;
const DAYS = 100;
const DAY_MS = 86_400_000;
/** Milliseconds that a place is watched after it was gone to. */
const WATCHED_MS = 1500;
const NEEDLE = "quincunx";

interface Archive {
  readonly reader: TestUser;
  readonly roomId: string;
  readonly first: string;
  /** A day amid the messages, as a date field takes it, and the first message of it. */
  readonly day: { readonly value: string; readonly first: number };
}

const dateOf = (ts: number): string => new Date(ts).toLocaleDateString("sv");

/** A room that a bridge has filled with what was said in the last hundred days. */
async function fill(weft: WeftProcess, count: number): Promise<Archive> {
  const reader = await register(weft, "reader");
  const service = serviceClient(weft, "as-token");
  const { room_id: roomId } = await service.call("POST", "/createRoom", {
    name: "Archive",
    preset: "public_chat",
  });
  const room = encodeURIComponent(roomId);
  const start = new Date(Date.now() - DAYS * DAY_MS).setHours(12, 0, 0, 0);
  const timeOf = (at: number): number => start + Math.floor((at / count) * (DAYS - 1) * DAY_MS);
  const say = async (at: number): Promise<string> => {
    const body = at === Math.floor(count / 3) ? `${words(at)} ${NEEDLE}` : words(at);
    const path = `/rooms/${room}/send/m.room.message/a${at}`;
    const content = { msgtype: "m.text", body };
    return (await service.call("PUT", path, content, { query: { ts: timeOf(at) } })).event_id;
  };
  const first = await say(0);
  // As one after another, but for those of one moment, which come in any order.
  for (let at = 1; at < count; at += AT_ONCE) {
    const next = Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, step) => at + step);
    await Promise.all(next.map(say));
  }
  await reader.call("POST", `/join/${room}`, {});
  const value = dateOf(timeOf(Math.floor(count / 2)));
  let at = Math.floor(count / 2);
  while (at > 0 && dateOf(timeOf(at - 1)) === value) at -= 1;
  return { reader, roomId, first, day: { value, first: at } };
}

/** In the page: how far the line of a message is from where it was painted first, at most, once it has been. */
const arrivedAt = (at: number): string => `new Promise((resolve) => {
  const line = () => [...scroller().querySelectorAll(".row")].find((row) => /message ${at}\\b/.test(row.getAttribute("aria-label")));
  const inSight = (box) => box !== undefined && box.bottom > 0 && box.top < innerHeight;
  const start = performance.now();
  const look = () => {
    const box = line()?.getBoundingClientRect();
    if (!inSight(box)) return requestAnimationFrame(look);
    const arrived = performance.now();
    let moved = 0;
    const watch = () => {
      const now = line()?.getBoundingClientRect();
      moved = Math.max(moved, now === undefined ? innerHeight : Math.abs(now.top - box.top));
      if (performance.now() - arrived < ${WATCHED_MS}) requestAnimationFrame(watch);
      else resolve({ took: arrived - start, moved });
    };
    requestAnimationFrame(watch);
  };
  look();
})`;

/** In the page: the reader has come to a message, or beyond it. */
const isReached = (
  at: number,
  way: "<=" | ">=",
): string => `[...scroller().querySelectorAll(".row")]
  .some((row) => Number(/message (\\d+)/.exec(row.getAttribute("aria-label"))?.[1] ?? NaN) ${way} ${at})`;

interface Arrival {
  readonly took: number;
  readonly moved: number;
}

/** Goes somewhere, and sees how long it takes to the line of a message, and whether that stays. */
async function going(page: Page, go: () => Promise<unknown>, at: number): Promise<Arrival> {
  const [arrival] = await Promise.all([page.evaluate<Arrival>(arrivedAt(at)), go()]);
  return arrival;
}

const toDay = async (page: Page, day: string): Promise<Locator> => {
  await page.getByRole("button", { name: "Room menu" }).click();
  await page.getByRole("menuitem", { name: "Go to a date" }).click();
  const dialog = page.locator("weft-dialog");
  await dialog.getByLabel("Day").fill(day);
  return dialog.getByRole("button", { name: "Go there" });
};

/** Finds a message by a word that is in it alone. Answers the milliseconds to it, and what leads there. */
async function search(page: Page): Promise<{ took: number; hit: Locator }> {
  await page.getByRole("button", { name: "Search in this room" }).click();
  const panel = page.locator("weft-room-panel");
  await panel.getByRole("searchbox").fill(NEEDLE);
  const start = performance.now();
  await panel.getByRole("searchbox").press("Enter");
  const hit = panel.getByRole("button", { name: new RegExp(NEEDLE) }).first();
  await hit.waitFor();
  return { took: performance.now() - start, hit };
}

/** Counts the elements of the page, through all shadow roots. */
const ELEMENTS = `(function count(root) {
  const all = [...root.querySelectorAll("*")];
  return all.reduce((sum, { shadowRoot }) => sum + (shadowRoot ? count(shadowRoot) : 0), all.length);
})(document)`;

interface Weight {
  /** Of scripts' memory. */
  readonly megabytes: number;
  readonly elements: number;
}

/** What the page holds once its garbage is gone: megabytes of scripts' memory, and elements. */
async function weigh(page: Page, devTools: CDPSession): Promise<Weight> {
  await devTools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devTools.send("Runtime.getHeapUsage");
  return { megabytes: usedSize / 1e6, elements: await page.evaluate<number>(ELEMENTS) };
}

async function visit(page: Page, archive: Archive, count: number, far: number): Promise<Figure[]> {
  const { roomId, first, day } = archive;
  const devTools = await page.context().newCDPSession(page);
  const address = `#/room/${encodeURIComponent(roomId)}`;
  const last = count - 1;
  const article = (at: number) => page.getByRole("article", { name: `message ${at} ` }).first();
  await article(last).waitFor();
  await page.evaluate(WATCH);
  const before = await weigh(page, devTools);
  const back = await wheel(page, -400, isReached(count - far, "<="));
  const toFirst = await going(
    page,
    () => page.evaluate(`void (location.hash = "${address}/${encodeURIComponent(first)}")`),
    0,
  );
  const on = await wheel(page, 400, isReached(far, ">="));
  const there = await toDay(page, day.value);
  const toDate = await going(page, () => there.click(), day.first);
  const newest = page.getByRole("button", { name: /Newest/ });
  const toNewest = await going(page, () => newest.click(), last);
  const { took, hit } = await search(page);
  const toFound = await going(page, () => hit.click(), Math.floor(count / 3));
  await page.locator("weft-room-panel").getByRole("button", { name: "Close" }).click();
  await page.locator("weft-room-panel").waitFor({ state: "detached" });
  const after = await weigh(page, devTools);
  const ways = [toFirst, toDate, toNewest, toFound];
  const all = `${count} messages`;
  return [
    ...scrolled(`in ${all} back`, back, `${far} of them`),
    ...scrolled(`in ${all} on from the first`, on, `${far} of them`),
    { what: `to the first of ${all} by its link`, value: toFirst.took, goal: 500, unit: "ms" },
    { what: `to a day in ${all}`, value: toDate.took, goal: 500, unit: "ms" },
    { what: `back to the newest of ${all}`, value: toNewest.took, goal: 500, unit: "ms" },
    { what: `one of ${all} found by a word`, value: took, goal: 500, unit: "ms" },
    { what: `to what was found in ${all}`, value: toFound.took, goal: 500, unit: "ms" },
    {
      what: "how far what was gone to moved afterwards, at most",
      value: Math.max(...ways.map(({ moved }) => moved)),
      goal: 1.5,
      unit: "px",
    },
    { what: "memory of the page before that", value: before.megabytes, goal: 50, unit: "MB" },
    { what: "memory of the page after all that", value: after.megabytes, goal: 100, unit: "MB" },
    { what: "elements on the page after all that", value: after.elements, goal: 5_000, unit: "" },
  ];
}

/** Through a room of very many messages: by the wheel, by a link, by a date, by a search, and back. */
export const archive: Measure = async ({ network, browser, isQuick }) => {
  const count = isQuick ? 1500 : 100_000;
  const folder = registrationFolder({ bridge: registrationText({ url: null }) });
  const weft = await startWeft(network, {
    name: "archive",
    settings: { WEFT_APPSERVICES: folder.folder },
  });
  const { context, page } = await freshPage(browser);
  try {
    const filled = await fill(weft, count);
    await enter(page, weft.baseUrl, filled.reader);
    await page.goto(`${weft.baseUrl}/#/room/${encodeURIComponent(filled.roomId)}`);
    await putOff(page);
    return await visit(page, filled, count, isQuick ? 500 : 12_000);
  } finally {
    await context.close();
    await weft.stop();
    folder.close();
  }
};
