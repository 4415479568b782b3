import { html } from "lit";
import { describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { ApiError } from "../../src/api/errors.ts";
import { $route, navigate } from "../../src/store/router.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { eventually } from "../unit/eventually.ts";
import { createAdminClient } from "./admin.ts";
import { openPlace, usePlaces } from "./admin-place.ts";
import { createTestClient, expectAccessible, focused, settled, show } from "./support.ts";
import "../../src/elements/welcome.ts";
import "../../src/admin/people/section.ts";
import "../../src/admin/people/user.ts";
import "../../src/admin/people/import.ts";
import "../../src/admin/people/tokens.ts";

const TOTAL = 10_000;

const userAt = (at: number) => ({
  name: `@user${at}:one`,
  is_guest: false,
  admin: at === 0,
  user_type: null,
  deactivated: false,
  erased: false,
  shadow_banned: false,
  locked: at === 2,
  suspended: at === 1,
  displayname: at === 3 ? "\u202Etxt.exe" : `User ${at}`,
  avatar_url: null,
  creation_ts: 1_700_000_000_000,
  last_seen_ts: at === 4 ? null : 1_700_000_000_000,
});

/** Ten thousand users, as the server pages through them. */
const listUsers = ({ query = {} }: { query?: Record<string, unknown> }) => {
  const from = Number(query["from"] ?? 0);
  const all = query["name"] === undefined ? TOTAL : 1;
  const length = Math.max(0, Math.min(Number(query["limit"]), all - from));
  return {
    users: Array.from({ length }, (_, at) => userAt(query["name"] === undefined ? from + at : 7)),
    total: all,
  };
};

const detail = (at: number) => ({
  ...userAt(at),
  creation_ts: 1_700_000_000,
  threepids: [{ medium: "email", address: "user@example.org", added_at: 0, validated_at: 0 }],
  external_ids: [],
  appservice_id: null,
  consent_server_notice_sent: null,
  consent_version: null,
  consent_ts: null,
});

const LIST = "GET /v3/users";
const USER = "GET /v2/users/{userId}";

const open = (answers: Parameters<typeof openPlace>[0], path: string[]) =>
  openPlace(
    {
      ...{ [LIST]: listUsers, [USER]: () => detail(1) },
      "GET /v1/users/{userId}/override_ratelimit": () => ({}),
      "GET /background": () => ({ work: [], followers: [], is_halted: false }),
      ...answers,
    },
    path,
  );

usePlaces();

describe("the door", () => {
  test("somebody who is no administrator sees no trace, and is told that there is nothing", async () => {
    const { client } = createTestClient({ "account.mayAdminister": () => false });
    navigate({ page: "admin", path: ["users"] }, true);
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    await expect
      .element(page.getByText("There is nothing for your account at this address."))
      .toBeVisible();
    await expectAccessible();
    await userEvent.click(page.getByRole("link", { name: "Back to the rooms" }));
    await userEvent.click(page.getByRole("button", { name: /Your account/ }));
    await expect.element(page.getByRole("menuitem", { name: "Settings" })).toBeVisible();
    expect(page.getByRole("menuitem", { name: "Administration" }).elements()).toHaveLength(0);
    expect(document.querySelector("weft-admin")).toBeNull();
  });

  test("an administrator finds it in the menu", async () => {
    const { client } = createAdminClient({ [LIST]: listUsers });
    await show(html`<weft-shell .client=${client}></weft-shell>`, client);
    await userEvent.click(page.getByRole("button", { name: /Your account/ }));
    await userEvent.click(page.getByRole("menuitem", { name: "Administration" }));
    await expect.element(page.getByRole("navigation", { name: "Administration" })).toBeVisible();
  });
});

test("an administrator without a room is told that they are one, and what to do first", async () => {
  const { client } = createAdminClient({});
  await show(html`<weft-welcome .client=${client}></weft-welcome>`, client);
  await expect.element(page.getByText(/You are an administrator of one\./)).toBeVisible();
  await expect.element(page.getByRole("button", { name: /Create a room/ })).toBeVisible();
  await expect.element(page.getByRole("button", { name: /Invite people by a link/ })).toBeVisible();
  await expect
    .element(page.getByRole("link", { name: /Open the administration/ }))
    .toHaveAttribute("href", "#/admin");
  await expectAccessible();
});

describe("the list of users", () => {
  test("shows a page of ten thousand, searches, orders and pages at the server, and passes axe", async () => {
    const { asked } = await open({}, ["users"]);
    await expect.element(page.getByText("1–50 of 10,000")).toBeVisible();
    expect(page.getByRole("row").elements()).toHaveLength(51);
    // Nothing in a name turns what stands around it.
    await expect.element(page.getByRole("link", { name: "txt.exe", exact: true })).toBeVisible();
    await expectAccessible();

    await userEvent.click(page.getByRole("button", { name: "Last seen" }));
    await eventually(() =>
      expect(asked.at(-1)?.query).toMatchObject({ order_by: "last_seen_ts", dir: "f" }),
    );
    await userEvent.click(page.getByRole("button", { name: "Next" }));
    await expect.element(page.getByText("51–100 of 10,000")).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "Last", exact: true }));
    await expect.element(page.getByText("9,951–10,000 of 10,000")).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "First" }));
    await expect.element(page.getByText("1–50 of 10,000")).toBeVisible();

    await userEvent.fill(page.getByLabelText("Name or address"), "seven");
    await expect.element(page.getByText("1–1 of 1", { exact: true })).toBeVisible();
    expect($route.get()).toMatchObject({
      path: ["users"],
      query: { search: "seven", order: "last_seen_ts" },
    });
    await userEvent.selectOptions(page.getByRole("combobox", { name: "Show" }), "closed");
    await eventually(() =>
      expect(asked.at(-1)?.query).toMatchObject({ deactivated: true, name: "seven" }),
    );
  });

  test("tells what went wrong and tries again", async () => {
    let isAway = true;
    await open(
      {
        [LIST]: (options) => {
          if (isAway) throw new ApiError(400, { errcode: "M_UNKNOWN", error: "Full moon" });
          return listUsers(options);
        },
      },
      ["users"],
    );
    await expect.element(page.getByText("The server said: Full moon")).toBeVisible();
    isAway = false;
    await userEvent.click(page.getByRole("button", { name: "Try again" }));
    await expect.element(page.getByText("1–50 of 10,000")).toBeVisible();
  });

  test("is a list of cards at 320 px, where nothing is lost", async () => {
    await page.viewport(320, 700);
    await open({}, ["users"]);
    await expect.element(page.getByText("1–50 of 10,000")).toBeInTheDocument();
    await settled();
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(320);
    const table = page.getByRole("table", { name: "Users" }).element();
    expect(table.getBoundingClientRect().right).toBeLessThanOrEqual(320);
    await expect.element(page.getByLabelText("Order")).toBeVisible();
    await expectAccessible();
  });
});

describe("creating", () => {
  test("says what is wrong beside the field, keeps what was typed, and shows a made-up password once", async () => {
    const made: unknown[] = [];
    await open(
      {
        "POST /v1/users": ({ body }) => {
          const [user] = body!["users"] as { username: string }[];
          const userId = `@${user!.username}:one`;
          if (userId === "@taken:one")
            return { results: [{ user_id: userId, created: false, errcode: "M_USER_IN_USE" }] };
          made.push(user);
          return { results: [{ user_id: userId, created: true, password: "Made-Up-One" }] };
        },
      },
      ["users"],
    );
    await userEvent.click(page.getByRole("button", { name: "Create a user" }));
    const name = page.getByLabelText("User name");
    await expect.poll(() => focused()).toBe(name.element());
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText("This has to be filled in.")).toBeVisible();
    await userEvent.fill(name, "Ann Lee");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/Names are made of/)).toBeVisible();
    await userEvent.fill(name, "taken");
    await userEvent.fill(page.getByLabelText("Display name"), "Ann Lee");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/This name is taken/)).toBeVisible();
    expect(made).toEqual([]);
    await expect.element(page.getByLabelText("Display name")).toHaveValue("Ann Lee");
    await expectAccessible();
    await userEvent.fill(name, "ann");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/@ann:one was created/)).toBeVisible();
    expect(made).toEqual([{ username: "ann", displayname: "Ann Lee" }]);
    await expect.element(page.getByText("Made-Up-One")).toBeVisible();
    await expectAccessible();
  });

  test("many by a list: each line says what is wrong with it and what became of it", async () => {
    const made: string[] = [];
    await open(
      {
        "POST /v1/users": ({ body }) => ({
          results: (body!["users"] as { username: string; password?: string }[]).map((user) => {
            const userId = `@${user.username}:one`;
            if (user.username === "kept")
              return { user_id: userId, created: false, errcode: "M_EXCLUSIVE", error: "Kept" };
            made.push(userId);
            const password = user.password === undefined ? { password: "Made-Up-One" } : {};
            return { user_id: userId, created: true, ...password };
          }),
        }),
      },
      ["users", "import"],
    );
    const text = "ann,Ann Lee,,ann@example.org,yes\nNot a name\nkept\nbob,Bob,secret";
    await userEvent.fill(page.getByLabelText("Or the list itself"), text);
    await expect.element(page.getByText("Lines: 4, with an error: 1, created: 0")).toBeVisible();
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: "Create (3)" }));
    await expect.element(page.getByText("Lines: 4, with an error: 1, created: 2")).toBeVisible();
    expect(made).toEqual(["@ann:one", "@bob:one"]);
    await expect.element(page.getByText(/kept for a bridge/)).toBeVisible();
    // What failed can be tried again; what is done is not done twice.
    await expect.element(page.getByRole("button", { name: "Create (1)" })).toBeVisible();
    await expect.element(page.getByRole("button", { name: "Save the passwords" })).toBeVisible();
  });
});

describe("a user's page", () => {
  test("tells who they are and passes axe", async () => {
    await open({}, ["users", "@user1:one"]);
    await expect.element(page.getByRole("heading", { name: "User 1" })).toBeVisible();
    await expect.element(page.getByText("user@example.org")).toBeVisible();
    await expect.element(page.getByText("Suspended", { exact: true })).toBeVisible();
    await expectAccessible();
  });

  test("closing an account needs its name typed, and says that it cannot be undone", async () => {
    const { asked } = await open(
      { "POST /v1/deactivate/{userId}": () => ({ id_server_unbind_result: "success" }) },
      ["users", "@user1:one"],
    );
    await userEvent.click(page.getByRole("button", { name: "Close the account" }));
    await expect.element(page.getByText(/This cannot be undone/)).toBeVisible();
    const confirm = page.getByRole("button", { name: "Close the account" }).last();
    await userEvent.click(page.getByLabelText("Erase as well"));
    await userEvent.fill(page.getByLabelText("Type @user1:one to confirm"), "@user2:one");
    await userEvent.click(confirm);
    await expect.element(page.getByText(/exactly as it stands here/)).toBeVisible();
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("Type @user1:one to confirm"), "@user1:one");
    await userEvent.click(confirm);
    await eventually(() =>
      expect(asked.find(({ what }) => what.includes("deactivate"))?.body).toEqual({ erase: true }),
    );
    await eventually(() => expect($toasts.get().at(-1)?.text).toBe("The account was closed."));
  });

  test("signing out a device gives the keyboard back", async () => {
    let devices = ["A", "B"];
    const { asked } = await open(
      {
        "GET /v2/users/{userId}/devices": () => ({
          devices: devices.map((id) => ({
            device_id: id,
            display_name: `Device ${id}`,
            last_seen_ip: "127.0.0.1",
            last_seen_user_agent: "A browser",
            last_seen_ts: 1_700_000_000_000,
            user_id: "@user1:one",
          })),
          total: devices.length,
        }),
        "POST /v2/users/{userId}/delete_devices": () => {
          devices = ["B"];
          return {};
        },
      },
      ["users", "@user1:one", "devices"],
    );
    await userEvent.click(page.getByRole("button", { name: "Actions for Device A" }));
    await userEvent.click(page.getByRole("menuitem", { name: "Sign out" }));
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: "Sign out", exact: true }));
    await eventually(() =>
      expect(asked.find(({ what }) => what.includes("delete_devices"))?.body).toEqual({
        devices: ["A"],
      }),
    );
    await expect.element(page.getByText("1–1 of 1", { exact: true })).toBeVisible();
    await expect.poll(() => focused()?.tagName).not.toBe("BODY");
  });
});

test("a link to register is made, shown and counted", async () => {
  const { asked } = await open(
    {
      "GET /v1/registration_tokens": () => ({
        registration_tokens: [
          { token: "abc", uses_allowed: 3, pending: 0, completed: 1, expiry_time: null },
        ],
      }),
      "POST /v1/invite_links": () => ({
        token: "fresh",
        url: "https://one.example/?registration_token=fresh#/register",
        uses_allowed: 5,
        expiry_time: null,
      }),
    },
    ["tokens"],
  );
  await expect.element(page.getByText("1 of 3")).toBeVisible();
  await expectAccessible();
  await userEvent.click(page.getByRole("button", { name: "Invite by link" }));
  await userEvent.fill(page.getByLabelText("How many accounts"), "5");
  await userEvent.click(page.getByRole("button", { name: "Make a link" }));
  await expect.element(page.getByText(/registration_token=fresh#\/register/)).toBeVisible();
  expect(asked.find(({ what }) => what.endsWith("/invite_links"))?.body).toEqual({
    uses_allowed: 5,
    expiry_time: null,
  });
});
