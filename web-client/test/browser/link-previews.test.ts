import { html } from "lit";
import { afterEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { setPreviews } from "../../src/store/link-previews.ts";
import { noEncryption } from "../unit/no-encryption.ts";
import { eventually } from "../unit/eventually.ts";
import { article, openRoom } from "./open-room.ts";
import { ANN, expectAccessible, settled, show } from "./support.ts";
import "../../src/elements/settings-previews.ts";

afterEach(() => setPreviews({ open: true, encrypted: false }));

const told = {
  "media.preview": () => ({
    "og:title": "Weaving \u202E for all",
    "og:site_name": "Looms",
    "og:description": "Warp and weft",
    "og:image": "https://evil.example/x.png",
  }),
};

const asked = ({ calls }: Awaited<ReturnType<typeof openRoom>>) =>
  calls.filter(({ name }) => name === "media.preview").map(({ args }) => args[0]);

async function say(body: string, encrypted = false) {
  const room = await openRoom(told, 1, encrypted ? noEncryption("D") : undefined);
  await room.bring({ timeline: { events: [room.make.message(ANN, body)] } });
  await expect.element(article(/Ann/)).toBeVisible();
  return room;
}

test("a link shows what it leads to, as the server tells it, and images from there only", async () => {
  const room = await say("see https://looms.example/x and https://matrix.to/#/@ann:two");
  const card = page.getByRole("link", { name: /Weaving for all/ });
  await expect.element(card).toBeVisible();
  await expect.element(page.getByText("Looms · looms.example")).toBeVisible();
  expect(asked(room)).toEqual(["https://looms.example/x"]);
  expect(performance.getEntriesByType("resource").some(({ name }) => /evil/.test(name))).toBe(
    false,
  );
  await expectAccessible();
});

test("in encrypted rooms nothing is asked, unless somebody chose it", async () => {
  const room = await say("see https://secret.example/x", true);
  await settled();
  expect(asked(room)).toEqual([]);
  setPreviews({ encrypted: true });
  await eventually(() => expect(asked(room)).toEqual(["https://secret.example/x"]));
});

test("both are chosen in the settings, and kept", async () => {
  await show(html`<weft-settings-previews></weft-settings-previews>`);
  await expectAccessible();
  const open = page.getByLabelText(/Show what a link leads to/);
  await expect.element(open).toBeChecked();
  await userEvent.click(open);
  expect(localStorage.getItem("weft.previews")).toBe("off");
  const room = await say("see https://looms.example/y");
  await settled();
  expect(asked(room)).toEqual([]);
});
