import { html } from "lit";
import { beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import type { Content } from "../../src/api/types.ts";
import { closeDialog } from "../../src/store/dialogs.ts";
import { eventually } from "../unit/eventually.ts";
import { syncOf } from "../unit/events.ts";
import { article, field, openRoom } from "./open-room.ts";
import { createTestClient, expectAccessible, focused, ME, ROOM, show } from "./support.ts";
import "../../src/dialogs/host.ts";
import "../../src/pages/room-settings.ts";
import "../../src/pages/settings.ts";

/** A picture of one colour, as a file. */
async function picture(name: string, colour = "teal", size = 128): Promise<File> {
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d")!;
  context.fillStyle = colour;
  context.beginPath();
  context.arc(size / 2, size / 2, size / 2, 0, 7);
  context.fill();
  return new File([await canvas.convertToBlob()], name, { type: "image/png" });
}

const PACK: Content = {
  pack: { display_name: "Cats" },
  images: {
    cat_wave: { url: "mxc://one/wave", body: "A waving cat", info: { w: 512, h: 512 } },
    smile: { url: "mxc://one/smile" },
  },
};

async function open(encryption?: Parameters<typeof openRoom>[2]) {
  const media = await picture("x.png");
  const room = await openRoom(
    { "media.thumbnail": () => media, "media.download": () => media },
    3,
    encryption,
  );
  await room.bring({
    state: { events: [room.make.state("m.room.image_pack", ME, PACK, "cats")] },
  });
  const sent = () =>
    room.calls.filter(({ name }) => name === "rooms.send").map(({ args }) => [args[1], args[3]]);
  return { ...room, sent };
}

const search = (name = "Find an emoji") => page.getByRole("combobox", { name });
const option = (name: string) => page.getByRole("option", { name, exact: true });

beforeEach(async () => {
  await page.viewport(1000, 700);
  localStorage.clear();
  closeDialog();
  for (const open of document.querySelectorAll<HTMLElement>("[popover]")) open.hidePopover();
});

describe("the picker of emoji", () => {
  test("is searched, and works by the keyboard alone; the field has the keyboard again afterwards", async () => {
    const room = await open();
    await userEvent.click(page.getByRole("button", { name: "Insert emoji" }));
    await expect.element(option("grinning face")).toBeVisible();
    await eventually(() => expect(focused()?.ariaLabel).toBe("Find an emoji"));
    // Where the window becomes smaller, as by a keyboard on the screen, it stays in sight.
    await page.viewport(390, 600);
    const box = document.querySelector("weft-picker")!;
    await eventually(() => expect(box.getBoundingClientRect().right).toBeLessThan(391));
    expect(box.getBoundingClientRect().bottom).toBeLessThan(601);
    await userEvent.fill(search(), "yarn");
    await expect.element(option("yarn")).toHaveAttribute("aria-selected", "true");
    await expectAccessible();
    await userEvent.keyboard("{Enter}");
    await expect.element(field()).toHaveValue("🧶");
    await eventually(() => expect(focused()?.localName).toBe("textarea"));
    await eventually(() =>
      expect(room.calls.findLast(({ name }) => name === "account.setAccountData")?.args).toEqual([
        "m.recent_emoji",
        { recent_emoji: [{ emoji: "🧶", total: 1 }] },
      ]),
    );
    await userEvent.click(page.getByRole("button", { name: "Insert emoji" }));
    await expect.element(page.getByRole("group", { name: "Recent" })).toBeVisible();
    await userEvent.keyboard("{ArrowDown}{Enter}");
    await expect.element(field()).toHaveValue("🧶🧶");
  });

  test("closes by Escape, and leaves the keyboard where it came from", async () => {
    await open();
    const tool = page.getByRole("button", { name: "Insert emoji" });
    await userEvent.click(tool);
    await expect.element(search()).toBeVisible();
    await eventually(() => expect(focused()?.ariaLabel).toBe("Find an emoji"));
    await userEvent.keyboard("{Escape}");
    await expect.element(search()).not.toBeInTheDocument();
    await eventually(() => expect(focused()?.ariaLabel).toBe("Insert emoji"));
  });

  test("knows the words of the page's language, and the English ones", async () => {
    await open();
    document.documentElement.lang = "de";
    await userEvent.click(page.getByRole("button", { name: "Insert emoji" }));
    await expect.element(option("grinsendes Gesicht")).toBeVisible();
    await userEvent.fill(search(), "müde");
    await expect.element(option("müdes Gesicht")).toBeVisible();
    await userEvent.fill(search(), "tired");
    await expect.element(option("müdes Gesicht")).toBeVisible();
    await userEvent.fill(search(), "qqqq");
    await expect.element(page.getByText("Nothing fits “qqqq”.")).toBeVisible();
  });

  test("keeps a tone of skin", async () => {
    await open();
    await userEvent.click(page.getByRole("button", { name: "Insert emoji" }));
    await userEvent.click(page.getByRole("button", { name: "Skin tone" }));
    await expectAccessible();
    await userEvent.click(page.getByRole("radio", { name: "Dark", exact: true }));
    await userEvent.fill(search(), "waving hand");
    await userEvent.keyboard("{Enter}");
    await expect.element(field()).toHaveValue("👋🏿");
    expect(localStorage.getItem("weft.skin-tone")).toBe("5");
  });
});

describe("pictures of packs", () => {
  test("stand in the picker, are written by their names, and drawn in the message", async () => {
    const room = await open();
    await userEvent.click(page.getByRole("button", { name: "Insert emoji" }));
    await userEvent.click(option("smile"));
    await expect.element(field()).toHaveValue(":smile:");
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(room.sent()).toHaveLength(1));
    expect(room.sent()[0]![1]).toMatchObject({
      body: ":smile:",
      formatted_body:
        '<img data-mx-emoticon src="mxc://one/smile" alt="smile" title="smile" height="32">',
    });
    const image = article(/smile/).getByRole("img", { name: "smile" });
    await eventually(() => expect(image.element().getAttribute("src")).toMatch(/^blob:/));
    // A message of nothing else is shown large, and still bounded.
    const { height } = image.element().getBoundingClientRect();
    expect(height).toBeGreaterThan(40);
    expect(height).toBeLessThan(90);
  });

  test("that others put into a room do not take an emoji's name when it is typed; one's own do", async () => {
    const room = await open();
    await userEvent.click(field());
    await userEvent.keyboard(":smile:");
    await expect.element(field()).toHaveValue("😄");
    room.client.store.apply(
      {
        next_batch: "",
        account_data: { events: [{ type: "im.ponies.user_emotes", content: PACK }] },
      },
      0,
    );
    await userEvent.fill(field(), "");
    await userEvent.keyboard(":smile: {Enter}");
    await eventually(() => expect(room.sent()).toHaveLength(1));
    expect(room.sent()[0]![1]).toMatchObject({ body: ":smile:" });
  });

  test("are sent alone as stickers, shown as large as they are meant", async () => {
    const room = await open();
    await userEvent.click(page.getByRole("button", { name: "Add", exact: true }));
    await userEvent.click(page.getByRole("menuitem", { name: "Send a sticker" }));
    await expect.element(search("Find a sticker")).toBeVisible();
    await expectAccessible();
    await userEvent.click(option("A waving cat"));
    await eventually(() =>
      expect(room.sent()).toEqual([
        ["m.sticker", { body: "A waving cat", url: "mxc://one/wave", info: { w: 512, h: 512 } }],
      ]),
    );
    const shown = page.getByRole("button", { name: "A waving cat" });
    await expect.element(shown).toBeVisible();
    const { width, height } = shown.element().getBoundingClientRect();
    expect([width, height]).toEqual([180, 180]);
  });

  test("without any the picker says how to make some", async () => {
    const room = await openRoom();
    await userEvent.click(page.getByRole("button", { name: "Insert emoji" }));
    await userEvent.click(page.getByRole("button", { name: "Stickers", exact: true }));
    await expect.element(page.getByRole("link", { name: "Make your own" })).toBeVisible();
    await expectAccessible();
    expect(room.calls.some(({ name }) => name === "rooms.send")).toBe(false);
  });
});

describe("a pack of one's own", () => {
  async function openSettings(answers: Parameters<typeof createTestClient>[0] = {}) {
    const media = await picture("x.png");
    const made = createTestClient({
      "media.thumbnail": () => media,
      "media.uploadLimit": () => 1_000_000,
      "media.upload": () => ({ done: Promise.resolve("mxc://one/new"), cancel: () => undefined }),
      ...answers,
    });
    await show(
      html`<weft-settings .client=${made.client} section="pictures"></weft-settings
        ><weft-dialog-host .client=${made.client}></weft-dialog-host>`,
      made.client,
    );
    return made;
  }

  test("is made of files, with names that are checked as they are typed", async () => {
    const made = await openSettings();
    await expectAccessible();
    const input = page.getByLabelText("Add pictures").last();
    await userEvent.upload(input, [await picture("Waving Cat.png"), await picture("b.png", "red")]);
    const names = page.getByLabelText("Name", { exact: true });
    await expect.element(names.first()).toHaveValue("waving_cat");
    await expect.element(names.nth(1)).toHaveValue("b");
    await userEvent.fill(names.nth(1), "waving_cat");
    await expect.element(page.getByText("Another picture here has this name.")).toBeVisible();
    await expect.element(page.getByRole("button", { name: "Save" })).toBeDisabled();
    await userEvent.fill(names.nth(1), "réd");
    await expect.element(page.getByText(/Only letters from a to z/)).toBeVisible();
    await userEvent.fill(names.nth(1), "red");
    await userEvent.fill(page.getByLabelText("What it shows").first(), "A waving cat");
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: "Save" }));
    const info = { w: 128, h: 128, mimetype: "image/png", size: expect.any(Number) as number };
    await eventually(() =>
      expect(made.calls.find(({ name }) => name === "account.setAccountData")?.args).toEqual([
        "im.ponies.user_emotes",
        {
          images: {
            waving_cat: { url: "mxc://one/new", body: "A waving cat", info },
            red: { url: "mxc://one/new", info },
          },
          pack: {},
        },
      ]),
    );
  });

  test("says what is no picture, or too large, and keeps what is there", async () => {
    await openSettings({ "media.uploadLimit": () => 2_000 });
    const input = page.getByLabelText("Add pictures").last();
    const loud = new File([new Uint8Array(3000)], "big.png", { type: "image/png" });
    const text = new File(["words"], "words.png", { type: "image/png" });
    await userEvent.upload(input, [await picture("ok.png", "blue", 64), loud]);
    await expect.element(page.getByText(/big.png: This is larger/)).toBeVisible();
    await expect.element(page.getByLabelText("Name", { exact: true })).toHaveValue("ok");
    await userEvent.upload(input, [text]);
    await expect.element(page.getByText(/words.png: This cannot be/)).toBeVisible();
  });
});

describe("a room's packs", () => {
  async function openRoomSettings(level: number) {
    const media = await picture("x.png");
    const made = createTestClient({
      "media.thumbnail": () => media,
      "media.uploadLimit": () => 1_000_000,
    });
    const events = [
      made.make.state("m.room.create", ME, { room_version: "11" }),
      made.make.state("m.room.name", ME, { name: "Weaving" }),
      made.make.state("m.room.power_levels", ME, { users: { [ME]: level } }),
      made.make.member(ME, "join", "Me"),
      made.make.state("m.room.image_pack", ME, PACK, "cats"),
    ];
    made.store.apply(syncOf(ROOM, { state: { events } }), 0);
    await show(
      html`<weft-room-settings
          .client=${made.client}
          .roomId=${ROOM}
          section="pictures"
        ></weft-room-settings
        ><weft-dialog-host .client=${made.client}></weft-dialog-host>`,
      made.client,
    );
    return made;
  }

  test("are made, chosen for everywhere and deleted by those who may", async () => {
    const { calls } = await openRoomSettings(100);
    const states = () =>
      calls.filter(({ name }) => name === "rooms.setState").map(({ args }) => args.slice(1));
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("Name of a new pack"), "Loud dogs");
    await userEvent.click(page.getByRole("button", { name: "Make a pack" }));
    await eventually(() =>
      expect(states()).toEqual([
        ["m.room.image_pack", { images: {}, pack: { display_name: "Loud dogs" } }, "loud_dogs"],
      ]),
    );
    await userEvent.click(page.getByText("Cats"));
    await expectAccessible();
    await userEvent.click(page.getByLabelText("Have it at hand in all my rooms"));
    await eventually(() =>
      expect(calls.filter(({ name }) => name === "account.setAccountData")).toHaveLength(2),
    );
    expect(calls.find(({ name }) => name === "account.setAccountData")?.args).toEqual([
      "m.image_pack.rooms",
      { rooms: { [ROOM]: { cats: {} } } },
    ]);
    await userEvent.click(page.getByRole("button", { name: "Delete this pack" }));
    await expect.element(page.getByText(/Messages that show them keep them/)).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "Delete", exact: true }));
    await eventually(() =>
      expect(states().at(-1)).toEqual(["m.room.image_pack", { images: {} }, "cats"]),
    );
  });

  test("are only looked at by others", async () => {
    await openRoomSettings(0);
    await expect.element(page.getByText(/Someone with more rights/)).toBeVisible();
    await userEvent.click(page.getByText("Cats"));
    await expect.element(page.getByLabelText("Name of the pack")).toHaveAttribute("readonly");
    await expect
      .element(page.getByRole("button", { name: "Add pictures" }))
      .not.toBeInTheDocument();
    await expectAccessible();
  });
});
