import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { $dialog, closeDialog, openDialog } from "../../src/store/dialogs.ts";
import { $route, followAddress, navigate } from "../../src/store/router.ts";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { article, openRoom } from "./open-room.ts";
import { createTestClient, focused, ME, ROOM, show } from "./support.ts";
import "../../src/dialogs/host.ts";
import "../../src/elements/dialog.ts";
import "../../src/pages/shell.ts";

let unfollow: () => void;

beforeEach(async () => {
  await page.viewport(1000, 700);
  closeDialog();
  unfollow = followAddress();
});
afterEach(() => {
  closeDialog();
  unfollow();
});

const ask = (danger: boolean, reason?: string): void =>
  openDialog({
    kind: "confirm",
    heading: "Delete it?",
    text: "It cannot be undone.",
    action: "Delete it",
    danger,
    ...(reason === undefined ? {} : { reason }),
    run: () => Promise.resolve(),
  });

async function openShell() {
  const { client, store, make } = createTestClient();
  for (const [roomId, name] of [
    [ROOM, "Weaving"],
    ["!other:one", "Spinning"],
  ] as const) {
    const events = [
      make.state("m.room.create", ME, { room_version: "12" }),
      make.state("m.room.name", ME, { name }),
      make.member(ME, "join", "Me"),
    ];
    const said = [make.message(ME, `hello ${name}`)];
    store.apply(syncOf(roomId, { state: { events }, timeline: { events: said } }), 0);
  }
  navigate({ page: "home" }, true);
  navigate({ page: "room", room: "!other:one", via: [] });
  await eventually(() => expect($route.get().page).toBe("room"));
  navigate({ page: "room", room: ROOM, via: [] });
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  await expect.element(page.getByRole("textbox", { name: "Write to Weaving" })).toBeVisible();
  return client;
}

const heading = () => page.getByRole("heading", { name: "Delete it?" });
const openRoomId = () => {
  const route = $route.get();
  return route.page === "room" ? route.room : route.page;
};

describe("the keyboard in a window", () => {
  test("begins at what does no harm, or at the field, and never at the way out", async () => {
    const { client } = await openRoom();
    await show(html`<weft-dialog-host .client=${client}></weft-dialog-host>`, client);
    ask(true);
    await expect.element(heading()).toBeVisible();
    await eventually(() => expect(focused()?.textContent?.trim()).toBe("Cancel"));
    closeDialog();
    await expect.element(heading()).not.toBeInTheDocument();
    ask(false);
    await eventually(() => expect(focused()?.textContent?.trim()).toBe("Delete it"));
    closeDialog();
    await expect.element(heading()).not.toBeInTheDocument();
    ask(true, "Why");
    await eventually(() => expect(focused()?.id).toBe("reason"));
    closeDialog();
    await show(html`<weft-dialog heading="Words"><p>Nothing to press.</p></weft-dialog>`, client);
    await eventually(() => expect(focused()?.textContent).toBe("Words"));
  });

  test("goes back to the message whose menu it came from", async () => {
    const room = await openRoom();
    room.stage.append(document.createElement("weft-dialog-host"));
    Object.assign(room.stage.lastElementChild!, { client: room.client });
    (article(/message 0/).element() as HTMLElement).focus();
    await userEvent.keyboard("{Delete}");
    await expect.element(page.getByRole("heading", { name: "Delete this message?" })).toBeVisible();
    await eventually(() => expect(focused()?.textContent?.trim()).toBe("Cancel"));
    await userEvent.keyboard("{Escape}");
    await eventually(() => expect(focused()?.ariaLabel).toMatch(/message 0/));
    // From a tool, which may be gone by then: something around it has it.
    await userEvent.click(page.getByRole("button", { name: "More", exact: true }).last());
    await userEvent.click(page.getByRole("menuitem", { name: "Delete" }));
    await expect.element(page.getByRole("heading", { name: "Delete this message?" })).toBeVisible();
    await userEvent.keyboard("{Escape}");
    await expect
      .element(page.getByRole("heading", { name: "Delete this message?" }))
      .not.toBeInTheDocument();
    await eventually(() => expect([null, document.body]).not.toContain(focused()));
  });

  test("goes from a message's tools to the message when the pointer leaves it", async () => {
    await openRoom();
    const more = page.getByRole("button", { name: "More", exact: true });
    await userEvent.hover(article(/message 1/));
    (more.element() as HTMLElement).focus();
    await userEvent.hover(article(/message 0/));
    await eventually(() => expect(focused()?.ariaLabel).toMatch(/message 1/));
    await userEvent.hover(document.body);
    expect(focused()?.ariaLabel).toMatch(/message 1/);
  });

  test("does not fall to the body when a page is left", async () => {
    await openShell();
    await page.viewport(600, 700);
    navigate({ page: "settings", section: "appearance" });
    // The room, which has such a link too, is still there until the address has changed.
    await expect.element(page.getByRole("heading", { name: "Settings" })).toBeVisible();
    const back = page.getByRole("link", { name: "Back to the rooms" });
    // The page may still be coming, and give the keyboard to its main part.
    await eventually(() => {
      (back.element() as HTMLElement).focus();
      expect(focused()).toBe(back.element());
    });
    await userEvent.keyboard("{Enter}");
    await expect.element(back).not.toBeInTheDocument();
    await eventually(() => expect(focused()).not.toBe(document.body));
  });
});

describe("the browser's way back", () => {
  test("closes a window and stays at the place; when it was closed otherwise it leads to the place before", async () => {
    await openShell();
    ask(true);
    await expect.element(heading()).toBeVisible();
    history.back();
    await eventually(() => expect($dialog.get()).toBeUndefined());
    await expect.element(heading()).not.toBeInTheDocument();
    expect(openRoomId()).toBe(ROOM);
    ask(true);
    await expect.element(heading()).toBeVisible();
    closeDialog();
    await expect.element(heading()).not.toBeInTheDocument();
    ask(true);
    await expect.element(heading()).toBeVisible();
    closeDialog();
    await expect.element(heading()).not.toBeInTheDocument();
    history.back();
    await eventually(() => expect(openRoomId()).toBe("!other:one"));
  });

  test("leaves a window that goes elsewhere alone", async () => {
    await openShell();
    ask(true);
    await expect.element(heading()).toBeVisible();
    navigate({ page: "settings", section: "appearance" });
    await eventually(() => expect(openRoomId()).toBe("settings"));
    history.back();
    await eventually(() => expect(openRoomId()).toBe(ROOM));
    history.back();
    await eventually(() => expect(openRoomId()).toBe("!other:one"));
  });

  test("leads out of the panel of a room that lies over it, then out of the room", async () => {
    const heading = page.getByRole("heading", { name: "Room", exact: true });
    await openShell();
    await page.viewport(390, 700);
    await userEvent.click(page.getByRole("button", { name: /^People, / }));
    await expect.element(heading).toBeVisible();
    ask(true);
    await expect.element(page.getByRole("heading", { name: "Delete it?" })).toBeVisible();
    history.back();
    await eventually(() => expect($dialog.get()).toBeUndefined());
    await expect.element(heading).toBeVisible();
    history.back();
    await expect.element(heading).not.toBeInTheDocument();
    expect(openRoomId()).toBe(ROOM);
    await eventually(() => expect(focused()?.ariaLabel).toMatch(/^People, /));
    await userEvent.click(page.getByRole("button", { name: /^People, / }));
    await expect.element(heading).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "Close" }));
    await expect.element(heading).not.toBeInTheDocument();
    history.back();
    await eventually(() => expect(openRoomId()).toBe("!other:one"));
  });

  test("closes no panel that stands at the side", async () => {
    await openShell();
    await userEvent.click(page.getByRole("button", { name: /^People, / }));
    await expect.element(page.getByRole("heading", { name: "Room", exact: true })).toBeVisible();
    history.back();
    await eventually(() => expect(openRoomId()).toBe("!other:one"));
  });

  test("leaves a panel that lies over a room behind when it leads elsewhere", async () => {
    const heading = page.getByRole("heading", { name: "Room", exact: true });
    await openShell();
    await page.viewport(390, 700);
    navigate({ page: "room", room: ROOM, eventId: "$some", via: [] }, true);
    await userEvent.click(page.getByRole("button", { name: /^People, / }));
    await expect.element(heading).toBeVisible();
    navigate({ page: "room", room: "!other:one", via: [] });
    await expect.element(heading).not.toBeInTheDocument();
    history.back();
    await eventually(() => expect(openRoomId()).toBe(ROOM));
    history.back();
    await eventually(() => expect(openRoomId()).toBe("!other:one"));
  });

  test("does not close a window that has to be answered", async () => {
    const { client } = await openRoom();
    await show(
      html`<weft-dialog heading="Answer me" locked><button>Yes</button></weft-dialog>`,
      client,
    );
    const asked = page.getByRole("heading", { name: "Answer me" });
    await expect.element(asked).toBeVisible();
    const heard = new Promise((resolve) =>
      window.addEventListener("popstate", resolve, { once: true }),
    );
    history.back();
    await heard;
    await expect.element(asked).toBeVisible();
    expect((history.state as { window?: boolean } | null)?.window).toBe(true);
  });
});

test("the keys of a message also work from a link or button in it, and not from a field", async () => {
  const room = await openRoom();
  await room.bring({
    timeline: { events: [room.make.message(ME, "see https://example.org/loom")] },
  });
  (page.getByRole("link", { name: /example.org/ }).element() as HTMLElement).focus();
  await userEvent.keyboard("{ArrowUp}");
  await eventually(() => expect(focused()?.ariaLabel).toMatch(/message 2/));
});
