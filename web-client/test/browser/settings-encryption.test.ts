import { html } from "lit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { ApiError } from "../../src/api/errors.ts";
import { $dialog, closeDialog } from "../../src/store/dialogs.ts";
import { navigate } from "../../src/store/router.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { eventually } from "../unit/eventually.ts";
import { device, NEW_DEVICE, playEncryption } from "./encryption.ts";
import { createTestClient, expectAccessible, ME, show } from "./support.ts";
import "../../src/dialogs/host.ts";
import "../../src/pages/settings.ts";

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });

beforeEach(async () => {
  await page.viewport(1000, 700);
  localStorage.clear();
});
afterEach(() => {
  closeDialog();
  $toasts.set([]);
});

const DEVICES = [
  { device_id: "D", display_name: "This one" },
  { device_id: "PHONE", display_name: "Phone", last_seen_ts: 5 },
  { device_id: "OLD", display_name: "Old laptop", last_seen_ts: 4 },
  { device_id: "DRY", display_name: "Dehydrated", last_seen_ts: 3 },
];

async function openSettings(section: string, played: ReturnType<typeof playEncryption>) {
  let devices = DEVICES;
  const { client, calls } = createTestClient(
    {
      "account.devices": () => devices,
      "account.renameDevice": (id: string, name: string) => {
        devices = devices.map((one) =>
          one.device_id === id ? { ...one, display_name: name } : one,
        );
      },
      "account.deleteDevices": (_: string[], auth?: object) => {
        if (auth === undefined)
          throw new ApiError(401, { flows: [{ stages: ["m.login.password"] }], session: "s" });
      },
    },
    played.encryption,
  );
  navigate({ page: "settings", section }, true);
  await show(
    html`<weft-settings .client=${client} section=${section}></weft-settings>
      <weft-dialog-host .client=${client}></weft-dialog-host>`,
    client,
  );
  return calls;
}

const actions = async (device: string, item: string) => {
  await button(`Actions for ${device}`).click();
  await page.getByRole("menuitem", { name: item }).click();
};

test("devices show what is known of them, and are renamed, verified and signed out", async () => {
  const played = playEncryption({}, { "verification.request": () => "v1" });
  const calls = await openSettings("devices", played);
  const mine = ["D", "PHONE"].map((id) => device(id));
  const dry = device("DRY", { isDehydrated: true });
  played.devicesOf(ME).set([...mine, device("OLD", { isSigned: false }), dry]);
  await expect.element(page.getByText("Not verified")).toBeVisible();
  expect(page.getByRole("listitem").all()).toHaveLength(3);
  await expectAccessible();
  await actions("Phone", "Rename");
  await page.getByLabelText("Name").fill("Pocket");
  await expectAccessible();
  await button("Rename").click();
  await expect.element(page.getByText("Pocket")).toBeVisible();
  await actions("Old laptop", "Verify");
  await eventually(() => expect($dialog.get()).toEqual({ kind: "verification", id: "v1" }));
  expect(played.calls).toEqual([["verification.request", ME, "OLD"]]);
  closeDialog();
  await actions("Old laptop", "Sign out");
  await page.getByLabelText("Password", { exact: true }).fill("secret");
  await button("Sign out").click();
  await eventually(() =>
    expect(calls.findLast(({ name }) => name === "account.deleteDevices")?.args).toMatchObject([
      ["OLD"],
      { password: "secret" },
    ]),
  );
});

test("encryption says how it stands, and leads to what is to be done", async () => {
  const played = playEncryption(NEW_DEVICE);
  await openSettings("encryption", played);
  await expect.element(page.getByText(/Not verified yet/)).toBeVisible();
  await expectAccessible();
  await button("Verify this device").click();
  expect($dialog.get()).toEqual({ kind: "verify-device" });
  closeDialog();
  played.setStatus({ engine: "failed", problem: "IndexedDB is not there" });
  await expect.element(page.getByText(/does not work in this browser window/)).toBeVisible();
  await expect.element(page.getByText(/keeps no keys for this page/)).toBeVisible();
  await expect.element(page.getByText(/nothing is lost/)).toBeVisible();
  await expectAccessible();
  await button("Try again").click();
  expect(played.calls.at(-1)).toEqual(["account.restart"]);
});

test("keys go to a file and come from one", async () => {
  const file = new File(["keys"], "keys.txt", { type: "text/plain" });
  const played = playEncryption(
    {},
    { "keys.export": () => file, "keys.import": () => ({ imported: 3, total: 5 }) },
  );
  await openSettings("encryption", played);
  await button("Export keys").click();
  await page.getByLabelText("Passphrase for the file").fill("long enough");
  await page.getByLabelText("The passphrase again").fill("long enougj");
  await button("Export").click();
  await expect.element(page.getByText("The two passphrases differ.")).toBeVisible();
  await expectAccessible();
  await page.getByLabelText("The passphrase again").fill("long enough");
  await button("Export").click();
  await eventually(() => expect(played.calls).toEqual([["keys.export", "long enough"]]));
  await button("Import keys").click();
  await userEvent.upload(page.getByLabelText("File with keys"), file);
  await page.getByLabelText("Passphrase of the file").fill("long enough");
  await expectAccessible();
  await button("Import").click();
  await eventually(() => expect(played.calls.at(-1)?.[0]).toBe("keys.import"));
  await eventually(() => expect($toasts.get().at(-1)?.text).toContain("3 keys were new"));
});
