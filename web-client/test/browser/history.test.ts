import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { eventually } from "../unit/eventually.ts";
import type { WeftTimeline } from "../../src/elements/timeline.ts";
import { article, field, openRoom } from "./open-room.ts";
import { ANN, expectAccessible, ROOM, settled } from "./support.ts";

beforeEach(async () => {
  await page.viewport(1000, 700);
});

/** A line that is being read, and how far it has moved since. */
function lineInSight(timeline: WeftTimeline) {
  const rows = () => [...timeline.shadowRoot!.querySelectorAll<HTMLElement>(".row")];
  const box = timeline.getBoundingClientRect();
  const top = (row: HTMLElement): number => row.getBoundingClientRect().top;
  const line = rows().find((row) => top(row) > box.top + 20)!;
  const [label, before] = [line.getAttribute("aria-label"), top(line)];
  const row = () => rows().find((one) => one.getAttribute("aria-label") === label);
  return {
    label,
    before,
    row,
    moved: (): number => {
      const now = row();
      return now === undefined ? Number.NaN : top(now) - before;
    },
  };
}

/**
 * Notes in every frame how far the line that is read has moved, as it is painted: observers of intersections are told the geometry
 * that the paint takes, after everything else of the frame.
 */
function watchLine(timeline: WeftTimeline) {
  const read = lineInSight(timeline);
  const moved: number[] = [];
  let isOver = false;
  const look = (): void => {
    if (isOver) return;
    const row = read.row();
    if (row === undefined) moved.push(Number.NaN);
    else {
      const seen = new IntersectionObserver(([entry]) => {
        moved.push(entry!.boundingClientRect.top - read.before);
        seen.disconnect();
      });
      seen.observe(row);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  return {
    label: read.label,
    /** Ends it. Answers the frames in which the line was elsewhere, or not there. */
    async strayed(): Promise<number[]> {
      await settled();
      await eventually(() => expect(moved.length).toBeGreaterThan(5));
      isOver = true;
      return moved.filter((by) => !(Math.abs(by) <= 1));
    },
  };
}

/** Chromium's own; TypeScript's library has no such type. */
type LayoutShift = PerformanceEntry & { readonly value: number };

/** Sums up how far lines jump that are in sight, as the browser counts it. */
function watchShifts() {
  let sum = 0;
  const take = (entries: PerformanceEntryList): void => {
    for (const entry of entries) sum += (entry as LayoutShift).value;
  };
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ type: "layout-shift" });
  return {
    /** Ends it. */
    sum(): number {
      take(observer.takeRecords());
      observer.disconnect();
      return sum;
    },
  };
}

describe("the way through history", () => {
  /** Pages of twenty older messages, five of them. */
  function history() {
    let pageNumber = 0;
    const events = (from: number) =>
      Array.from({ length: 20 }, (_, at) => ({
        event_id: `$old${from + at}`,
        type: "m.room.message",
        sender: ANN,
        origin_server_ts: Date.UTC(2026, 0, 4) - (from + at) * 60_000,
        content: {
          msgtype: "m.text",
          body: `old ${from + at} ${"words ".repeat((from + at) % 40)}`,
        },
      }));
    return {
      "rooms.messages": () => {
        pageNumber++;
        return {
          chunk: events(pageNumber * 20),
          ...(pageNumber < 5 ? { end: `p${pageNumber + 1}` } : {}),
        };
      },
    };
  }

  test("older messages are fetched without moving what is being read", async () => {
    const { timeline } = await openRoom(history(), 40);
    await eventually(() => expect(page.getByRole("article").elements().length).toBeGreaterThan(10));
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    const gap = (): number => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    await eventually(() => expect(gap()).toBeLessThan(3));
    for (let step = 0; step < 30; step++) {
      const rows = [...timeline().shadowRoot!.querySelectorAll<HTMLElement>(".row")];
      const held = rows.find((row) => row.getBoundingClientRect().top > 120)!;
      const [label, before] = [held.getAttribute("aria-label"), held.getBoundingClientRect().top];
      const room = Math.min(150, scroller.scrollTop);
      scroller.scrollTop -= room;
      await settled();
      const after = [...timeline().shadowRoot!.querySelectorAll<HTMLElement>(".row")].find(
        (row) => row.getAttribute("aria-label") === label,
      );
      if (room === 150)
        expect(Math.abs(after!.getBoundingClientRect().top - before - room)).toBeLessThan(6);
    }
    scroller.scrollTop = 0;
    await expect.element(page.getByText("This is where the conversation begins.")).toBeVisible();
  });

  test("who waits at the very beginning of what is loaded stays at the line that is read there", async () => {
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
    const { promise: come, resolve: comes } = Promise.withResolvers<void>();
    const pages = history();
    const { timeline } = await openRoom(
      {
        "rooms.messages": async () => {
          isAsked();
          await come;
          return pages["rooms.messages"]();
        },
      },
      40,
    );
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    const rows = () => [...timeline().shadowRoot!.querySelectorAll<HTMLElement>(".row")];
    await eventually(() => expect(rows().length).toBeGreaterThan(35));
    scroller.scrollTop = 0;
    await asked;
    await settled();
    const read = lineInSight(timeline());
    comes();
    await eventually(() => expect(scroller.scrollTop).toBeGreaterThan(100));
    await settled();
    expect(Math.abs(read.moved())).toBeLessThan(3);
  });

  test("the keyboard stays in the list when the line leaves the page that it was on", async () => {
    const { timeline } = await openRoom({}, 600);
    const root = timeline().shadowRoot!;
    const last = () => [...root.querySelectorAll<HTMLElement>(".row")].at(-1)!;
    await eventually(() => expect(last().getAttribute("aria-label")).toContain("message 599"));
    last().focus();
    const line = last();
    const scroller = root.querySelector(".scroller")!;
    scroller.scrollTop = 0;
    await eventually(() => expect(line.isConnected).toBe(false));
    expect(root.activeElement).toBe(scroller);
  });

  test("older messages that are on a server which does not answer can be asked for again", async () => {
    let isThere = false;
    await openRoom({
      "rooms.messages": (_room: string, from?: string) => {
        return isThere ? { chunk: [] } : { chunk: [], end: from ?? "p1" };
      },
    });
    const again = page.getByRole("button", { name: /could not be fetched/ });
    await expect.element(again).toBeVisible();
    await expectAccessible();
    isThere = true;
    await userEvent.click(again);
    await expect.element(page.getByText("This is where the conversation begins.")).toBeVisible();
  });

  test("a new message is followed at the end and only counted further up", async () => {
    const { timeline, bring, make } = await openRoom(history(), 40);
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    const gap = (): number => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    await bring({ timeline: { events: [make.message(ANN, "followed")] } });
    await eventually(() => expect(gap()).toBeLessThan(3));
    scroller.scrollTop -= 500;
    await settled();
    const read = lineInSight(timeline());
    await bring({ timeline: { events: [make.message(ANN, "counted")] } });
    expect(Math.abs(read.moved())).toBeLessThan(3);
    await userEvent.click(page.getByRole("button", { name: "1 new" }));
    await eventually(() => expect(gap()).toBeLessThan(3));
    await expect.element(article(/counted/)).toBeVisible();
  });

  test("what is fetched on from a place in the past is neither counted as new nor spoken", async () => {
    const said = (at: number) => ({
      event_id: `$past${at}`,
      type: "m.room.message",
      sender: ANN,
      origin_server_ts: Date.UTC(2026, 0, 1) + at * 60_000,
      content: { msgtype: "m.text", body: `past ${at} ${"words ".repeat(40)}` },
    });
    const some = (from: number) => Array.from({ length: 40 }, (_, at) => said(from + at));
    let from = 0;
    const { timeline, calls } = await openRoom({
      "reading.context": () => ({
        event: said(0),
        events_before: [],
        events_after: some(1),
        end: "f0",
      }),
      "reading.messages": () => ({ chunk: some((from += 40) + 1), end: `f${from}` }),
    });
    await timeline().goTo("$past0");
    await expect.element(article(/past 0 /)).toBeVisible();
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    await eventually(async () => {
      scroller.scrollTop += 500;
      await settled();
      expect(calls.filter(({ name }) => name === "reading.messages").length).toBeGreaterThan(2);
    });
    await expect.element(page.getByRole("button", { name: "Newest" })).toBeVisible();
    expect(timeline().shadowRoot!.querySelector(".live")!.textContent).toBe("");
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

    test("comes back where it stood, for who turns round", async () => {
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

    test("is not gone beyond by who turns round faster than it comes back", async () => {
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

  test("of thousands of lines some hundred are on the page", async () => {
    const { timeline } = await openRoom({}, 3000);
    const lines = (): number => timeline().shadowRoot!.querySelectorAll(".row").length;
    await eventually(() => expect(lines()).toBeGreaterThan(40));
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    expect(lines()).toBeLessThan(200);
    scroller.scrollTop = scroller.scrollHeight / 2;
    await eventually(() => {
      const shown = timeline().shadowRoot!.querySelectorAll(".row");
      const box = scroller.getBoundingClientRect();
      const seen = [...shown].filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return bottom > box.top && top < box.bottom;
      });
      expect(seen.length).toBeGreaterThan(5);
    });
    expect(lines()).toBeLessThan(260);
    await userEvent.click(page.getByRole("button", { name: "Newest" }));
    await expect.element(article(/message 2999/)).toBeVisible();
  });

  test("the newest message stays in sight when the room for it becomes smaller", async () => {
    const { timeline } = await openRoom(history(), 40);
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    const gap = (): number => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    await eventually(() => expect(gap()).toBeLessThan(3));
    const before = scroller.clientHeight;
    await userEvent.fill(field(), "one\ntwo\nthree\nfour\nfive\nsix");
    await eventually(() => expect(scroller.clientHeight).toBeLessThan(before - 40));
    await settled();
    expect(gap()).toBeLessThan(3);
    await page.viewport(700, 420);
    await settled();
    expect(gap()).toBeLessThan(3);
  });

  test("what is being read stays where it is, whatever grows above it or around", async () => {
    const { timeline, bring, make, said } = await openRoom(history(), 120);
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    const rows = () => [...timeline().shadowRoot!.querySelectorAll<HTMLElement>(".row")];
    await eventually(() => expect(rows().length).toBeGreaterThan(60));
    scroller.scrollTop -= 700;
    await settled();
    const read = lineInSight(timeline());
    // Reactions make messages higher that stand above what is in sight.
    const edge = scroller.getBoundingClientRect().top;
    const above = rows().findIndex((row) => row.getBoundingClientRect().bottom > edge) - 1;
    const names = rows()
      .slice(Math.max(0, above - 8), above)
      .map((row) => /message (\d+)/.exec(row.getAttribute("aria-label") ?? "")?.[1]);
    const events = names.flatMap((name) =>
      name === undefined ? [] : [make.reaction(ANN, said[Number(name)]!.event_id, "👍")],
    );
    expect(events.length).toBeGreaterThan(3);
    const heightBefore = scroller.scrollHeight;
    await bring({ timeline: { events } });
    expect(scroller.scrollHeight).toBeGreaterThan(heightBefore + 60);
    expect(Math.abs(read.moved())).toBeLessThan(3);
    // Something grows by itself, as a picture does.
    const one = rows()[Math.max(0, above - 3)]!;
    one.style.paddingBottom = "180px";
    await settled();
    expect(Math.abs(read.moved())).toBeLessThan(3);
    // A notice comes in above the conversation, and the composer grows below it.
    timeline().style.marginTop = "48px";
    await settled();
    expect(Math.abs(read.moved())).toBeLessThan(3);
    await userEvent.fill(field(), "one\ntwo\nthree\nfour\nfive\nsix");
    await settled();
    expect(Math.abs(read.moved())).toBeLessThan(3);
  });

  test("when the line that is read is gone, the next one stays where it is", async () => {
    const { timeline, bring, make } = await openRoom(history(), 60);
    const topic = make.state("m.room.topic", ANN, { topic: "Looms" });
    const more = Array.from({ length: 30 }, (_, at) => make.message(ANN, `later ${at}`));
    await bring({ timeline: { events: [topic, ...more] } });
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    const rows = () => [...timeline().shadowRoot!.querySelectorAll<HTMLElement>(".row")];
    const below = (row: HTMLElement): number =>
      row.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    const named = (name: string) =>
      rows().find((row) => row.getAttribute("aria-label")!.includes(name));
    await eventually(() => expect(named("Looms")).toBeDefined());
    scroller.scrollTop += below(named("Looms")!) - 5;
    await settled();
    const next = rows()[rows().indexOf(named("Looms")!) + 1]!;
    const [label, before] = [next.getAttribute("aria-label"), below(next)];
    await bring({ timeline: { events: [make.redaction(ANN, topic.event_id)] } });
    await eventually(() => expect(named("Looms")).toBeUndefined());
    await settled();
    const now = rows().find((row) => row.getAttribute("aria-label") === label);
    expect(Math.abs(below(now!) - before)).toBeLessThanOrEqual(1);
  });

  test("what has been in sight is marked as read", async () => {
    const { calls, bring, make } = await openRoom();
    window.focus();
    const last = make.message(ANN, "newest");
    await bring({ timeline: { events: [last] }, unread_notifications: { notification_count: 1 } });
    if (document.hasFocus()) {
      await eventually(() =>
        expect(calls.filter(({ name }) => name === "rooms.markRead").at(-1)?.args[1]).toBe(
          last.event_id,
        ),
      );
    }
  });
});
