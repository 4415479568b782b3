/** What lies far from the reader is let go of while pages come: nothing that is read moves. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { page } from "vitest/browser";
import { eventually } from "../unit/eventually.ts";
import { article, openRoom } from "./open-room.ts";
import { ANN, ROOM, settled } from "./support.ts";
import { lineInSight, watchLine, watchShifts } from "./watching.ts";

beforeEach(async () => {
  await page.viewport(1000, 700);
});

describe.each([
  ["a browser that keeps what is in sight where it is", true],
  ["a browser that leaves that to the page", false],
])("more than is held, in %s,", (_, anchors) => {
  const SIZE = 800;
  /** Turns of a page each, so that the stretch is trimmed thrice or more. */
  const TURNS = 14;
  const said = (at: number) => ({
    event_id: `$past${at}`,
    type: "m.room.message",
    sender: ANN,
    origin_server_ts: Date.UTC(2026, 0, 1) + at * 1000,
    content: {
      msgtype: "m.text",
      body: `past ${at} ${"words ".repeat(1 + (Math.abs(at * 7) % 30))}`,
    },
  });
  const some = (from: number) => Array.from({ length: SIZE }, (_unused, at) => said(from + at));

  /** A room at a place in its past, or at its newest, and pages that come when they are let. */
  async function inRoom(isPast: boolean) {
    let gate = Promise.withResolvers<void>();
    let asked = 0;
    const wait = async (): Promise<void> => {
      asked += 1;
      await gate.promise;
    };
    const opened = await openRoom({
      "reading.context": () => ({
        event: said(0),
        events_before: some(-SIZE).toReversed(),
        events_after: some(1),
        start: `b${-SIZE}`,
        end: `f${SIZE + 1}`,
      }),
      "reading.messages": async (...[, token]: [string, string]) => {
        await wait();
        const from = Number(token.slice(1));
        return { chunk: some(from), end: `f${from + SIZE}` };
      },
      "rooms.messages": async (...[, token]: [string, string]) => {
        const isNewest = token === "p1";
        if (isNewest && isPast) return { chunk: [] };
        await wait();
        const to = isNewest ? 0 : Number(token.slice(1));
        return { chunk: some(to - SIZE).toReversed(), end: `b${to - SIZE}` };
      },
    });
    const timeline = opened.timeline();
    if (!anchors) {
      const style = document.createElement("style");
      style.textContent = ".scroller { overflow-anchor: none }";
      timeline.shadowRoot!.append(style);
      vi.spyOn(CSS, "supports").mockReturnValue(false);
    }
    if (isPast) {
      await timeline.goTo("$past0");
      await expect.element(article(/past 0 /)).toBeVisible();
    }
    const { record } = opened.client.store.room(ROOM)!;
    return {
      timeline,
      scroller: timeline.shadowRoot!.querySelector(".scroller")!,
      /** How high the space is that stands in for what was let go of. */
      filler: () => timeline.shadowRoot!.querySelector<HTMLElement>(".space")!.offsetHeight,
      /** Entries of the longest stretch. */
      held: () => Math.max(...[...record.stretches].map(({ entries }) => entries.length)),
      /** Waits until another page is wanted. */
      async wanted(): Promise<void> {
        await eventually(() => expect(asked).toBeGreaterThan(0));
        await settled();
      },
      /** Lets the page come that is on its way; the next one waits again. */
      come(): void {
        const { resolve } = gate;
        gate = Promise.withResolvers();
        asked = 0;
        resolve();
      },
    };
  }

  type InRoom = Awaited<ReturnType<typeof inRoom>>;

  /** Goes to such a place in what is loaded, from which another page is wanted. */
  async function stand({ scroller, wanted }: InRoom, to: (scroller: Element) => number) {
    scroller.scrollTop = to(scroller);
    await wanted();
    // Lines that are drawn there are as high as they are, and not as was thought.
    scroller.scrollTop = to(scroller);
    await settled();
  }

  /** Has a page come, in the very frame in which the reader scrolls on by so much. Answers whether something was let go of. */
  async function scrollOn({ scroller, held, come }: InRoom, by: number): Promise<boolean> {
    const before = held();
    requestAnimationFrame(() => {
      scroller.scrollTop += by;
      come();
    });
    await eventually(() => expect(held()).not.toBe(before));
    await settled();
    return held() < before;
  }

  /** Scrolls on from such places, in turns of a page each, with no line that jumps. */
  async function scrollThrough(to: (scroller: Element) => number, by: number): Promise<InRoom> {
    const room = await inRoom(true);
    let [trims, jumped] = [0, 0];
    for (let turn = 0; turn < TURNS; turn++) {
      await stand(room, to);
      const shifts = watchShifts();
      if (await scrollOn(room, by)) trims += 1;
      jumped += shifts.sum();
    }
    expect(trims).toBeGreaterThanOrEqual(3);
    expect(jumped).toBeLessThan(0.05);
    return room;
  }

  /** Reads on from such a place in what is loaded, in turns of a page each, and sees that it is trimmed so often. */
  async function readOn(
    to: (scroller: Element) => number,
    { turns = TURNS, atLeast = 3, isPast = true } = {},
  ): Promise<void> {
    const room = await inRoom(isPast);
    const { timeline, held } = room;
    let trims = 0;
    for (let turn = 0; turn < turns; turn++) {
      await stand(room, to);
      const before = held();
      const line = watchLine(timeline);
      room.come();
      await eventually(() => expect(held()).not.toBe(before));
      expect(await line.strayed(), `${turn}: ${line.label}`).toEqual([]);
      if (held() < before) trims += 1;
      expect(held()).toBeLessThanOrEqual(6000);
    }
    expect(trims).toBeGreaterThanOrEqual(atLeast);
  }

  afterEach(() => {
    vi.restoreAllMocks();
  });

  const nearEnd = (scroller: Element): number =>
    scroller.scrollHeight - scroller.clientHeight - 900;

  // The other browsers count nothing of the kind.
  describe.runIf(anchors)("when it is scrolled through while pages come,", () => {
    test("has no line jump on the way on, and is as long as what is held once one rests", async () => {
      const { timeline, scroller, filler } = await scrollThrough(nearEnd, 300);
      const before = scroller.scrollHeight;
      const [line, shifts, high] = [watchLine(timeline), watchShifts(), filler()];
      expect(high).toBeGreaterThan(50_000);
      await eventually(() => expect(filler()).toBe(0));
      expect(await line.strayed()).toEqual([]);
      expect(shifts.sum()).toBeLessThan(0.05);
      expect(Math.abs(before - scroller.scrollHeight - high)).toBeLessThan(2000);
    });

    test("has no line jump on the way back", () => scrollThrough(() => 1200, -300));
  });

  /** Reads on until something was let go of, and goes on moving. Answers what ends that. */
  async function letGo(room: InRoom): Promise<() => void> {
    const moving = setInterval(() => room.scroller.dispatchEvent(new Event("scroll")), 50);
    let isTrimmed = false;
    while (!isTrimmed) {
      await stand(room, nearEnd);
      isTrimmed = await scrollOn(room, 0);
    }
    return () => clearInterval(moving);
  }

  test("stays where it is for a reader who turns round", async () => {
    const room = await inRoom(true);
    const rests = await letGo(room);
    let left = room.filler();
    expect(left).toBeGreaterThan(50_000);
    for (let page = 0; page < 3; page++) {
      await stand(room, () => room.filler() + 1500);
      const line = watchLine(room.timeline);
      await scrollOn(room, 0);
      expect(await line.strayed(), line.label!).toEqual([]);
      expect(room.filler()).toBeLessThan(Math.max(left - 10_000, 1));
      left = room.filler();
    }
    // A line or two has another height than when it was the first.
    expect(left).toBeLessThan(100);
    rests();
  });

  test("is not scrolled past its first line by a reader who turns round faster than pages come back", async () => {
    const room = await inRoom(true);
    const rests = await letGo(room);
    const label = () => room.timeline.shadowRoot!.querySelector(".row")!.ariaLabel!;
    room.scroller.scrollTop = 0;
    await room.wanted();
    const first = lineInSight(room.timeline);
    expect(first.before).toBeLessThan(window.innerHeight);
    expect(first.label).toBe(label());
    await expect.element(page.getByText("Fetching older messages…")).toBeVisible();
    rests();
  });

  test("is read on through without moving what is read", () => readOn(nearEnd));

  test("is read back through without moving what is read", () => readOn(() => 900));

  test("is read back through from the newest without moving what is read", () =>
    readOn(() => 900, { isPast: false }));

  test("is not passed by who waits at the end of what is loaded", () =>
    readOn((scroller) => scroller.scrollHeight, { turns: 4, atLeast: 0 }));
});
