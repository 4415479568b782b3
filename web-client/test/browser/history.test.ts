import { beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { eventually } from "../unit/eventually.ts";
import { article, field, openRoom } from "./open-room.ts";
import { ANN, expectAccessible, settled } from "./support.ts";
import { lineInSight } from "./watching.ts";

beforeEach(async () => {
  await page.viewport(1000, 700);
});

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
