import { html } from "lit";
import { beforeEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import "../../src/dialogs/reactions.ts";
import { $dialog, closeDialog } from "../../src/store/dialogs.ts";
import { eventually } from "../unit/eventually.ts";
import { article, openRoom } from "./open-room.ts";
import { ANN, expectAccessible, focused, ROOM, show } from "./support.ts";

beforeEach(async () => {
  await page.viewport(1000, 700);
  closeDialog();
});

test("who reacted is listed, and reached by the keyboard", async () => {
  const room = await openRoom({}, 2);
  const eventId = room.said[1]!.event_id;
  await room.bring({ timeline: { events: [room.make.reaction(ANN, eventId, "🧶")] } });
  (article(/message 1/).element() as HTMLElement).focus();
  await userEvent.keyboard("{Tab}");
  await eventually(() => expect(focused()?.closest("button")).not.toBeNull());
  const more = page.getByRole("button", { name: "More", exact: true }).last();
  await userEvent.click(more);
  await userEvent.click(page.getByRole("menuitem", { name: "Who reacted" }));
  await eventually(() => expect($dialog.get()).toMatchObject({ kind: "reactions", eventId }));
  await show(
    html`<weft-who-reacted
      .client=${room.client}
      .roomId=${ROOM}
      .eventId=${eventId}
    ></weft-who-reacted>`,
    room.client,
  );
  await expect.element(page.getByRole("heading", { name: /🧶 1/ })).toBeVisible();
  await expect.element(page.getByText("Ann")).toBeVisible();
  await expectAccessible();
});

test("arrows go from tool to tool", async () => {
  await openRoom({}, 2);
  (article(/message 1/).element() as HTMLElement).focus();
  const react = page.getByRole("button", { name: "React", exact: true });
  await expect.element(react).toBeVisible();
  (react.element() as HTMLElement).focus();
  await userEvent.keyboard("{ArrowRight}");
  expect(focused()?.ariaLabel).toBe("Reply");
  await userEvent.keyboard("{ArrowLeft}{ArrowLeft}");
  expect(focused()?.className).toContain("trigger");
});
