import { describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { navigate } from "../../src/store/router.ts";
import { eventually } from "../unit/eventually.ts";
import { expectNarrow, openPlace, tabTo, usePlaces } from "./admin-place.ts";
import { expectAccessible } from "./support.ts";
import "../../src/admin/people/section.ts";
import "../../src/admin/people/user.ts";
import "../../src/admin/notices/section.ts";

usePlaces();

const user = (more: object = {}) => ({
  name: "@eve:one",
  is_guest: false,
  admin: false,
  user_type: null,
  deactivated: false,
  erased: false,
  shadow_banned: false,
  locked: false,
  suspended: false,
  displayname: "Eve",
  avatar_url: null,
  creation_ts: 1_700_000_000,
  last_seen_ts: null,
  threepids: [],
  external_ids: [],
  appservice_id: null,
  consent_server_notice_sent: null,
  consent_version: null,
  consent_ts: null,
  ...more,
});

const NOTHING = { count: 0, bytes: 0 };
const RATE = "/v1/users/{userId}/override_ratelimit";
const EVE = {
  "GET /v2/users/{userId}": () => user(),
  [`GET ${RATE}`]: () => ({}),
  "GET /background": () => ({ work: [], followers: [], is_halted: false }),
  "GET /v1/users/{userId}/storage": () => ({
    ...{ uploads: NOTHING, account_data: NOTHING, key_backups: NOTHING, waiting_messages: NOTHING },
  }),
};

describe("what somebody sends", () => {
  test("a limit of their own is set, told on their page, and taken away", async () => {
    let rate: object = {};
    const { asked } = await openPlace(
      {
        ...EVE,
        [`GET ${RATE}`]: () => rate,
        [`POST ${RATE}`]: ({ body }) => (rate = body!),
        [`DELETE ${RATE}`]: () => (rate = {}),
      },
      ["users", "@eve:one"],
    );
    await userEvent.click(page.getByRole("button", { name: "Limit of requests" }));
    await userEvent.selectOptions(page.getByRole("combobox", { name: "Limit" }), "own");
    await userEvent.fill(page.getByLabelText("Requests a second"), "0");
    await userEvent.click(page.getByRole("button", { name: "Save" }));
    await expect.element(page.getByText("At least 1 is needed here.")).toBeVisible();
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("Requests a second"), "3");
    await userEvent.fill(page.getByLabelText("Requests at once"), "9");
    await userEvent.click(page.getByRole("button", { name: "Save" }));
    await expect.element(page.getByText("3 a second, 9 at once")).toBeVisible();
    expect(asked.find(({ what }) => what.startsWith("POST"))?.body).toEqual({
      messages_per_second: 3,
      burst_count: 9,
    });
    await userEvent.click(page.getByRole("button", { name: "Limit of requests" }));
    await userEvent.selectOptions(page.getByRole("combobox", { name: "Limit" }), "everybody");
    await userEvent.click(page.getByRole("button", { name: "Save" }));
    await eventually(() =>
      expect(page.getByText("3 a second, 9 at once").elements()).toHaveLength(0),
    );
    await expectNarrow();
  });

  test("a shadow ban says what it does, and ends", async () => {
    let banned = false;
    const ban = "/v1/users/{userId}/shadow_ban";
    await openPlace(
      {
        ...EVE,
        "GET /v2/users/{userId}": () => user({ shadow_banned: banned }),
        [`POST ${ban}`]: () => ((banned = true), {}),
        [`DELETE ${ban}`]: () => ((banned = false), {}),
      },
      ["users", "@eve:one"],
    );
    await userEvent.click(page.getByRole("button", { name: "Shadow-ban" }));
    await expect.element(page.getByText(/nobody gets what they send/)).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "Shadow-ban" }).last());
    await expect.element(page.getByText("Shadow-banned", { exact: true })).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "End shadow ban" }));
    await userEvent.click(page.getByRole("button", { name: "End shadow ban" }).last());
    await eventually(() =>
      expect(page.getByText("Shadow-banned", { exact: true }).elements()).toHaveLength(0),
    );
  });

  test("all of it is removed, in so many rooms, with progress also for who comes back later", async () => {
    let begun = false;
    let done = 1;
    const work = () => ({
      ...{ id: "r", kind: "redact_user", user_id: "@eve:one", done, total: 3 },
      ...{ state: done < 3 ? "running" : "complete", started_ts: 1_700_000_000_000 },
    });
    const { asked } = await openPlace(
      {
        ...EVE,
        "GET /background": () => ({
          ...{ work: begun ? [work()] : [], followers: [], is_halted: false },
        }),
        "GET /v1/users/{userId}/memberships": () => ({
          memberships: { "!a:one": "join", "!b:one": "join", "!c:one": "leave", "!d:one": "ban" },
        }),
        "POST /v1/user/{userId}/redact": () => ((begun = true), { redact_id: "r" }),
        "GET /v3/users": () => ({ users: [], total: 0 }),
      },
      ["users", "@eve:one"],
    );
    await userEvent.click(page.getByRole("button", { name: "Remove all messages" }));
    await expect.element(page.getByText(/in or are banned from: 3\./)).toBeVisible();
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("Type @eve:one to confirm"), "@eve:one");
    await userEvent.click(page.getByRole("button", { name: "Remove all messages" }).last());
    await expect.element(page.getByText("Rooms done: 1 of 3")).toBeVisible();
    expect(asked.find(({ what }) => what.endsWith("/redact"))?.body).toEqual({
      rooms: [],
      limit: 1000,
    });
    navigate({ page: "admin", path: ["users"] });
    await expect.element(page.getByText("No user matches.")).toBeVisible();
    navigate({ page: "admin", path: ["users", "@eve:one"] });
    await expect.element(page.getByText("Rooms done: 1 of 3")).toBeVisible();
    done = 3;
    await expect.element(page.getByText("Done", { exact: true })).toBeVisible();
  });
});

describe("server notices", () => {
  const BEGIN = "PUT /server_notices/{noticeId}";

  /** A server on which notices get as far as a test lets them. */
  function played(more: object = {}) {
    const notices: Record<string, unknown>[] = [];
    const set = (id: string, change: object) =>
      Object.assign(
        notices.find((one) => one["notice_id"] === id)!,
        change,
      );
    const answers = {
      "GET /server_notices": () => ({ notices: structuredClone(notices), everybody: 60 }),
      [BEGIN]: ({ path, body }: { path?: object; body?: Record<string, unknown> }) => {
        const users = body!["users"] as string[] | undefined;
        notices.unshift({
          ...{ notice_id: (path as { noticeId: string }).noticeId, requested_by: "@me:one" },
          ...{ type: "m.room.message", content: body!["content"], to_all: users === undefined },
          ...{ state: "running", total: users?.length ?? 60, told: 1, failed: 0, failures: [] },
          ...{ created_ts: 1_700_000_000_000, ...more },
        });
        return notices[0];
      },
      "POST /server_notices/{noticeId}/stop": ({ path }: { path?: object }) =>
        set((path as { noticeId: string }).noticeId, { state: "stopped" }),
      "POST /server_notices/{noticeId}/resume": ({ path }: { path?: object }) =>
        set((path as { noticeId: string }).noticeId, { state: "running" }),
    };
    return { answers, notices };
  }

  test("by keyboard to some: what is wrong is said, what is sent is told, who failed is named", async () => {
    const { answers, notices } = played();
    const { asked } = await openPlace(answers, ["notices"]);
    const to = page.getByLabelText("Addresses, one a line");
    await expect.element(to).toBeVisible();
    await expectAccessible();
    await expectNarrow();
    await tabTo(() => to.element());
    await userEvent.keyboard("@bob:two");
    await userEvent.click(page.getByRole("button", { name: "Go on" }));
    await expect
      .element(page.getByText(/Not of this server, or no address: @bob:two/))
      .toBeVisible();
    await userEvent.fill(to, "ann\n@bob:one, @gone:one ann");
    await userEvent.click(page.getByRole("button", { name: "Go on" }));
    await expect.element(page.getByText("This has to be filled in.")).toBeVisible();
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("What they are told"), "Tea at five");
    await userEvent.click(page.getByRole("button", { name: "Go on" }));
    await expect.element(page.getByText(/room of their own with the server: 3\./)).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "Send", exact: true }));
    await expect.element(page.getByText("Told: 1 of 3")).toBeVisible();
    const begun = asked.filter(({ what }) => what === BEGIN);
    expect(begun.map(({ body }) => body)).toEqual([
      {
        content: { msgtype: "m.text", body: "Tea at five" },
        users: ["@ann:one", "@bob:one", "@gone:one"],
      },
    ]);
    // What is left to send is the server's, and shown till it ends.
    const failures = [{ user_id: "@gone:one", error: "There is no such user" }];
    Object.assign(notices[0]!, { state: "complete", told: 2, failed: 1, failures });
    await expect.element(page.getByText("Sent, but not to everybody")).toBeVisible();
    await userEvent.click(page.getByText("Could not be told: 1"));
    await expect.element(page.getByText(/: There is no such user/)).toBeVisible();
    await expectAccessible();
    await expectNarrow();
    await userEvent.click(page.getByRole("button", { name: "Try the others again" }));
    await expect.element(page.getByRole("progressbar", { name: "Being sent" })).toBeVisible();
  });

  test("to all says to how many, and can be stopped and gone on with, by whoever comes", async () => {
    const { answers, notices } = played();
    const { asked } = await openPlace(answers, ["notices"]);
    await userEvent.click(page.getByLabelText("Everybody with an open account"));
    await userEvent.fill(page.getByLabelText("What they are told"), "Maintenance");
    await userEvent.click(page.getByRole("button", { name: "Go on" }));
    await expect.element(page.getByText(/account gets it: 60 people/)).toBeVisible();
    // What goes to many wants its number typed.
    await userEvent.fill(page.getByLabelText("Type 60 to confirm"), "60");
    await userEvent.click(page.getByRole("button", { name: "Send", exact: true }));
    await userEvent.click(page.getByRole("button", { name: "Stop" }));
    await expect.element(page.getByText("Stopped", { exact: true })).toBeVisible();
    expect(asked.find(({ what }) => what === BEGIN)?.body).toEqual({
      content: { msgtype: "m.text", body: "Maintenance" },
    });
    navigate({ page: "admin", path: ["users"] });
    await expect.element(page.getByText("Maintenance")).not.toBeInTheDocument();
    navigate({ page: "admin", path: ["notices"] });
    await userEvent.click(
      page.getByRole("listitem").filter({ hasText: "Maintenance" }).getByRole("button"),
    );
    await expect.element(page.getByText("Being sent")).toBeVisible();
    Object.assign(notices[0]!, { state: "complete", told: 60 });
    await expect.element(page.getByText("Everybody was told")).toBeVisible();
    await expect.element(page.getByText("Told: 60 of 60")).toBeVisible();
  });
});
