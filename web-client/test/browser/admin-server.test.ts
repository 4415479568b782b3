import { describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { $toasts } from "../../src/store/toasts.ts";
import { eventually } from "../unit/eventually.ts";
import { expectNarrow, openPlace, tabTo, usePlaces } from "./admin-place.ts";
import { expectAccessible, focused } from "./support.ts";
import "../../src/admin/overview/section.ts";
import "../../src/admin/federation/section.ts";
import "../../src/admin/background/section.ts";
import "../../src/admin/services/section.ts";
import "../../src/admin/settings/section.ts";

usePlaces();

const MINUTE = 60_000;

const replica = {
  replica: "abc",
  version: "0.1.0",
  started_ts: 1_700_000_000_000,
  seen_ts: 1_700_000_000_000,
  requests: 120,
  failed: 0,
  p95_ms: 12,
  memory_bytes: 200_000_000,
  cpu: 0.2,
};

const health = (more: object = {}) => ({
  server_name: "one",
  version: "0.1.0",
  node_version: "24.0.0",
  replica: "abc",
  started_ts: 1_700_000_000_000,
  replicas: [replica],
  database: {
    is_embedded: true,
    version: "18.4",
    size_bytes: 16_000_000,
    connections: 11,
    max_connections: 64,
  },
  uses_redis: false,
  log_position: 100,
  queues: [
    { name: "mails", length: 0, is_more: false },
    { name: "servers_behind", length: 2, is_more: false },
  ],
  failing_servers: 0,
  ...more,
});

/** An hour by the minute, with a gap. */
const history = () => {
  const last = Math.floor(Date.now() / MINUTE) * MINUTE;
  const places = Array.from({ length: 60 }, (_, at) => at).filter((at) => at < 20 || at > 25);
  return {
    step_ms: MINUTE,
    points: places.map((at) => ({
      ts: last - (59 - at) * MINUTE,
      replicas: 1,
      requests: 100 + at,
      failed: at === 30 ? 3 : 0,
      p50_ms: 3,
      p95_ms: 20,
      memory_bytes: 200_000_000,
      cpu: 0.25,
      delay_ms: 4,
      log_position: 1000 + at * 6,
    })),
  };
};

const work = (more: object = {}) => ({
  work: [],
  followers: [{ name: "sender", position: 100, behind: 0 }],
  is_halted: false,
  ...more,
});

const OVERVIEW = {
  "GET /health": () => health(),
  "GET /health/history": history,
  "GET /background": () => work(),
  "GET /application_services": () => ({ services: [] }),
  "GET /reports": () => ({ reports: [], total: 0 }),
  "GET /v3/users": () => ({ users: [], total: 1234 }),
  "GET /rooms": () => ({ rooms: [], total: 56 }),
};

describe("the overview", () => {
  test("is what the administration opens with: what needs one, figures, and charts with their words", async () => {
    await openPlace(
      {
        ...OVERVIEW,
        "GET /health": () => health({ failing_servers: 2 }),
        "GET /reports": () => ({ reports: [], total: 3 }),
        "GET /background": () =>
          work({ work: [{ id: "1", kind: "delete_room", state: "failed", done: 0, total: 2 }] }),
      },
      [],
    );
    await expect.element(page.getByRole("heading", { name: "Overview" })).toBeVisible();
    await expect.element(page.getByRole("link", { name: /Reports to decide\s*3/ })).toBeVisible();
    await expect
      .element(page.getByRole("link", { name: /Background work that failed.*1/s }))
      .toHaveAttribute("href", "#/admin/background");
    await expect
      .element(page.getByRole("link", { name: /Other servers that do not answer\s*2/ }))
      .toHaveAttribute("href", "#/admin/federation?order=failure_ts&dir=b");
    await expect.element(page.getByText("1,234")).toBeVisible();
    await expect
      .element(
        page.getByRole("img", { name: "Requests a minute: now 159, lowest 100, highest 159" }),
      )
      .toBeVisible();
    await expect.element(page.getByText("Servers that something is still sent to")).toBeVisible();
    await expectAccessible();
    await expectNarrow();
  });

  test("says that nothing needs one, and tells of each step in a table", async () => {
    // Few of them: axe looks at each cell.
    const few = () => {
      const { points } = history();
      return { step_ms: 10 * MINUTE, points: points.filter((_, at) => at % 20 === 19) };
    };
    const { asked } = await openPlace({ ...OVERVIEW, "GET /health/history": few }, []);
    await expect.element(page.getByText("All is well: nothing needs you.")).toBeVisible();
    await userEvent.click(page.getByText("As a table"));
    const table = page.getByRole("region", { name: "As a table" });
    await expect.element(table).toBeVisible();
    expect(table.getByRole("row").elements()).toHaveLength(7);
    // Nothing is known of some.
    expect(table.getByText("–", { exact: true }).elements().length).toBeGreaterThan(8);
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: "Week" }));
    await eventually(() =>
      expect(asked.findLast(({ what }) => what.endsWith("/history"))?.query).toEqual({
        span: "week",
      }),
    );
  });
});

const failing = () => ({
  destination: "two.example",
  retry_last_ts: Date.now() - 10 * MINUTE,
  retry_interval: 20 * MINUTE,
  failure_ts: Date.now() - 100 * MINUTE,
  retry_after_ts: Date.now() + 10 * MINUTE + 20_000,
  last_successful_stream_ordering: 10,
  last_wanted_stream_ordering: 30,
  blocked: false,
});
const ANSWERING = {
  destination: "three.example",
  retry_last_ts: 0,
  retry_interval: 0,
  failure_ts: null,
  last_successful_stream_ordering: 30,
  last_wanted_stream_ordering: 30,
  blocked: false,
};
const DESTINATIONS = "GET /v1/federation/destinations";
const OTHERS = {
  [DESTINATIONS]: () => ({ destinations: [failing(), ANSWERING], total: 2 }),
  [`${DESTINATIONS}/{destination}`]: failing,
  [`${DESTINATIONS}/{destination}/rooms`]: () => ({
    rooms: [{ room_id: "!kitchen:one", stream_ordering: 5 }],
    total: 1,
  }),
};

describe("federation", () => {
  test("lists servers with when they are tried next, and tries one again", async () => {
    const { asked } = await openPlace(
      {
        ...OTHERS,
        "POST /v1/federation/destinations/{destination}/reset_connection": () => ({}),
      },
      ["federation"],
    );
    await expect.element(page.getByText("in 10 minutes")).toBeVisible();
    await expect.element(page.getByText("Does not answer")).toBeVisible();
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: "Actions for two.example" }));
    await userEvent.click(page.getByRole("menuitem", { name: "Try again now" }));
    await eventually(() => expect($toasts.get().at(-1)?.text).toMatch(/two\.example is tried/));
    expect(asked.find(({ what }) => what.includes("reset"))?.path).toEqual({
      destination: "two.example",
    });
    await expectNarrow();
  });

  test("a server's page tells what it is owed, and in which rooms it is", async () => {
    await openPlace(OTHERS, ["federation", "server", "two.example"]);
    await expect
      .element(page.getByText("It lacks what happened in the last 20 steps of the log."))
      .toBeVisible();
    await expect.element(page.getByRole("link", { name: "!kitchen:one" })).toBeVisible();
    await expectAccessible();
    await expectNarrow();
  });

  test("blocking by keyboard says first whom it is about and what it does", async () => {
    const blocked: object[] = [];
    const { asked } = await openPlace(
      {
        ...OTHERS,
        "GET /federation/blocked": () => ({ blocked }),
        "PUT /federation/blocked/{serverPattern}": ({ path, body }) => {
          const by = { blocked_by: "@me:one", blocked_ts: Date.now() };
          blocked.push({ server: path!["serverPattern"], reason: body!["reason"] ?? null, ...by });
          return {};
        },
        "DELETE /federation/blocked/{serverPattern}": () => {
          blocked.length = 0;
          return {};
        },
      },
      ["federation", "blocked"],
    );
    await expect.element(page.getByText("No server is blocked.")).toBeVisible();
    await expectAccessible();
    await tabTo(() => page.getByRole("button", { name: "Block a server" }).element());
    await userEvent.keyboard("{Enter}");
    const name = page.getByRole("textbox", { name: "Name of the server" });
    await expect.poll(() => focused()).toBe(name.element());
    await userEvent.keyboard("not a server{Enter}");
    await expect.element(page.getByText(/This is no name of a server/)).toBeVisible();
    await userEvent.fill(name, "*");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText("This would be one, this server itself.")).toBeVisible();
    await userEvent.fill(name, "T*.Example");
    await userEvent.keyboard("{Enter}");
    await expect
      .element(page.getByText(/Known servers with such a name: two.example, three.example/))
      .toBeVisible();
    const reason = page.getByRole("textbox", { name: "Why (for other administrators)" });
    await expect.poll(() => focused()).toBe(reason.element());
    await expectAccessible();
    expect(asked.some(({ what }) => what.startsWith("PUT"))).toBe(false);
    await userEvent.keyboard("Spam{Enter}");
    await eventually(() =>
      expect(asked.find(({ what }) => what.startsWith("PUT"))).toMatchObject({
        path: { serverPattern: "t*.example" },
        body: { reason: "Spam" },
      }),
    );
    await expect.element(page.getByText("t*.example", { exact: true })).toBeVisible();
    await expectNarrow();
    await userEvent.click(page.getByRole("button", { name: "Actions for t*.example" }));
    await userEvent.click(page.getByRole("menuitem", { name: "Unblock" }));
    await userEvent.click(page.getByRole("button", { name: "Unblock", exact: true }));
    await expect.element(page.getByText("No server is blocked.")).toBeVisible();
  });
});

describe("background work", () => {
  test("shows how far it is till it is done", async () => {
    let state = "running";
    let done = 1;
    const one = () => ({
      ...{ id: "1", kind: "redact_user", state, user_id: "@eve:one", done, total: 4 },
      ...{ started_ts: 1_700_000_000_000, ended_ts: state === "running" ? undefined : Date.now() },
    });
    await openPlace({ "GET /background": () => work({ work: [one()] }) }, ["background"]);
    const bar = page.getByRole("progressbar", { name: "Removing a user’s messages" });
    await expect.element(bar).toHaveAttribute("max", "4");
    await expect.element(page.getByText("Rooms done: 1 of 4")).toBeVisible();
    await expectAccessible();
    done = 3;
    await expect.element(page.getByText("Rooms done: 3 of 4")).toBeVisible();
    state = "complete";
    await expect.element(page.getByText("1–1 of 1", { exact: true })).toBeVisible();
    expect(bar.elements()).toHaveLength(0);
    await expectNarrow();
  });

  test("the indexing is halted after saying what that means", async () => {
    let isHalted = false;
    const { asked } = await openPlace(
      {
        "GET /background": () => work({ is_halted: isHalted }),
        "POST /v1/background_updates/enabled": ({ body }) => {
          isHalted = body!["enabled"] === false;
          return { enabled: !isHalted };
        },
      },
      ["background"],
    );
    await userEvent.click(page.getByRole("button", { name: "Halt the indexing" }));
    await expect.element(page.getByText(/which spares the database/)).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "Halt", exact: true }));
    await expect.element(page.getByText("Indexing for searches is halted.")).toBeVisible();
    await expect.element(page.getByRole("button", { name: "Go on indexing" })).toBeVisible();
    expect(asked.find(({ what }) => what.startsWith("POST"))?.body).toEqual({ enabled: false });
  });
});

test("an application service that takes nothing says why, and is tried again", async () => {
  let failures = 3;
  const { asked } = await openPlace(
    {
      "GET /application_services": () => ({
        services: [
          {
            id: "irc",
            url: "http://127.0.0.1:9999",
            sender: "@irc:one",
            protocols: ["irc"],
            is_rate_limited: false,
            users: [{ regex: "@irc_.*", exclusive: true }],
            aliases: [],
            rooms: [],
            position: 5,
            behind: failures === 0 ? 0 : 400,
            is_waiting: failures > 0,
            failures,
            problem: failures === 0 ? null : "It could not be reached",
            retry_ts: failures === 0 ? 0 : Date.now() + 30 * MINUTE + 20_000,
          },
        ],
      }),
      "POST /application_services/{serviceId}/retry": () => {
        failures = 0;
        return {};
      },
    },
    ["services"],
  );
  await expect.element(page.getByText("It could not be reached")).toBeVisible();
  await expect.element(page.getByText("in 30 minutes")).toBeVisible();
  await expectAccessible();
  await expectNarrow();
  await userEvent.click(page.getByRole("button", { name: "Try again now" }));
  await expect.element(page.getByText("Up to date")).toBeVisible();
  expect(asked.find(({ what }) => what.startsWith("POST"))?.path).toEqual({ serviceId: "irc" });
});

test("the configuration is shown by groups, with what is live, and no secret", async () => {
  const setting = (name: string, more: object) => ({
    name,
    variable: `WEFT_${name.toUpperCase()}`,
    value: null,
    default: null,
    is_set: false,
    is_hidden: false,
    is_live: false,
    description: `What ${name} does.`,
    ...more,
  });
  await openPlace(
    {
      "GET /settings": () => ({
        read_ts: 1_700_000_000_000,
        settings: [
          setting("server_name", { value: "one", default: "localhost", is_set: true }),
          setting("rate_limits", { value: "on", default: "on", is_live: true }),
          setting("registration_shared_secret", { is_set: true, is_hidden: true }),
          setting("brand_new", { value: true, default: true }),
        ],
      }),
    },
    ["settings"],
  );
  await expect.element(page.getByRole("region", { name: "The server" })).toBeVisible();
  await expect.element(page.getByText("Set, and hidden")).toBeVisible();
  await expect.element(page.getByText("Live", { exact: true })).toBeVisible();
  await expect
    .element(page.getByRole("region", { name: "Others" }).getByText("brand_new", { exact: true }))
    .toBeVisible();
  await expectAccessible();
  await userEvent.click(page.getByLabelText("Only what is set"));
  expect(page.getByText("rate_limits", { exact: true }).elements()).toHaveLength(0);
  await userEvent.fill(page.getByLabelText("Name or description"), "secret");
  await eventually(() =>
    expect(page.getByText("server_name", { exact: true }).elements()).toHaveLength(0),
  );
  await expect.element(page.getByText("registration_shared_secret")).toBeVisible();
  await expectNarrow();
});
