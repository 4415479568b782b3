import { beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { eventually } from "../unit/eventually.ts";
import { article, openRoom } from "./open-room.ts";
import { ANN, expectAccessible, settled } from "./support.ts";

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
    expect(page.getByRole("article").elements().length).toBeLessThan(70);
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
    const before = scroller.scrollTop;
    await bring({ timeline: { events: [make.message(ANN, "counted")] } });
    expect(Math.abs(scroller.scrollTop - before)).toBeLessThan(3);
    await userEvent.click(page.getByRole("button", { name: "1 new" }));
    await eventually(() => expect(gap()).toBeLessThan(3));
    await expect.element(article(/counted/)).toBeVisible();
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
