import { describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { $toasts } from "../../src/store/toasts.ts";
import { eventually } from "../unit/eventually.ts";
import { expectNarrow, openPlace, tabTo, usePlaces } from "./admin-place.ts";
import { expectAccessible, focused } from "./support.ts";
import "../../src/admin/federation/section.ts";

usePlaces();

const MINUTE = 60_000;

const failing = () => ({
  destination: "two.example",
  retry_last_ts: Date.now() - 10 * MINUTE,
  retry_interval: 20 * MINUTE,
  failure_ts: Date.now() - 100 * MINUTE,
  retry_after_ts: Date.now() + 10 * MINUTE + 20_000,
  last_success_ts: Date.now() - 120 * MINUTE,
  last_successful_stream_ordering: 10,
  last_wanted_stream_ordering: 30,
  blocked: false,
});
const ANSWERING = {
  destination: "three.example",
  retry_last_ts: 0,
  retry_interval: 0,
  failure_ts: null,
  last_success_ts: null,
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
    await expect.element(page.getByText("Last delivery")).toBeVisible();
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
