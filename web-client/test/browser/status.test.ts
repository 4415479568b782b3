import { html } from "lit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { WeftRoomLink } from "../../src/elements/room-link.ts";
import { WeftRoomList } from "../../src/elements/room-list.ts";
import { navigate } from "../../src/store/router.ts";
import { syncOf } from "../unit/events.ts";
import { ANN, createTestClient, expectAccessible, ME, ROOM, settled, show } from "./support.ts";
import "../../src/pages/shell.ts";

const CARL = "@carl:two";

/** A direct chat with Ann, whose server shows who is there, unless told otherwise. */
function home({ showsPresence = true } = {}) {
  const made = createTestClient({ "presence.status": () => "" });
  const { store, make } = made;
  const state = [make.member(ME, "join", "Me"), make.member(ANN, "join", "Ann")];
  const direct = { type: "m.direct", content: { [ANN]: [ROOM] } };
  const more = { account_data: { events: [direct] } };
  const timeline = { events: [make.message(ANN, "Hello")] };
  store.apply(syncOf(ROOM, { state: { events: state }, timeline }, more), 0);
  if (showsPresence) {
    store.presence.apply(
      [
        { sender: ME, content: { presence: "online" } },
        { sender: ANN, content: { presence: "unavailable", status_msg: "At lunch" } },
      ],
      0,
    );
  }
  return made;
}

afterEach(() => vi.restoreAllMocks());
beforeEach(async () => {
  await page.viewport(1100, 700);
  navigate({ page: "room", room: ROOM, via: [] }, true);
});

test("what somebody is up to stands in the direct chat, the list of people and on their card", async () => {
  const { client } = home();
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  await expect.element(page.getByText("Away · At lunch")).toBeVisible();
  await userEvent.click(page.getByRole("button", { name: /^People, / }));
  await expect.element(page.getByText("At lunch", { exact: true })).toBeVisible();
  await expectAccessible();
  await userEvent.click(page.getByRole("button", { name: /Ann.*away/s }));
  await expect.element(page.getByRole("dialog", { name: "Profile" })).toBeVisible();
  await expect.poll(() => page.getByText("Away · At lunch").elements()).toHaveLength(2);
});

test("one says what one is up to, and is seen as away until one changes it", async () => {
  const { client, calls, store } = home();
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  await userEvent.click(page.getByRole("button", { name: /Your account/ }));
  await userEvent.click(page.getByRole("menuitem", { name: "Status" }));
  await expectAccessible();
  await userEvent.fill(page.getByLabelText("What are you up to?"), "Weaving");
  await userEvent.click(page.getByRole("radio", { name: /^Away/ }));
  await userEvent.click(page.getByRole("button", { name: "Save" }));
  await vi.waitFor(() =>
    expect(calls.filter(({ name }) => /^presence\.(keep|set)$/.test(name))).toEqual([
      {
        name: "presence.keep",
        args: ["weft.presence", { presence: "unavailable", status_msg: "Weaving" }],
      },
      { name: "presence.set", args: ["online", "Weaving"] },
    ]),
  );
  expect(store.presence.$own.get()).toEqual({ state: "unavailable", status: "Weaving" });
});

test("a server that shows nobody's presence is asked for no status", async () => {
  const { client } = home({ showsPresence: false });
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  await userEvent.click(page.getByRole("button", { name: /Your account/ }));
  await expect.element(page.getByRole("menuitem", { name: "Settings" })).toBeVisible();
  expect(page.getByRole("menuitem", { name: "Status" }).elements()).toEqual([]);
});

test("a server that forgot the status is told it again", async () => {
  const { client, calls, store } = home();
  store.presence.readOwn({ presence: "online", status_msg: "Weaving" });
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  await vi.waitFor(() =>
    expect(calls).toContainEqual({ name: "presence.set", args: ["online", "Weaving"] }),
  );
});

test("people who come and go do not draw the list of rooms anew", async () => {
  const { client, store } = home();
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  const updates = [WeftRoomList, WeftRoomLink].map((one) =>
    vi.spyOn(one.prototype as unknown as { update(): void }, "update"),
  );
  store.presence.apply([{ sender: CARL, content: { presence: "online" } }], 0);
  store.presence.apply([{ sender: ANN, content: { presence: "online" } }], 0);
  await settled();
  await expect.element(page.getByText("Online", { exact: true })).toBeVisible();
  for (const spy of updates) expect(spy).not.toHaveBeenCalled();
});
