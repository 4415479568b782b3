import { html } from "lit";
import { beforeEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { withDecryption } from "../../src/encryption/decryption.ts";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { createTestClient, expectAccessible, focused, ME, ROOM, show } from "./support.ts";
import "../../src/dialogs/reading/forward.ts";

beforeEach(async () => {
  await page.viewport(1000, 700);
});

/** The window in which a message is passed on, with one other room. */
async function open(isEncrypted: boolean) {
  const { client, store, calls, make } = createTestClient();
  const wire = make.event("m.room.encrypted", ME, { ciphertext: "x" });
  const clear = { ...wire, type: "m.room.message", content: { msgtype: "m.text", body: "secret" } };
  const said = isEncrypted
    ? withDecryption(clear, { state: "readable", wire, shield: { color: "none" } })
    : make.message(ME, "secret");
  const state = (name: string) => [
    make.state("m.room.create", ME, { room_version: "12" }),
    make.state("m.room.name", ME, { name }),
    make.member(ME, "join", "Me"),
  ];
  store.apply(syncOf(ROOM, { state: { events: state("Here") }, timeline: { events: [said] } }), 0);
  store.apply(syncOf("!open:one", { state: { events: state("Market") } }), 0);
  await show(
    html`<weft-forward .client=${client} .roomId=${ROOM} .eventId=${said.event_id}></weft-forward>`,
    client,
  );
  const sent = () => calls.filter(({ name }) => name === "rooms.send").map(({ args }) => args[0]);
  return { sent };
}

const target = () => page.getByRole("button", { name: "Market Send" });

test("what was sent encrypted goes to an open room only when that is meant", async () => {
  const { sent } = await open(true);
  await userEvent.click(target());
  await expect.element(page.getByText(/“Market” is not: the servers/)).toBeVisible();
  await eventually(() => expect(focused()?.textContent?.trim()).toBe("Do not send"));
  await expectAccessible();
  await userEvent.keyboard("{Enter}");
  await expect.element(page.getByText(/“Market” is not: the servers/)).not.toBeInTheDocument();
  await eventually(() => expect(focused()?.textContent).toContain("Market"));
  expect(sent()).toEqual([]);
  await userEvent.click(target());
  await userEvent.click(page.getByRole("button", { name: "Send it openly" }));
  await eventually(() => expect(sent()).toEqual(["!open:one"]));
  await expect.element(page.getByRole("button", { name: "Market Sent" })).toBeVisible();
});

test("what was said openly goes on at once", async () => {
  const { sent } = await open(false);
  await userEvent.click(target());
  await eventually(() => expect(sent()).toEqual(["!open:one"]));
});
