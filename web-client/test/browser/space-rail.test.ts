import { html } from "lit";
import { beforeEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { createTestClient, expectAccessible, focused, ME, show } from "./support.ts";
import "../../src/elements/space-rail.ts";

beforeEach(async () => {
  await page.viewport(400, 700);
});

test("spaces are put in order by the keyboard and by their menu; the keyboard goes with them", async () => {
  const { client, store, make, calls } = createTestClient();
  for (const [roomId, name] of [
    ["!a:one", "Anna"],
    ["!b:one", "Bert"],
    ["!c:one", "Carl"],
  ] as const) {
    const events = [
      make.state("m.room.create", ME, { type: "m.space", room_version: "11" }),
      make.state("m.room.name", ME, { name }),
      make.member(ME, "join", "Me"),
    ];
    store.apply(syncOf(roomId, { state: { events } }), 0);
  }
  const stage = await show(
    html`<weft-space-rail style="width:64px;height:600px" .client=${client}></weft-space-rail>`,
    client,
  );
  const names = (): (string | undefined)[] =>
    [
      ...stage
        .querySelector("weft-space-rail")!
        .shadowRoot!.querySelectorAll<HTMLElement>("[data-space^='!']"),
    ].map((place) => place.title);
  expect(names()).toEqual(["Anna", "Bert", "Carl"]);
  (page.getByRole("button", { name: "Carl" }).element() as HTMLElement).focus();
  await userEvent.keyboard("{Alt>}{Shift>}{ArrowUp}{/Shift}{/Alt}");
  await eventually(() => expect(names()).toEqual(["Anna", "Carl", "Bert"]));
  await eventually(() => expect((focused() as HTMLElement | null)?.title).toBe("Carl"));
  await expect.element(page.getByText("Place 2 of 3")).toBeInTheDocument();
  await userEvent.click(page.getByRole("button", { name: "Anna" }), { button: "right" });
  await expectAccessible();
  await userEvent.click(page.getByRole("menuitem", { name: "Move down" }));
  await eventually(() => expect(names()).toEqual(["Carl", "Anna", "Bert"]));
  await eventually(() => expect((focused() as HTMLElement | null)?.title).toBe("Anna"));
  expect(calls.some(({ name }) => name === "notes.setAccountData")).toBe(true);
});
