import { html } from "lit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { $dialog, closeDialog } from "../../src/store/dialogs.ts";
import { navigate } from "../../src/store/router.ts";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { createTestClient, expectAccessible, focused, ME, ROOM, settled, show } from "./support.ts";
import "../../src/pages/shell.ts";

async function openShell() {
  const { client, store, make, calls } = createTestClient({
    "account.searchUsers": (term: string) =>
      term === "carla"
        ? [
            { user_id: "@carla:one", display_name: "Carla\u202E Weber" },
            { user_id: "@me:one", display_name: "Me" },
          ]
        : [],
    "rooms.create": () => ({ room_id: "!new:one" }),
  });
  const named = (roomId: string, name: string, ts: number) =>
    store.apply(
      syncOf(roomId, {
        timeline: {
          events: [{ ...make.state("m.room.name", ME, { name }), origin_server_ts: ts }],
        },
      }),
      0,
    );
  named(ROOM, "Bücher & Tee", 1);
  named("!other:one", "Loom maintenance", 2);
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  return { calls };
}

beforeEach(async () => {
  await page.viewport(1000, 700);
  navigate({ page: "home" }, true);
});
afterEach(closeDialog);

const place = () => decodeURIComponent(location.hash);
const options = () => page.getByRole("option").elements();
const chosen = () => options().find((one) => one.ariaSelected === "true")?.textContent;

test("Ctrl+K goes anywhere by a bit of its name, accents or not, by keys alone", async () => {
  await openShell();
  await userEvent.keyboard("{Control>}k{/Control}");
  await expect.poll(() => focused()?.getAttribute("role")).toBe("combobox");
  await expectAccessible();
  await userEvent.keyboard("buch");
  await eventually(() => expect(chosen()).toContain("Bücher & Tee"));
  await userEvent.keyboard("{Enter}");
  await eventually(() => expect(place()).toBe(`#/room/${ROOM}`));
  expect($dialog.get()).toBeUndefined();
});

test("arrows go around, and Escape goes back to where one was", async () => {
  await openShell();
  const before = page.getByRole("searchbox", { name: "Find a room" });
  await userEvent.click(before);
  await userEvent.keyboard("{Control>}k{/Control}");
  await eventually(() => expect(options().length).toBeGreaterThan(5));
  const first = chosen();
  await userEvent.keyboard("{ArrowUp}");
  await eventually(() => expect(options().at(-1)?.ariaSelected).toBe("true"));
  const field = page.getByRole("combobox").element();
  expect(field.getAttribute("aria-activedescendant")).toBe(options().at(-1)!.id);
  await userEvent.keyboard("{ArrowDown}");
  await eventually(() => expect(chosen()).toBe(first));
  await userEvent.keyboard("{Escape}");
  await eventually(() => expect(focused()).toBe(before.element()));
});

test("people of the directory are offered by their plain names, oneself is not", async () => {
  const { calls } = await openShell();
  await userEvent.keyboard("{Control>}k{/Control}");
  await expect.poll(() => focused()?.getAttribute("role")).toBe("combobox");
  await userEvent.keyboard("carla");
  const texts = () => options().map((one) => one.textContent?.replace(/\s+/g, " ").trim());
  await eventually(() => expect(texts()).toEqual(["Carla Weber @carla:one"]));
  expect(calls.filter(({ name }) => name === "account.searchUsers")).toHaveLength(1);
});

test("settings and actions are found; what fits nothing is said", async () => {
  await openShell();
  await userEvent.keyboard("{Control>}k{/Control}");
  await expect.poll(() => focused()?.getAttribute("role")).toBe("combobox");
  await userEvent.keyboard("zzz");
  await expect.element(page.getByText("Nothing fits. Try another word.")).toBeVisible();
  await userEvent.clear(page.getByRole("combobox"));
  await userEvent.keyboard("settings app");
  await eventually(() => expect(chosen()).toContain("Appearance"));
  await userEvent.keyboard("{Enter}");
  await eventually(() => expect(place()).toBe("#/settings/appearance"));
});

test("a question mark lists the keys, but goes into a text where one is written", async () => {
  await openShell();
  await userEvent.click(page.getByRole("searchbox", { name: "Find a room" }));
  await userEvent.keyboard("?");
  expect($dialog.get()).toBeUndefined();
  await userEvent.keyboard("{Escape}");
  (focused() as HTMLElement).blur();
  await userEvent.keyboard("?");
  await expect.element(page.getByRole("heading", { name: "Keyboard shortcuts" })).toBeVisible();
  await settled();
  await expectAccessible();
});

test("Alt with a page key goes to the next room with something unread", async () => {
  const { client, store, make } = createTestClient();
  for (const [at, roomId] of ["!a:one", "!b:one", "!c:one"].entries()) {
    const event = { ...make.message("@ann:two", "hi"), origin_server_ts: 10 - at };
    const unread = roomId === "!c:one" ? 2 : 0;
    const unread_notifications = { notification_count: unread, highlight_count: 0 };
    store.apply(syncOf(roomId, { timeline: { events: [event] }, unread_notifications }), 0);
  }
  navigate({ page: "room", room: "!a:one", via: [] }, true);
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  await userEvent.keyboard("{Alt>}{PageDown}{/Alt}");
  await eventually(() => expect(place()).toBe("#/room/!c:one"));
});
