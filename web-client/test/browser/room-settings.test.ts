import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { ApiError } from "../../src/api/errors.ts";
import { closeDialog } from "../../src/store/dialogs.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { ANN, createTestClient, expectAccessible, ME, ROOM, show } from "./support.ts";
import "../../src/dialogs/host.ts";
import "../../src/pages/room-settings.ts";

const BEN = "@ben:evil.example";

/** The settings of a room in which one may do all, at a section. */
async function open(
  section: string,
  answers: Parameters<typeof createTestClient>[0] = {},
  { level = 100, version = "11" } = {},
) {
  const made = createTestClient({
    "directory.aliases": () => ["#weaving:one", "#loom:one"],
    "directory.listing": () => "private",
    "directory.capabilities": () => ({
      "m.room_versions": {
        default: "12",
        available: { "11": "stable", "12": "stable", x: "unstable" },
      },
    }),
    "directory.retention": () => ({
      policies: { "*": { max_lifetime: 90 * 86_400_000 } },
      limits: {},
    }),
    ...answers,
  });
  const { store, make, client } = made;
  const events = [
    make.state("m.room.create", ANN, { room_version: version }),
    make.state("m.room.name", ME, { name: "Weaving" }),
    make.state("m.room.topic", ME, { topic: "Looms" }),
    make.state("m.room.power_levels", ME, { users: { [ME]: level, [ANN]: 100 }, ban: 50 }),
    make.state("m.room.join_rules", ME, { join_rule: "invite" }),
    make.state("m.room.canonical_alias", ME, { alias: "#weaving:one" }),
    make.member(ME, "join", "Me"),
    make.member(ANN, "join", "Ann"),
    make.state("m.room.member", ANN, { membership: "ban", reason: "Sold fake wool" }, BEN),
  ];
  store.apply(syncOf(ROOM, { state: { events } }), 0);
  const space = [
    make.state("m.room.create", ME, { type: "m.space", room_version: "11" }),
    make.state("m.room.name", ME, { name: "Guild" }),
  ];
  store.apply(syncOf("!guild:one", { state: { events: space } }), 0);
  await show(
    html`<weft-room-settings
        .client=${client}
        .roomId=${ROOM}
        section=${section}
      ></weft-room-settings>
      <weft-dialog-host .client=${client}></weft-dialog-host>`,
    client,
  );
  await expect.element(page.getByRole("heading", { name: "Settings of Weaving" })).toBeVisible();
  const states = () =>
    made.calls.filter(({ name }) => name === "rooms.setState").map(({ args }) => args);
  return { ...made, states };
}

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });

beforeEach(async () => {
  await page.viewport(1000, 700);
  localStorage.clear();
});
afterEach(() => {
  closeDialog();
  $toasts.set([]);
});

describe("a room's settings", () => {
  test.each([
    "general",
    "access",
    "roles",
    "notifications",
    "addresses",
    "bans",
    "servers",
    "advanced",
  ])("%s: pass axe, for those who may change them and those who may not", async (section) => {
    await open(section);
    await expectAccessible();
    await open(section, {}, { level: 0 });
    await expectAccessible();
  });

  test("keep what is typed while others change it, and when the server refuses", async () => {
    let refuse = true;
    const { states, store, make } = await open("general", {
      "rooms.setState": () => {
        if (refuse) throw new ApiError(403, { errcode: "M_FORBIDDEN" });
      },
    });
    const name = page.getByLabelText("Name");
    await userEvent.fill(name, "Weavers");
    store.apply(
      syncOf(ROOM, { timeline: { events: [make.state("m.room.name", ANN, { name: "Other" })] } }),
      0,
    );
    await expect.element(page.getByRole("heading", { name: "Settings of Other" })).toBeVisible();
    await expect.element(name).toHaveValue("Weavers");
    await userEvent.click(button("Save"));
    await expect.element(page.getByText(/You are not allowed to do this here/)).toBeVisible();
    await expect.element(name).toHaveValue("Weavers");
    await expectAccessible();
    refuse = false;
    await userEvent.click(button("Save"));
    await eventually(() =>
      expect(states().at(-1)).toEqual([ROOM, "m.room.name", { name: "Weavers" }]),
    );
    await userEvent.fill(page.getByLabelText("Topic"), "x");
    await userEvent.click(button("Discard changes"));
    await expect.element(page.getByLabelText("Topic")).toHaveValue("Looms");
  });

  test("open it to the members of a space, which has to be chosen", async () => {
    const { states, calls } = await open("access");
    await userEvent.click(page.getByRole("radio", { name: "Members of a space", exact: true }));
    await userEvent.click(button("Save"));
    await expect.element(page.getByText(/Choose at least one space/)).toBeVisible();
    expect(states()).toEqual([]);
    await userEvent.click(page.getByLabelText("Guild"));
    await userEvent.selectOptions(page.getByLabelText("Who may read what was said"), "joined");
    await userEvent.click(button("Save"));
    const allow = [{ type: "m.room_membership", room_id: "!guild:one" }];
    await eventually(() =>
      expect(states().map(([, , content]) => content)).toEqual([
        { join_rule: "restricted", allow },
        { history_visibility: "joined" },
      ]),
    );
    await userEvent.click(page.getByLabelText(/List it among the public rooms/));
    expect(calls.find(({ name }) => name === "directory.setListing")?.args).toEqual([
      ROOM,
      "public",
    ]);
  });

  test("offer no way in that the room's version does not know", async () => {
    await open("access", {}, { version: "6" });
    await expect.element(page.getByRole("radio", { name: "People who ask" })).toBeDisabled();
    await expect.element(page.getByText(/An upgrade would/).first()).toBeVisible();
  });

  test("give roles in words and numbers, and say before one locks oneself out", async () => {
    const { states } = await open("roles");
    await userEvent.selectOptions(page.getByLabelText("Role of Me"), "other");
    const number = page.getByLabelText("Role of Me, as a number");
    await userEvent.fill(number, "150");
    await expect
      .element(page.getByText("You cannot give more than your own level, 100."))
      .toBeVisible();
    await expect.element(button("Save")).toBeDisabled();
    await expectAccessible();
    await userEvent.fill(number, "40");
    await userEvent.click(button("Save"));
    await expect.element(page.getByText(/lose the right to change roles/)).toBeVisible();
    await userEvent.click(button("Cancel"));
    expect(states()).toEqual([]);
    await expect.element(number).toHaveValue(40);
    await userEvent.click(button("Discard changes"));
    await userEvent.selectOptions(page.getByLabelText("Ban people"), "100");
    await userEvent.click(button("Save"));
    await eventually(() =>
      expect(states().at(-1)?.[2]).toEqual({ users: { [ME]: 100, [ANN]: 100 }, ban: 100 }),
    );
  });

  test("add an address, and say when it is taken, with what was typed still there", async () => {
    const { calls } = await open("addresses", {
      "directory.addAlias": () => {
        throw new ApiError(409, { errcode: "M_UNKNOWN" });
      },
    });
    const field = page.getByLabelText("New address on one");
    await userEvent.fill(field, "a b");
    await expect.element(page.getByText(/has no spaces/)).toBeVisible();
    await userEvent.fill(field, "weaving");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/This room address is taken/)).toBeVisible();
    await expect.element(field).toHaveValue("weaving");
    expect(calls.find(({ name }) => name === "directory.addAlias")?.args).toEqual([
      "#weaving:one",
      ROOM,
    ]);
    await userEvent.click(button("Make main: #loom:one"));
    await eventually(() =>
      expect(calls.find(({ name }) => name === "rooms.setState")?.args[2]).toEqual({
        alias: "#loom:one",
        alt_aliases: ["#weaving:one"],
      }),
    );
  });

  test("say who is banned, by whom and why, and lift it", async () => {
    const { calls } = await open("bans");
    await expect.element(page.getByText(/banned by Ann: Sold fake wool/)).toBeVisible();
    await userEvent.click(button("Lift the ban on ben"));
    await eventually(() =>
      expect(calls.find(({ name }) => name === "rooms.unban")?.args).toEqual([ROOM, BEN]),
    );
  });

  test("shut out servers, but never one's own, and say whom it concerns", async () => {
    const { states } = await open("servers");
    await userEvent.fill(page.getByLabelText("Servers that may take part", { exact: true }), "two");
    await userEvent.click(button("Save"));
    await expect.element(page.getByText(/shut out your own server/)).toBeVisible();
    await userEvent.fill(page.getByLabelText("Servers that may take part", { exact: true }), "*");
    await userEvent.fill(page.getByLabelText(/may not, even so/), "two");
    await userEvent.click(button("Save"));
    await expect.element(page.getByText(/One person in the room is on a server/)).toBeVisible();
    await userEvent.click(button("Change them"));
    await eventually(() =>
      expect(states().at(-1)?.[2]).toEqual({
        allow: ["*"],
        deny: ["two"],
        allow_ip_literals: true,
      }),
    );
  });

  test("upgrade it after having said what becomes of it", async () => {
    const { calls } = await open("advanced", { "directory.upgrade": () => "!next" });
    await userEvent.click(button("Upgrade…"));
    await expect.element(page.getByText(/closed for new messages/)).toBeVisible();
    await expectAccessible();
    await userEvent.click(button("Upgrade"));
    await eventually(() =>
      expect(calls.find(({ name }) => name === "directory.upgrade")?.args).toEqual([ROOM, "12"]),
    );
  });

  test("keep messages for a number of days, where the server deletes any", async () => {
    const { calls } = await open("advanced");
    await expect.element(page.getByText(/deletes messages after 90 days/)).toBeVisible();
    const days = page.getByLabelText(/Days that this room/);
    await userEvent.fill(days, "many");
    await expect.element(page.getByText(/whole number of days/)).toBeVisible();
    await userEvent.fill(days, "30");
    await userEvent.click(button("Save…"));
    await expect.element(page.getByText(/cannot be brought back/)).toBeVisible();
    await userEvent.click(button("Save"));
    await eventually(() =>
      expect(calls.find(({ name }) => name === "directory.setRetention")?.args).toEqual([
        ROOM,
        30 * 86_400_000,
      ]),
    );
  });
});
