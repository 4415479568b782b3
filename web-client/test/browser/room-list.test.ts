import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { closeDialog } from "../../src/store/dialogs.ts";
import { showPlace } from "../../src/store/list-place.ts";
import { navigate } from "../../src/store/router.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { ANN, createTestClient, expectAccessible, focused, ME, settled, show } from "./support.ts";
import "../../src/pages/shell.ts";

const SPACE = "!space:one";
const via = ["one"];

/** A list with favourites, a space in a space, and news. */
function home(answers: Parameters<typeof createTestClient>[0] = {}) {
  const made = createTestClient({ "account.profile": () => ({ displayname: "Me" }), ...answers });
  const { store, make } = made;
  const create = make.state("m.room.create", ME, { room_version: "12" });
  const room = (roomId: string, name: string, more: object = {}) => {
    const events = [
      create,
      make.member(ME, "join", "Me"),
      make.member(ANN, "join", "Ann"),
      make.state("m.room.name", ME, { name }),
      make.message(ANN, `about ${name}`),
    ];
    store.apply(syncOf(roomId, { timeline: { events }, ...more }), 0);
  };
  const tagged = (tag: string, order: number) => ({
    account_data: { events: [{ type: "m.tag", content: { tags: { [tag]: { order } } } }] },
  });
  const space = (roomId: string, name: string, children: string[]) => {
    const events = [
      make.state("m.room.create", ME, { room_version: "12", type: "m.space" }),
      make.member(ME),
      make.state("m.room.power_levels", ME, { users: { [ME]: 100 } }),
      make.state("m.room.name", ME, { name }),
      ...children.map((child, at) =>
        make.state("m.space.child", ME, { via, order: `${at}` }, child),
      ),
    ];
    store.apply(syncOf(roomId, { state: { events } }), 0);
  };
  room("!weave:one", "Weaving", {
    unread_notifications: { notification_count: 5, highlight_count: 1 },
  });
  room("!dye:one", "Dyeing", tagged("m.favourite", 0.25));
  room("!spin:one", "Spinning", tagged("m.favourite", 0.5));
  room("!old:one", "Old yarn", tagged("m.lowpriority", 0.5));
  space(SPACE, "Guild", ["!weave:one", "!sub:one", "!closed:one"]);
  space("!sub:one", "Dye house", ["!dye:one"]);
  return { ...made, room };
}

const openHome = async (made = home()) => {
  await show(html`<weft-shell .client=${made.client}></weft-shell>`, made.client);
  return made;
};

const links = () =>
  page
    .getByRole("link")
    .elements()
    .map((link) => link.querySelector(".name")?.textContent)
    .filter((name) => name !== undefined);

beforeEach(async () => {
  await page.viewport(1000, 700);
  navigate({ page: "home" }, true);
  showPlace("home");
});
afterEach(() => {
  closeDialog();
  localStorage.clear();
  showPlace("home");
  $toasts.set([]);
});

describe("the list of rooms", () => {
  test("has its parts, counts what is for me apart, and passes axe", async () => {
    await openHome();
    expect(links()).toEqual(["Dyeing", "Spinning", "Weaving"]);
    await expect.element(page.getByText("5 unread, 1 for you")).toBeInTheDocument();
    await expect.element(page.getByText("@ 1", { exact: true })).toBeVisible();
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: /Low priority/ }));
    await eventually(() => expect(links()).toEqual(["Dyeing", "Spinning", "Weaving", "Old yarn"]));
  });

  test("has a menu for each room, by mouse and by keyboard, after which the focus is back", async () => {
    const { calls } = await openHome();
    await userEvent.click(page.getByRole("link", { name: /Weaving/ }), { button: "right" });
    await userEvent.click(page.getByRole("menuitem", { name: "Mute" }));
    expect(calls.find(({ name }) => name === "notes.setRule")?.args[1]).toBe("!weave:one");
    const link = page.getByRole("link", { name: /Weaving/ }).element();
    await expect.poll(() => focused()).toBe(link);
    await userEvent.keyboard("{ContextMenu}");
    link.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
    await expect.element(page.getByRole("menuitem", { name: "Mark as read" })).toBeVisible();
    await expectAccessible();
    await userEvent.keyboard("{Escape}");
    await expect.poll(() => focused()).toBe(link);
  });

  test("marks a room unread, which is said, and opening it takes the mark off", async () => {
    const { store, calls } = await openHome();
    navigate({ page: "room", room: "!dye:one", via: [] }, true);
    const link = page.getByRole("link", { name: /Spinning/ });
    await userEvent.click(link, { button: "right" });
    await userEvent.click(page.getByRole("menuitem", { name: "Mark as unread" }));
    await expect.element(page.getByText("marked as unread")).toBeInTheDocument();
    navigate({ page: "room", room: "!spin:one", via: [] }, true);
    await eventually(() => expect(store.summary("!spin:one")?.markedUnread).toBe(false));
    const marks = calls.filter(({ name }) => name === "notes.setAccountData");
    expect(marks.map(({ args }) => args[2])).toEqual([{ unread: true }, { unread: false }]);
  });

  test("is put in order by keyboard, and says where the room stands", async () => {
    const { calls } = await openHome();
    (page.getByRole("link", { name: /Spinning/ }).element() as HTMLElement).focus();
    await userEvent.keyboard("{Alt>}{Shift>}{ArrowUp}{/Shift}{/Alt}");
    await eventually(() => expect(links().slice(0, 2)).toEqual(["Spinning", "Dyeing"]));
    await expect.element(page.getByText("Place 1 of 2")).toBeInTheDocument();
    expect(calls.find(({ name }) => name === "notes.setTag")?.args).toEqual([
      "!spin:one",
      "m.favourite",
      0.125,
    ]);
    await expect.poll(() => focused()?.textContent).toContain("Spinning");
  });

  test("by what is unread keeps the room that was opened there", async () => {
    const { store } = await openHome();
    await userEvent.click(page.getByRole("button", { name: "Unread" }));
    await eventually(() => expect(links()).toEqual(["Weaving"]));
    navigate({ page: "room", room: "!weave:one", via: [] }, true);
    await settled();
    const room = store.room("!weave:one")!;
    room.notificationCount = 0;
    room.highlightCount = 0;
    store.refresh([room.roomId]);
    await settled();
    expect(links()).toEqual(["Weaving"]);
    navigate({ page: "home" }, true);
    await eventually(() => expect(links()).toEqual([]));
    await expect.element(page.getByText("You have read everything.")).toBeVisible();
  });

  test("is cleared of what was searched once a room was opened", async () => {
    await openHome();
    await userEvent.fill(page.getByLabelText("Find a room"), "spin");
    await settled();
    await userEvent.keyboard("{Enter}");
    expect(decodeURIComponent(location.hash)).toBe("#/room/!spin:one");
    await expect.element(page.getByLabelText("Find a room")).toHaveValue("");
  });

  test("of a thousand rooms draws what is seen, and the newest first", async () => {
    const made = home();
    for (let at = 0; at < 1000; at++) made.room(`!many${at}:one`, `Room ${at}`);
    await openHome(made);
    expect(links().length).toBeLessThan(70);
    for (let at = 0; at < 10; at++) made.room(`!many${at}:one`, `Room ${at}`);
    await settled();
    expect(links().slice(2, 4)).toEqual(["Room 9", "Room 8"]);
  });
});

describe("spaces", () => {
  test("stand in a rail with what is new in them, and show their rooms and those of spaces in them", async () => {
    await openHome();
    const guild = page.getByRole("button", { name: "Guild: 1 with something new, 1 for you" });
    await userEvent.click(guild);
    expect(links()).toEqual(["Guild", "Weaving", "Dyeing"]);
    await expect.element(page.getByRole("heading", { name: /Dye house/ })).toBeVisible();
    await expectAccessible();
    await userEvent.click(guild);
    expect(decodeURIComponent(location.hash)).toBe(`#/room/${SPACE}`);
  });

  test("have a page with all their rooms, where one joins, and those with the right put them in order", async () => {
    const closed = {
      room_id: "!closed:one",
      name: "Spinners’ corner",
      topic: "Wheels",
      num_joined_members: 7,
      join_rule: "public",
      children_state: [],
    };
    const made = home({ "directory.hierarchy": () => ({ rooms: [closed] }) });
    navigate({ page: "room", room: SPACE, via: [] }, true);
    const { calls } = await openHome(made);
    await expect.element(page.getByText("7 people · Wheels")).toBeVisible();
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: "Join Spinners’ corner" }));
    expect(calls.find(({ name }) => name === "rooms.join")?.args).toEqual(["!closed:one", via]);
    await userEvent.click(page.getByRole("button", { name: "Options for Spinners’ corner" }));
    await userEvent.click(page.getByRole("menuitem", { name: "Move up" }));
    await eventually(() => {
      const [roomId, type, content, child] =
        calls.find(({ name }) => name === "rooms.setState")?.args ?? [];
      expect([roomId, type, child]).toEqual([SPACE, "m.space.child", "!closed:one"]);
      const { order } = content as { order: string };
      expect(order > "0" && order < "1").toBe(true);
    });
    await userEvent.click(page.getByRole("button", { name: "Dye house" }));
    await expect.element(page.getByRole("link", { name: "Open Dyeing" })).toBeVisible();
  });

  test("are created, also within another, and filled with rooms that exist", async () => {
    const { calls } = await openHome(home({ "rooms.create": () => "!new:one" }));
    await userEvent.click(page.getByRole("button", { name: "Create a space" }));
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("Name"), "Village");
    await userEvent.click(page.getByRole("button", { name: "Create", exact: true }));
    await eventually(() =>
      expect(calls.find(({ name }) => name === "rooms.create")?.args[0]).toMatchObject({
        name: "Village",
        creation_content: { type: "m.space" },
        preset: "private_chat",
      }),
    );
    await userEvent.click(page.getByRole("button", { name: /^Guild/ }));
    await userEvent.click(page.getByRole("button", { name: "Space menu" }));
    await userEvent.click(page.getByRole("menuitem", { name: "Add rooms that exist" }));
    await userEvent.click(page.getByRole("checkbox", { name: /Spinning/ }));
    await userEvent.click(page.getByRole("button", { name: "Add", exact: true }));
    await eventually(() =>
      expect(calls.filter(({ name }) => name === "rooms.setState").at(-1)?.args).toEqual([
        SPACE,
        "m.space.child",
        { via: ["one", "two"] },
        "!spin:one",
      ]),
    );
  });
});
