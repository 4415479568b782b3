import { describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { eventually } from "../unit/eventually.ts";
import { expectNarrow, openPlace, usePlaces } from "./admin-place.ts";
import { expectAccessible } from "./support.ts";
import "../../src/admin/overview/section.ts";
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

  test("is asked for once a visit", async () => {
    const ended = { id: "1", kind: "delete_room", state: "complete", room_id: "!hall:one" };
    const times = { started_ts: 1_700_000_000_000, ended_ts: 1_700_000_001_000 };
    const { asked } = await openPlace(
      { "GET /background": () => work({ work: [{ ...ended, ...times, done: 2, total: 2 }] }) },
      ["background"],
    );
    await expect.element(page.getByText("1–1 of 1", { exact: true })).toBeVisible();
    await expect.element(page.getByRole("link", { name: "!hall:one" })).toBeVisible();
    expect(asked.filter(({ what }) => what === "GET /background")).toHaveLength(1);
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
  await expect.element(page.getByText("rate_limits", { exact: true })).not.toBeInTheDocument();
  await userEvent.fill(page.getByLabelText("Name or description"), "secret");
  await eventually(() =>
    expect(page.getByText("server_name", { exact: true }).elements()).toHaveLength(0),
  );
  await expect.element(page.getByText("registration_shared_secret")).toBeVisible();
  await expectNarrow();
});
