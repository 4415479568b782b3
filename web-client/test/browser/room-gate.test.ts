import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { ApiError } from "../../src/api/errors.ts";
import { closeDialog, openDialog } from "../../src/store/dialogs.ts";
import { navigate } from "../../src/store/router.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { ANN, createTestClient, expectAccessible, ME, ROOM, settled, show } from "./support.ts";
import "../../src/pages/settings.ts";
import "../../src/pages/shell.ts";

const SUMMARY = {
  room_id: ROOM,
  name: "Weaving",
  topic: "Looms and yarn",
  num_joined_members: 12,
  world_readable: false,
  guest_can_join: false,
  join_rule: "public",
  canonical_alias: "#weaving:one",
};
const notFound = (): never => {
  throw new ApiError(404, { errcode: "M_NOT_FOUND" });
};

type Answers = NonNullable<Parameters<typeof createTestClient>[0]>;

/** In front of a room, by its id or an alias. */
async function before(room: string, answers: Answers = {}, via: string[] = []) {
  const made = createTestClient({
    "account.profile": () => ({ displayname: "Me" }),
    "account.searchUsers": () => [],
    "directory.state": notFound,
    "directory.summary": () => SUMMARY,
    ...answers,
  });
  // Nobody else goes there along with it.
  await show(html``);
  navigate({ page: "room", room, via }, true);
  await show(html`<weft-shell .client=${made.client}></weft-shell>`, made.client);
  return made;
}

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });
const asked = (calls: { name: string; args: unknown[] }[], name: string) =>
  calls.find((call) => call.name === name)?.args;

beforeEach(async () => {
  await page.viewport(1000, 700);
});
afterEach(() => {
  closeDialog();
  localStorage.clear();
  $toasts.set([]);
});

describe("in front of a room", () => {
  test("one sees what it is, and joins through the servers of the link", async () => {
    const { calls } = await before(ROOM, {}, ["two"]);
    await expect.element(page.getByText("Looms and yarn")).toBeVisible();
    await expect.element(page.getByText("12 people · #weaving:one")).toBeVisible();
    await expectAccessible();
    await userEvent.click(button("Join"));
    expect(asked(calls, "directory.summary")).toEqual([ROOM, ["two"]]);
    expect(asked(calls, "rooms.join")).toEqual([ROOM, ["two"]]);
  });

  test("one asks to be let in where that is the way, with a reason, and waits", async () => {
    const { calls, store } = await before(ROOM, {
      "directory.summary": () => ({ ...SUMMARY, join_rule: "knock" }),
      "directory.knock": () => ROOM,
    });
    await userEvent.fill(page.getByLabelText(/Why would you like to join/), "I weave");
    await expectAccessible();
    await userEvent.click(button("Ask to join"));
    expect(asked(calls, "directory.knock")).toEqual([ROOM, [], "I weave"]);
    const member = { type: "m.room.member", state_key: ME, sender: ME };
    const events = [{ ...member, content: { membership: "knock", reason: "I weave" } }];
    store.apply({ next_batch: "s", rooms: { knock: { [ROOM]: { knock_state: { events } } } } }, 0);
    await expect.element(page.getByText(/As soon as someone lets you in/)).toBeVisible();
    await expectAccessible();
    await userEvent.click(button("Take the request back"));
    await eventually(() => expect(asked(calls, "rooms.leave")).toEqual([ROOM]));
    const invited = [{ ...member, sender: ANN, content: { membership: "invite" } }];
    const invite = { [ROOM]: { invite_state: { events: invited } } };
    store.apply({ next_batch: "s", rooms: { invite } }, 0);
    await expect.element(button("Accept")).toBeVisible();
  });

  test("an address that leads nowhere is said to, and offers no join", async () => {
    await before("#nowhere:one", { "rooms.resolveAlias": notFound, "directory.summary": notFound });
    await expect
      .element(page.getByRole("heading", { name: "There is no room with this address" }))
      .toBeVisible();
    await expectAccessible();
    expect(page.getByRole("button", { name: /oin/ }).elements()).toHaveLength(0);
    expect($toasts.get()).toEqual([]);
  });

  test("a room that everybody may read is read without joining", async () => {
    const { make } = createTestClient();
    const state = [
      make.state("m.room.name", ANN, { name: "Weaving" }),
      make.member(ANN, "join", "Ann"),
    ];
    const said = make.message(ANN, "welcome, all of you");
    const { store } = await before(ROOM, {
      "directory.summary": () => ({ ...SUMMARY, world_readable: true }),
      "directory.state": () => state,
      "rooms.messages": () => ({ chunk: [said] }),
    });
    await userEvent.click(button("Look inside"));
    await expect.element(page.getByText("welcome, all of you")).toBeVisible();
    await expect.element(page.getByText(/You look in from outside/)).toBeVisible();
    expect(store.$list.get()).toEqual([]);
    await expectAccessible();
  });

  test("an invitation says who and why, and the sender can be ignored along with it", async () => {
    const { store, calls } = await before("!inv:two");
    const events = [
      { type: "m.room.name", state_key: "", sender: ANN, content: { name: "Fair" } },
      {
        type: "m.room.member",
        state_key: ANN,
        sender: ANN,
        content: { membership: "join", displayname: "Ann" },
      },
      {
        type: "m.room.member",
        state_key: ME,
        sender: ANN,
        content: { membership: "invite", reason: "Bring yarn" },
      },
    ];
    store.apply(
      { next_batch: "s", rooms: { invite: { "!inv:two": { invite_state: { events } } } } },
      0,
    );
    await expect.element(page.getByText("Ann (@ann:two) invites you.")).toBeVisible();
    await expect.element(page.getByText("Bring yarn")).toBeVisible();
    await expect.element(page.getByRole("link", { name: /Ann invites you/ })).toBeVisible();
    await expectAccessible();
    await userEvent.click(button("Decline and ignore Ann"));
    await eventually(() => expect(asked(calls, "rooms.leave")).toEqual(["!inv:two"]));
    expect(asked(calls, "account.setAccountData")).toEqual([
      "m.ignored_user_list",
      { ignored_users: { [ANN]: {} } },
    ]);
  });
});

describe("who was put out of a room", () => {
  const put = async (membership: string, more: Answers = {}) => {
    const made = await before(ROOM, more);
    const { store, make } = made;
    const events = [
      make.state("m.room.name", ANN, { name: "Weaving" }),
      make.state("m.room.join_rules", ANN, { join_rule: "public" }),
      make.member(ME, "join", "Me"),
      make.member(ANN, "join", "Ann"),
      make.message(ANN, "the last words"),
    ];
    store.apply(syncOf(ROOM, { timeline: { events } }), 0);
    const out = make.state("m.room.member", ANN, { membership, reason: "Too loud" }, ME);
    store.apply(
      { next_batch: "s", rooms: { leave: { [ROOM]: { timeline: { events: [out] } } } } },
      0,
    );
    await settled();
    return made;
  };

  test("still reads what was said, and who did it and why, and comes back where that goes", async () => {
    const { calls } = await put("leave");
    await expect.element(page.getByText("the last words", { exact: true })).toBeVisible();
    await expect.element(page.getByText(/Ann removed you from this room/)).toBeVisible();
    await expect.element(page.getByText("Too loud").last()).toBeVisible();
    expect(page.getByRole("textbox", { name: /Write to/ }).elements()).toHaveLength(0);
    await expectAccessible();
    await userEvent.click(button("Join again"));
    expect(asked(calls, "rooms.join")).toEqual([ROOM, []]);
  });

  test("cannot come back from a ban, and takes the room off the list", async () => {
    const { store } = await put("ban");
    await expect.element(page.getByText(/Ann banned you from this room/)).toBeVisible();
    expect(button("Join again").elements()).toHaveLength(0);
    await userEvent.click(button("Remove from the list"));
    await eventually(() => expect(store.$list.get()).toEqual([]));
  });

  test("finds that out on another device, too", async () => {
    const { make } = createTestClient();
    const state = [
      make.state("m.room.name", ANN, { name: "Weaving" }),
      make.member(ANN, "join", "Ann"),
      { ...make.state("m.room.member", ANN, { membership: "ban", reason: "Spam" }, ME) },
    ];
    const { store } = await before(ROOM, {
      "directory.state": () => state,
      "rooms.messages": () => ({ chunk: [make.message(ANN, "what was")] }),
    });
    await expect.element(page.getByText(/Ann banned you from this room/)).toBeVisible();
    await expect.element(page.getByText("what was", { exact: true })).toBeVisible();
    expect(store.summary(ROOM)?.removal?.how).toBe("banned");
  });
});

test("those who ask to join stand above the field and in the list of people, for who may let them in", async () => {
  const { store, make, calls } = await before(ROOM);
  const events = [
    make.state("m.room.create", ME, { room_version: "11" }),
    make.state("m.room.name", ME, { name: "Weaving" }),
    make.state("m.room.power_levels", ME, { users: { [ME]: 100 } }),
    make.member(ME, "join", "Me"),
    make.state(
      "m.room.member",
      "@ben:two",
      { membership: "knock", displayname: "Ben", reason: "Let me in" },
      "@ben:two",
    ),
  ];
  store.apply(syncOf(ROOM, { timeline: { events } }), 0);
  await expect.element(page.getByText(/Ben asks to join/).first()).toBeVisible();
  await expect.element(page.getByText("Let me in", { exact: true })).toBeVisible();
  await userEvent.click(page.getByRole("button", { name: /^People, / }));
  await expect.element(page.getByRole("heading", { name: "Asking to join: 1" })).toBeVisible();
  await expectAccessible();
  await userEvent.click(button("Let in: Ben"));
  expect(asked(calls, "rooms.invite")).toEqual([ROOM, "@ben:two"]);
  await userEvent.click(button("Decline: Ben"));
  await userEvent.fill(page.getByLabelText(/Reason/), "Full");
  await userEvent.click(button("Decline"));
  await eventually(() => expect(asked(calls, "rooms.kick")).toEqual([ROOM, "@ben:two", "Full"]));
});

describe("people", () => {
  test("who do not exist get no chat unless one insists", async () => {
    const { calls } = await before(ROOM, {
      "account.profile": notFound,
      "rooms.create": () => "!new",
    });
    openDialog({ kind: "start-direct" });
    await userEvent.fill(page.getByLabelText("Name or address"), "@nobody:one");
    await userEvent.click(button("Open chat"));
    await expect
      .element(page.getByText(/There is nobody with the address @nobody:one/))
      .toBeVisible();
    await userEvent.fill(page.getByLabelText("Name or address"), "@shy:two");
    await userEvent.click(button("Open chat"));
    await expect.element(page.getByText(/knows nothing of @shy:two/)).toBeVisible();
    expect(asked(calls, "rooms.create")).toBeUndefined();
    await expectAccessible();
    await userEvent.click(button("Go on all the same"));
    await eventually(() =>
      expect(asked(calls, "rooms.create")?.[0]).toMatchObject({ invite: ["@shy:two"] }),
    );
  });

  test("are ignored and heard again, and what they said goes from sight", async () => {
    const { store, make, client } = await before(ROOM);
    const events = [
      make.member(ME, "join", "Me"),
      make.member(ANN, "join", "Ann"),
      make.message(ANN, "nonsense"),
    ];
    store.apply(syncOf(ROOM, { timeline: { events } }), 0);
    await expect.element(page.getByText("nonsense", { exact: true })).toBeVisible();
    openDialog({ kind: "member", roomId: ROOM, userId: ANN });
    await userEvent.click(button("Ignore"));
    await userEvent.click(button("Ignore"));
    await expect.element(page.getByText("nonsense", { exact: true })).not.toBeInTheDocument();
    expect(store.summary(ROOM)?.preview).toBe("");
    await show(html`<weft-settings .client=${client} section="ignored"></weft-settings>`, client);
    await expectAccessible();
    await userEvent.click(button("No longer ignore Ann"));
    await expect.element(page.getByText("You ignore nobody.")).toBeVisible();
    expect(store.ignores(ANN)).toBe(false);
  });

  test("and rooms are reported, with what becomes of it", async () => {
    const { calls } = await before(ROOM);
    openDialog({ kind: "report-person", userId: ANN, name: "Ann" });
    await expect.element(page.getByText(/They decide what to do/)).toBeVisible();
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("What is wrong with it?"), "Spam");
    await userEvent.click(page.getByLabelText("Also ignore this person"));
    await userEvent.click(button("Report"));
    await eventually(() => expect(asked(calls, "directory.reportUser")).toEqual([ANN, "Spam"]));
    expect(asked(calls, "account.setAccountData")?.[0]).toBe("m.ignored_user_list");
    openDialog({ kind: "report-room", roomId: ROOM, name: "Weaving" });
    await userEvent.fill(page.getByLabelText("What is wrong with it?"), "Fraud");
    await userEvent.click(button("Report"));
    await eventually(() => expect(asked(calls, "directory.reportRoom")).toEqual([ROOM, "Fraud"]));
  });
});
