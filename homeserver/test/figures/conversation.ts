import type { Page } from "playwright-core";
import * as chat from "../../../web-client/e2e/conversation.ts";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { startWeft } from "../peers/support/process.ts";
import { register } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { enter, type Figure, freshPage, type Measure, median } from "./figure.ts";

const PER_SECOND = 50;
/** Tasks of the page that take longer than 50 ms. */
const TASKS = `
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: "longtask" });
`;
/** The longest that a page which does nothing had to wait for its next frame: what the machine does to everybody. */
const IDLE = `
  window.longest = 0;
  let last = performance.now();
  const tick = (now) => { window.longest = Math.max(window.longest, now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
`;

/** A conversation across two servers; a busy room; and what is said when the server goes. */
export const conversation: Measure = async (bench) => {
  const there = await startWeft(bench.network, { name: "there" });
  const ann = await freshPage(bench.browser);
  const ben = await freshPage(bench.browser);
  try {
    await chat.register(ann.page, {
      baseUrl: bench.weft.baseUrl,
      username: "ann",
      password: "Ann-Secret-12",
    });
    await chat.register(ben.page, {
      baseUrl: there.baseUrl,
      username: "ben",
      password: "Ben-Secret-12",
    });
    await Promise.all([ann.page, ben.page].map(putOff));
    await chat.createRoom(ann.page, { name: "Across", isEncrypted: false });
    await chat.invite(ann.page, `@ben:${there.serverName}`);
    await chat.acceptInvite(ben.page, "Across");
    const across = await typedToSeen(ann.page, ben.page);
    const busy = await busyRoom(bench);
    await bench.weft.stop();
    const start = performance.now();
    await ann.page.getByText("No connection.").waitFor();
    const told = performance.now() - start;
    await bench.weft.start();
    return [
      { what: "typed to seen on the other server", value: median(across), goal: 100, unit: "ms" },
      ...busy,
      { what: "until the page says that the server is gone", value: told, goal: 1000, unit: "ms" },
    ];
  } finally {
    await ann.context.close();
    await ben.context.close();
    await there.stop();
  }
};

async function typedToSeen(from: Page, to: Page): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    const text = `turn ${turn}, as it was typed`;
    const seen = to.evaluate<number>(`new Promise((resolve) => {
      const look = () => {
        const timeline = ["weft-shell", "weft-room", "weft-timeline"].reduce(
          (node, name) => node?.shadowRoot?.querySelector(name), document.querySelector("weft-app"));
        const rows = [...timeline.shadowRoot.querySelectorAll(".row")];
        if (rows.some((row) => row.getAttribute("aria-label").endsWith(${JSON.stringify(text)}))) resolve(Date.now());
        else requestAnimationFrame(look);
      };
      look();
    })`);
    await chat.composer(from).fill(text);
    const typed = await from.evaluate<number>("Date.now()");
    await chat.composer(from).press("Enter");
    times.push((await seen) - typed);
  }
  return times;
}

/** A room that is looked at while others talk in it. */
async function busyRoom({ weft, browser, isQuick }: Parameters<Measure>[0]): Promise<Figure[]> {
  const reader = await register(weft, "reader");
  const talker = await register(weft, "talker");
  const { room_id: roomId } = await talker.call("POST", "/createRoom", {
    name: "Busy",
    preset: "public_chat",
  });
  await reader.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  const { context, page } = await freshPage(browser);
  const { context: other, page: idle } = await freshPage(browser);
  await enter(page, weft.baseUrl, reader);
  await page.goto(`${weft.baseUrl}/#/room/${encodeURIComponent(roomId)}`);
  await putOff(page);
  await idle.goto("about:blank");
  await idle.evaluate(IDLE);
  await page.evaluate(TASKS);
  const count = PER_SECOND * (isQuick ? 3 : 20);
  const sends: Promise<unknown>[] = [];
  const start = performance.now();
  await eventually(
    "all was sent",
    () => {
      const due = Math.min(count, Math.floor(((performance.now() - start) / 1000) * PER_SECOND));
      while (sends.length < due) sends.push(talker.send(roomId, `busy ${sends.length} words`));
      return sends.length === count;
    },
    { every: 5 },
  );
  await Promise.all(sends);
  await page.getByRole("article", { name: `busy ${count - 1} ` }).waitFor();
  const tasks = await page.evaluate<number[]>("window.tasks");
  const machine = await idle.evaluate<number>("window.longest");
  await context.close();
  await other.close();
  const note = `${tasks.length} above 50 ms; an idle page waited as long as ${machine.toFixed(0)} ms`;
  const value = Math.max(0, ...tasks);
  return [
    { what: "longest task while 50 messages a second arrive", value, goal: 50, unit: "ms", note },
  ];
}
