import { html } from "lit";
import { beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { ApiError } from "../../src/api/errors.ts";
import { openDialog } from "../../src/store/dialogs.ts";
import { pinned } from "../../src/store/pins.ts";
import { createEvents } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { article, openRoom } from "./open-room.ts";
import { ANN, expectAccessible, focused, ME, ROOM, settled, show } from "./support.ts";
import "../../src/dialogs/host.ts";

beforeEach(async () => {
  await page.viewport(1200, 760);
});

const old = createEvents(Date.UTC(2025, 2, 3), "$old");
const root = old.message(ANN, "Where shall we meet?");
const reply = (body: string, make = old) =>
  make.event("m.room.message", ANN, {
    msgtype: "m.text",
    body,
    "m.relates_to": { rel_type: "m.thread", event_id: root.event_id },
  });
const [one, two] = [reply("At the bridge"), reply("By the mill")];
const bundle = { latest_event: two, count: 2, current_user_participated: false };
const file = (msgtype: string, body: string) =>
  old.event("m.room.message", ANN, {
    msgtype,
    body,
    url: `mxc://two/${body.replace(".", "")}`,
    info: { mimetype: "image/png", w: 40, h: 30, size: 1234 },
  });
const files = [file("m.image", "a.png"), file("m.image", "b.png"), file("m.file", "plan.pdf")];

const answers = {
  "rooms.event": (_room: string, eventId: string) => {
    if (eventId === root.event_id) return root;
    throw new ApiError(404, { errcode: "M_NOT_FOUND" });
  },
  "reading.threads": () => ({
    chunk: [{ ...root, unsigned: { "m.relations": { "m.thread": bundle } } }],
  }),
  "reading.thread": () => ({ chunk: [two, one] }),
  "reading.subscription": () => {
    throw new ApiError(404, { errcode: "M_NOT_FOUND" });
  },
  "reading.files": () => ({ chunk: files }),
  "reading.search": () => ({
    search_categories: {
      room_events: {
        count: 1,
        highlights: ["bridge"],
        results: [{ rank: 1, result: { ...one, room_id: ROOM }, context: {} }],
      },
    },
  }),
  "media.thumbnail": () => new Blob([PIXEL], { type: "image/png" }),
  "media.download": () => new Blob([PIXEL], { type: "image/png" }),
};

/** A PNG of one pixel. */
const PIXEL = Uint8Array.from(
  atob(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  ),
  (character) => character.charCodeAt(0),
);

const tab = (name: string) => page.getByRole("tab", { name });
const button = (name: string | RegExp) => page.getByRole("button", { name });

async function openPanel() {
  const opened = await openRoom(answers, 12);
  await userEvent.click(button("People, 2"));
  await expect.element(tab("People")).toBeVisible();
  return opened;
}

describe("the panel of a room", () => {
  test("opens at its tabs, which the arrows choose among, and gives the keyboard back", async () => {
    await openPanel();
    await eventually(() => expect(focused()?.id).toBe("tab-people"));
    await userEvent.keyboard("{ArrowRight}");
    await expect.element(page.getByText("plan.pdf")).toBeVisible();
    expect(focused()?.id).toBe("tab-files");
    await userEvent.keyboard("{Home}");
    await expect.element(button("Search in this room").last()).toBeVisible();
    await userEvent.keyboard("{End}");
    await expect.element(button(/Where shall we meet/)).toBeVisible();
    await userEvent.keyboard("{Escape}");
    await eventually(() => expect(focused()?.ariaLabel).toBe("People, 2"));
  });

  test("passes axe with each of its tabs, and on a phone", async () => {
    const { bring, make, said } = await openPanel();
    await bring({
      state: {
        events: [
          make.state("m.room.topic", ANN, { topic: "See https://example.org/ and come" }),
          make.state("m.room.pinned_events", ANN, {
            pinned: [said[0]!.event_id, root.event_id, "$gone"],
          }),
        ],
      },
    });
    for (const name of ["About", "People", "Files", "Pinned", "Threads"]) {
      await userEvent.click(tab(name));
      await settled();
      await expectAccessible();
    }
    await page.viewport(390, 760);
    await settled();
    const panel = document
      .querySelector("weft-room")!
      .shadowRoot!.querySelector("weft-room-panel")!;
    expect(panel.getBoundingClientRect().width).toBeGreaterThan(380);
    await expectAccessible();
  });

  test("tells of pins that are gone, and takes one off for those who may", async () => {
    const { client, bring, make, said, calls } = await openPanel();
    const pins = { pinned: [said[0]!.event_id, "$gone", 7, said[0]!.event_id] };
    await bring({
      state: {
        events: [
          make.state("m.room.power_levels", ME, { users: { [ME]: 50 } }),
          make.state("m.room.pinned_events", ANN, pins),
        ],
      },
    });
    expect(pinned(client.store.room(ROOM)!)).toEqual([said[0]!.event_id, "$gone"]);
    await userEvent.click(tab("Pinned"));
    await expect.element(page.getByText(/does not exist any more/)).toBeVisible();
    await userEvent.click(button("Unpin the message of Me"));
    const sent = calls.find(({ name }) => name === "rooms.setState");
    expect(sent?.args).toEqual([ROOM, "m.room.pinned_events", { pinned: ["$gone"] }]);
  });
});

describe("a thread", () => {
  test("stands beside the room with what it began with, passes axe, and is written in", async () => {
    const { calls } = await openPanel();
    await userEvent.click(tab("Threads"));
    await userEvent.click(button(/Where shall we meet/));
    const feed = page.getByRole("feed", { name: "Messages in the thread" });
    await expect.element(feed.getByRole("article", { name: /At the bridge/ })).toBeVisible();
    await expect.element(feed.getByRole("article", { name: /Where shall we meet/ })).toBeVisible();
    await expectAccessible();
    await userEvent.fill(page.getByRole("textbox", { name: "Write to the thread" }), "I'll come");
    await userEvent.keyboard("{Enter}");
    await expect.element(feed.getByRole("article", { name: /I'll come/ })).toBeVisible();
    const room = page.getByRole("feed", { name: "Messages", exact: true });
    expect(room.getByRole("article", { name: /I'll come/ }).elements()).toEqual([]);
    await eventually(() =>
      expect(calls.find(({ name }) => name === "rooms.send")?.args[3]).toMatchObject({
        "m.relates_to": { rel_type: "m.thread", event_id: root.event_id },
      }),
    );
  });

  test("is followed by hand, and by itself only where one follows others", async () => {
    const { calls, client } = await openPanel();
    await userEvent.click(tab("Threads"));
    await userEvent.click(button(/Where shall we meet/));
    await userEvent.click(button("Follow this thread"));
    await expect.element(button("You follow this thread")).toBeVisible();
    expect(calls.filter(({ name }) => name === "reading.follow").map(({ args }) => args)).toEqual([
      [ROOM, root.event_id],
    ]);
    expect(client.store.accountData.get("m.push_rules")).toBeUndefined();
  });
});

describe("a search", () => {
  test("marks what was found, passes axe and leads to it", async () => {
    const { calls } = await openRoom(
      {
        ...answers,
        "reading.context": () => ({
          event: one,
          events_before: [root],
          events_after: [two],
          state: [],
        }),
      },
      12,
    );
    await userEvent.click(button("Search in this room"));
    await eventually(() => expect(focused()?.localName).toBe("input"));
    await userEvent.keyboard("bridge{Enter}");
    const hit = button(/At the bridge/);
    await expect.element(hit).toBeVisible();
    await userEvent.click(button("Filters"));
    await settled();
    await expectAccessible();
    const asked = calls.find(({ name }) => name === "reading.search")!.args[0];
    expect(asked).toMatchObject({
      search_categories: { room_events: { search_term: "bridge", filter: { rooms: [ROOM] } } },
    });
    await userEvent.click(hit);
    // It stands in a thread: that opens.
    const feed = page.getByRole("feed", { name: "Messages in the thread" });
    await expect.element(feed.getByRole("article", { name: /At the bridge/ })).toBeVisible();
  });

  test("says when nothing was found, and when the server does not answer", async () => {
    let isAway = false;
    await openRoom({
      "reading.search": () => {
        if (isAway) throw new ApiError(500, { errcode: "M_UNKNOWN" });
        return { search_categories: { room_events: { count: 0, highlights: [], results: [] } } };
      },
    });
    await userEvent.click(button("Search in this room"));
    await userEvent.keyboard("nothing{Enter}");
    await expect.element(page.getByText(/Nothing was found/)).toBeVisible();
    isAway = true;
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByRole("alert")).toBeVisible();
    await expect.element(article(/message 2/)).toBeVisible();
  });
});

describe("pictures in full size", () => {
  test("are looked at one after another by keyboard, larger and smaller, and pass axe", async () => {
    const { client } = await openRoom(answers);
    const dialogs = document.createElement("div");
    await show(html`<weft-dialog-host .client=${client}></weft-dialog-host>${dialogs}`, client);
    const pictures = ["a.png", "b.png", "c.png"].map((name) => ({
      name,
      file: { mxc: `mxc://two/${name.replace(".", "")}` },
    }));
    openDialog({ kind: "image", pictures, index: 1 });
    await expect.element(page.getByText("2 of 3")).toBeVisible();
    await expect.element(page.getByRole("img", { name: "b.png" })).toBeVisible();
    await expectAccessible();
    await userEvent.keyboard("{ArrowRight}");
    await expect.element(page.getByText("3 of 3")).toBeVisible();
    await expect.element(button("Next picture")).toBeDisabled();
    await userEvent.keyboard("{+}");
    await expect.element(button("Smaller")).toBeEnabled();
    await userEvent.keyboard("0");
    await expect.element(button("Smaller")).toBeDisabled();
    await userEvent.keyboard("{Home}");
    await expect.element(page.getByText("1 of 3")).toBeVisible();
    await userEvent.keyboard("{Escape}");
    await expect.element(page.getByText("1 of 3")).not.toBeInTheDocument();
  });
});
