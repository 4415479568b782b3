import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../unit/eventually.ts";
import { page, userEvent } from "vitest/browser";
import { openDialog } from "../../src/store/dialogs.ts";
import { navigate } from "../../src/store/router.ts";
import { $toasts, report } from "../../src/store/toasts.ts";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import { syncOf } from "../unit/events.ts";
import {
  ANN,
  createTestClient,
  expectAccessible,
  focused,
  ME,
  ROOM,
  settled,
  show,
} from "./support.ts";
import "../../src/pages/directory.ts";
import "../../src/pages/register.ts";
import "../../src/pages/settings.ts";
import "../../src/pages/shell.ts";
import "../../src/pages/sign-in.ts";
import "../../src/elements/toasts.ts";

const realFetch = window.fetch;

/** What the server lets people sign in by, which the page asks for first. */
const FLOWS = { flows: [{ type: "m.login.password" }] };

/**
 * Answers the client's requests that ask for something: one script per path, in order; the last answer stays. What can be
 * read at the path of signing in is told always.
 */
function serve(routes: Record<string, [status: number, body: unknown][]>) {
  const asked: { path: string; body: Record<string, unknown> }[] = [];
  window.fetch = (input, init) => {
    const path = new URL(input instanceof Request ? input.url : input, location.href).pathname;
    const answers = routes[path];
    if (answers === undefined) return realFetch(input, init);
    if (path === LOGIN && (init?.method ?? "GET") === "GET") {
      return Promise.resolve(new Response(JSON.stringify(FLOWS)));
    }
    asked.push({ path, body: typeof init?.body === "string" ? JSON.parse(init.body) : {} });
    const [status, body] = answers.length > 1 ? answers.shift()! : answers[0]!;
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  };
  return asked;
}

const REGISTER = "/_matrix/client/v3/register";
const LOGIN = "/_matrix/client/v3/login";

afterEach(() => {
  window.fetch = realFetch;
  localStorage.clear();
  $toasts.set([]);
});

beforeEach(async () => {
  await page.viewport(1000, 700);
  navigate({ page: "home" }, true);
});

describe("at the door", () => {
  test("the sign-in page passes axe and tells a wrong password in words", async () => {
    const asked = serve({ [LOGIN]: [[403, { errcode: "M_FORBIDDEN", error: "Invalid" }]] });
    await show(html`<weft-sign-in></weft-sign-in>`);
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("User name"), "ann");
    await userEvent.fill(page.getByLabelText("Password", { exact: true }), "wrong");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/Name or password is wrong/)).toBeVisible();
    expect(asked[0]?.body).toMatchObject({
      type: "m.login.password",
      identifier: { user: "ann" },
      refresh_token: true,
    });
  });

  test("a server that wants a registration token gets it, after the person was asked", async () => {
    const flows = [{ stages: ["m.login.registration_token"] }];
    const asked = serve({
      [REGISTER]: [
        [401, { session: "s1", flows }],
        [401, { session: "s2", flows }],
        [403, { errcode: "M_FORBIDDEN" }],
      ],
      "/_matrix/client/v3/register/available": [[200, { available: true }]],
    });
    await show(html`<weft-register></weft-register>`);
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("User name"), "ann");
    await userEvent.fill(page.getByLabelText("Password", { exact: true }), "long enough");
    await userEvent.click(page.getByRole("button", { name: "Create account" }));
    await expect.poll(() => focused()).toBe(page.getByLabelText("Registration token").element());
    await userEvent.fill(page.getByLabelText("Registration token"), "abc");
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(asked.filter(({ path }) => path === REGISTER)).toHaveLength(3));
    expect(asked.at(-1)?.body["auth"]).toMatchObject({
      type: "m.login.registration_token",
      token: "abc",
      session: "s2",
    });
    await expect.element(page.getByText(/takes no new accounts/)).toBeVisible();
  });

  test("after a soft logout only the password is asked for, and the device stays the same", async () => {
    const asked = serve({ [LOGIN]: [[403, { errcode: "M_FORBIDDEN" }]] });
    const again = {
      baseUrl: "",
      userId: "@ann:two",
      deviceId: "OLD",
      accessToken: "x",
      softLoggedOut: true,
    };
    await show(html`<weft-sign-in .again=${again}></weft-sign-in>`);
    expect(page.getByLabelText("User name").elements()).toHaveLength(0);
    await userEvent.fill(page.getByLabelText("Password", { exact: true }), "secret");
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(asked).toHaveLength(1));
    expect(asked[0]?.body).toMatchObject({ device_id: "OLD", identifier: { user: "@ann:two" } });
  });
});

function home() {
  const made = createTestClient({
    "account.profile": () => ({ displayname: "Me" }),
    "account.devices": () => [
      { device_id: "D", display_name: "Here", last_seen_ts: 1 },
      { device_id: "E", display_name: "There" },
    ],
    "account.searchUsers": () => [{ user_id: ANN, display_name: "Ann" }],
    "rooms.directory": () => ({
      chunk: [
        {
          room_id: "!p:x",
          name: "Open house",
          topic: "Come in",
          num_joined_members: 3,
          world_readable: true,
          guest_can_join: false,
        },
      ],
      next_batch: "more",
    }),
  });
  const { store, make } = made;
  const members = [make.member(ME, "join", "Me"), make.member(ANN, "join", "Ann")];
  const create = make.state("m.room.create", ME, { room_version: "12" });
  for (const [at, name] of ["Weaving", "Dyeing", "Spinning"].entries()) {
    const events = [
      create,
      ...members,
      make.state("m.room.name", ME, { name }),
      make.message(ANN, `about ${name}`),
    ];
    const counts = { notification_count: at, highlight_count: at === 2 ? 1 : 0 };
    store.apply(syncOf(`${ROOM}${at}`, { timeline: { events }, unread_notifications: counts }), 0);
  }
  const stripped = [
    { type: "m.room.name", state_key: "", sender: ANN, content: { name: "Come in" } },
    { type: "m.room.member", state_key: ME, sender: ANN, content: { membership: "invite" } },
  ];
  store.apply(
    { next_batch: "s", rooms: { invite: { "!inv:two": { invite_state: { events: stripped } } } } },
    0,
  );
  store.presence.apply([{ sender: ANN, content: { presence: "online" } }], 0);
  return made;
}

describe("the rooms", () => {
  test("are listed with invitations first, newest next, counts and last words", async () => {
    const { client } = home();
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    const names = page
      .getByRole("link")
      .elements()
      .map((link) => link.querySelector(".name")?.textContent);
    expect(names).toEqual(["Come in", "Spinning", "Dyeing", "Weaving"]);
    await expect.element(page.getByText("Ann: about Spinning")).toBeVisible();
    await expect.element(page.getByText("2 unread, 1 for you")).toBeInTheDocument();
    expect(document.title).toBe("(3) Weft");
    await expectAccessible();
  });

  test("are found by name, and opened with Enter", async () => {
    const { client } = home();
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    await userEvent.click(page.getByRole("searchbox", { name: "Find a room" }));
    await userEvent.keyboard("dye");
    await settled();
    expect(page.getByRole("link").elements()).toHaveLength(1);
    await userEvent.keyboard("{Enter}");
    expect(decodeURIComponent(location.hash)).toBe(`#/room/${ROOM}1`);
    // The search has done its work.
    await settled();
    expect(page.getByRole("link").elements().length).toBeGreaterThan(1);
  });

  test("a lost connection is told quietly", async () => {
    const { client, $status } = home();
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    $status.set("offline");
    await expect.element(page.getByText(/No connection\./)).toBeInTheDocument();
    $status.set("live");
    await expect.element(page.getByText(/No connection\./)).not.toBeInTheDocument();
  });

  test("on a phone one sees the list or the room", async () => {
    await page.viewport(390, 800);
    const { client } = home();
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    await expect.element(page.getByRole("navigation", { name: "Rooms" })).toBeVisible();
    navigate({ page: "room", room: `${ROOM}1`, via: [] }, true);
    await settled();
    await expect.element(page.getByRole("navigation", { name: "Rooms" })).not.toBeInTheDocument();
    await expect.element(page.getByRole("link", { name: "Back to the rooms" })).toBeVisible();
    await expectAccessible();
  });

  test("an invitation can be accepted", async () => {
    const { client, calls } = home();
    navigate({ page: "room", room: "!inv:two", via: [] }, true);
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: "Accept" }));
    await eventually(() =>
      expect(calls.find(({ name }) => name === "rooms.join")?.args).toEqual(["!inv:two", ["two"]]),
    );
  });

  test("the list of people shows rights and presence, and a card with what can be done", async () => {
    const { client } = home();
    navigate({ page: "room", room: `${ROOM}0`, via: [] }, true);
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    await userEvent.click(page.getByRole("button", { name: "People, 2" }));
    await expect.element(page.getByRole("heading", { name: "In the room: 2" })).toBeVisible();
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: /Ann\s*online/ }));
    await expect.element(page.getByRole("dialog", { name: "Profile" })).toBeVisible();
    await expectAccessible();
  });
});

describe("windows", () => {
  test.each([
    ["create-room", "Create a room"],
    ["start-direct", "Write to someone"],
    ["join", "Join by address"],
  ] as const)("%s passes axe, has the keyboard and closes with Escape", async (kind, name) => {
    const { client } = home();
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    openDialog({ kind });
    await expect.element(page.getByRole("dialog", { name })).toBeVisible();
    await expectAccessible();
    await expect.element(page.getByRole("textbox").first()).toBeInTheDocument();
    await userEvent.keyboard("{Escape}");
    await expect.element(page.getByRole("dialog")).not.toBeInTheDocument();
  });

  test("a report passes axe", async () => {
    const { client } = home();
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    openDialog({ kind: "report", roomId: `${ROOM}0`, eventId: "$1" });
    await expect.element(page.getByRole("dialog", { name: "Report this message" })).toBeVisible();
    await expectAccessible();
    await userEvent.keyboard("{Escape}");
  });

  test("a room is created with what was filled in", async () => {
    const { client, calls } = home();
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    openDialog({ kind: "create-room" });
    await userEvent.fill(page.getByLabelText("Name"), "Knitting");
    await userEvent.click(page.getByLabelText("Everyone"));
    await userEvent.fill(page.getByLabelText("Address"), "#knit:one");
    await userEvent.click(page.getByRole("button", { name: "Create", exact: true }));
    await eventually(() => expect(calls.some(({ name }) => name === "rooms.create")).toBe(true));
    expect(calls.find(({ name }) => name === "rooms.create")?.args[0]).toEqual({
      name: "Knitting",
      visibility: "public",
      preset: "public_chat",
      room_alias_name: "knit",
    });
  });
});

describe("pages", () => {
  test.each(["profile", "appearance", "password", "devices"])(
    "settings, %s: passes axe",
    async (section) => {
      const { client } = home();
      await show(
        html`<weft-settings .client=${client} section=${section}></weft-settings>`,
        client,
      );
      await expect.element(page.getByRole("heading", { name: "Settings" })).toBeVisible();
      await expectAccessible();
    },
  );

  test("the directory passes axe and asks another server", async () => {
    const { client, calls } = home();
    await show(html`<weft-directory .client=${client}></weft-directory>`, client);
    await expect.element(page.getByRole("heading", { name: "Open house" })).toBeVisible();
    await expectAccessible();
    await userEvent.selectOptions(page.getByLabelText("Server"), "+");
    await userEvent.fill(page.getByLabelText("Name of the other server"), "two.example");
    await userEvent.keyboard("{Enter}");
    await eventually(() => {
      expect(calls.filter(({ name }) => name === "rooms.directory").at(-1)?.args[0]).toBe(
        "two.example",
      );
    });
  });
});

test("errors say what helps, never raw JSON", async () => {
  await show(html`<weft-toasts></weft-toasts>`);
  report(new ApiError(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 2500 }));
  report(new ApiError(500, {}));
  report(new NetworkError("x"));
  await expect.element(page.getByText("That was a bit fast. Try again in 3 s.")).toBeVisible();
  await expect
    .element(page.getByText("The server had a problem of its own. Try again in a moment."))
    .toBeVisible();
  await expectAccessible();
});
