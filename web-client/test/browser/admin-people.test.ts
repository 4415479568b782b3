import { describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
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
  const NOTICE = "PUT /v1/send_server_notice/{txnId}";

  test("by keyboard to some: what is wrong is said, what is sent is told, who failed is named", async () => {
    const { asked } = await openPlace(
      {
        [NOTICE]: ({ body }) => {
          if (body!["user_id"] === "@gone:one")
            throw new ApiError(404, { errcode: "M_NOT_FOUND", error: "There is no such user" });
          return { event_id: "$e" };
        },
      },
      ["notices"],
    );
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
    await expect.element(page.getByText("Told: 2 of 3, could not be told: 1")).toBeVisible();
    await expect.element(page.getByText(/@gone:one: .*no such user/)).toBeVisible();
    const sent = asked.filter(({ what }) => what === NOTICE);
    expect(sent.map(({ body }) => body!["user_id"])).toEqual(["@ann:one", "@bob:one", "@gone:one"]);
    expect(sent[0]?.body?.["content"]).toEqual({ msgtype: "m.text", body: "Tea at five" });
    await expectNarrow();
    // Who has it already is told under the same number, so nobody gets it twice.
    await userEvent.click(page.getByRole("button", { name: "Try the others again" }));
    await eventually(() => expect(asked.filter(({ what }) => what === NOTICE)).toHaveLength(6));
    const numbers = asked.filter(({ what }) => what === NOTICE).map(({ path }) => path!["txnId"]);
    expect(new Set(numbers).size).toBe(3);
    await userEvent.click(page.getByRole("button", { name: "Another notice" }));
    await expect.element(to).toBeVisible();
    expect(localStorage.getItem("weft.notice @me:one")).toBeNull();
  });

  test("to all leaves out bridges and bots, and can be stopped and gone on with", async () => {
    const waiting: (() => void)[] = [];
    let holds = true;
    let isAway = false;
    const person = (name: string, more: object = {}) => user({ name, ...more });
    const { asked } = await openPlace(
      {
        "GET /application_services": () => ({
          services: [{ sender: "@irc:one", users: [{ regex: "@irc_.*", exclusive: true }] }],
        }),
        "GET /v3/users": () => ({
          users: [
            ...["@ann:one", "@irc:one", "@irc_tom:one", "@server-notices:one"].map((name) =>
              person(name),
            ),
            person("@helper:one", { user_type: "bot" }),
            ...["@b:one", "@c:one", "@d:one", "@e:one", "@f:one"].map((name) => person(name)),
          ],
          total: 10,
        }),
        [NOTICE]: () => {
          if (isAway) throw new NetworkError(undefined);
          return holds
            ? new Promise((resolve) => waiting.push(() => resolve({})))
            : { event_id: "$e" };
        },
      },
      ["notices"],
    );
    await userEvent.click(page.getByLabelText("Everybody with an open account"));
    await userEvent.fill(page.getByLabelText("What they are told"), "Maintenance");
    await userEvent.click(page.getByRole("button", { name: "Go on" }));
    await expect.element(page.getByText(/account gets it: 6 people/)).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "Send", exact: true }));
    await eventually(() => expect(waiting).toHaveLength(4));
    await userEvent.click(page.getByRole("button", { name: "Stop" }));
    for (const answer of waiting.splice(0)) answer();
    await expect.element(page.getByText("Told: 4 of 6, could not be told: 0")).toBeVisible();
    expect(asked.filter(({ what }) => what === NOTICE)).toHaveLength(4);
    expect(localStorage.getItem("weft.notice @me:one")).toContain("Maintenance");
    // Without the server nobody is given up: it stops where it is.
    [holds, isAway] = [false, true];
    await userEvent.click(page.getByRole("button", { name: "Go on" }));
    await expect.element(page.getByText("Told: 0 of 6, could not be told: 0")).toBeVisible();
    await expect.element(page.getByText("Stopped before everybody was told")).toBeVisible();
    isAway = false;
    await userEvent.click(page.getByRole("button", { name: "Go on" }));
    await expect.element(page.getByText("Told: 6 of 6, could not be told: 0")).toBeVisible();
    const told = asked.filter(({ what }) => what === NOTICE).map(({ path }) => path!["txnId"]);
    expect(new Set(told).size).toBe(6);
  });
});
