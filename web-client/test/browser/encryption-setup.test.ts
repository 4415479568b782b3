import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { ApiError } from "../../src/api/errors.ts";
import { NeedsProof } from "../../src/api/uia.ts";
import { EncryptionError } from "../../src/encryption/errors.ts";
import { $dialog, closeDialog, openDialog } from "../../src/store/dialogs.ts";
import { navigate } from "../../src/store/router.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { eventually } from "../unit/eventually.ts";
import { device, FRESH, KEY, NEW_DEVICE, playEncryption } from "./encryption.ts";
import { createTestClient, expectAccessible, focused, ME, settled, show } from "./support.ts";
import "../../src/pages/shell.ts";

type Played = Parameters<typeof playEncryption>;

/** The page of someone who is signed in. */
async function open(...played: Played) {
  const encryption = playEncryption(...played);
  const { client, calls } = createTestClient({}, encryption.encryption);
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  return { ...encryption, client, requests: calls };
}

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });
const heading = (name: string) => page.getByRole("heading", { name, exact: true });

beforeEach(async () => {
  await page.viewport(1000, 700);
  localStorage.clear();
  navigate({ page: "home" }, true);
});
afterEach(() => {
  closeDialog();
  vi.restoreAllMocks();
  $toasts.set([]);
});

describe("the first sign-in", () => {
  test("offers to set encryption up, and hands out the key that must be kept", async () => {
    const written = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    const { calls } = await open(FRESH, { "account.setUp": () => ({ recoveryKey: KEY }) });
    await expect.element(heading("Secure your messages")).toBeVisible();
    await expectAccessible();
    await button("Set up").click();
    await expect.element(heading("Your recovery key")).toBeVisible();
    expect(calls).toEqual([["account.setUp", {}]]);
    await expect.element(page.getByText(KEY)).toBeVisible();
    await expectAccessible();
    await expect.element(button("Done")).toBeDisabled();
    // The key is shown once: neither Escape nor going elsewhere takes it away.
    await userEvent.keyboard("{Escape}{Escape}");
    navigate({ page: "settings", section: "profile" }, true);
    await settled();
    expect($dialog.get()?.kind).toBe("encryption-setup");
    await button("Copy").click();
    await eventually(() => expect(written).toHaveBeenCalledWith(KEY));
    await button("Done").click();
    expect($dialog.get()).toBeUndefined();
  });

  test("can be put off, once: then a line below the rooms leads there", async () => {
    await open(FRESH);
    await button("Later").click();
    await settled();
    expect($dialog.get()).toBeUndefined();
    await open(FRESH);
    expect($dialog.get()).toBeUndefined();
    await page.getByRole("button", { name: /^Secure your messages/ }).click();
    await expect.element(heading("Secure your messages")).toBeVisible();
  });

  test("takes a passphrase that is long enough and typed twice alike", async () => {
    const { calls } = await open(FRESH, { "account.setUp": () => ({ recoveryKey: KEY }) });
    await page.getByRole("radio", { name: /^Passphrase/ }).click();
    await expectAccessible();
    const first = page.getByLabelText("Passphrase", { exact: true });
    await first.fill("too short");
    await button("Set up").click();
    await expect.element(page.getByText(/at least twelve/)).toBeVisible();
    await first.fill("a long passphrase");
    await page.getByLabelText("The passphrase again").fill("a long passphrasd");
    await button("Set up").click();
    await expect.element(page.getByText("The two passphrases differ.")).toBeVisible();
    expect(calls).toEqual([]);
    await page.getByLabelText("The passphrase again").fill("a long passphrase");
    await button("Set up").click();
    await expect.element(page.getByText(/only if you forget your passphrase/)).toBeVisible();
    expect(calls).toEqual([["account.setUp", { passphrase: "a long passphrase" }]]);
  });

  test("asks for the password where the server does, and says when it is wrong", async () => {
    const { calls } = await open(FRESH, {
      "account.setUp": ({ proofs }: { proofs?: { password: { password: string } } }) => {
        if (proofs === undefined) throw new NeedsProof("m.login.password");
        if (proofs.password.password !== "right") throw new ApiError(401, { flows: [] });
        return { recoveryKey: KEY };
      },
    });
    await button("Set up").click();
    await page.getByLabelText("Password", { exact: true }).fill("wrong");
    await expectAccessible();
    await button("Continue").click();
    await expect.element(page.getByText("This password is not right.")).toBeVisible();
    await page.getByLabelText("Password", { exact: true }).fill("right");
    await button("Continue").click();
    await expect.element(heading("Your recovery key")).toBeVisible();
    const password = { userId: ME, password: "right" };
    expect(calls.at(-1)).toEqual(["account.setUp", { proofs: { password } }]);
  });

  test("that fails says why, and can be tried again", async () => {
    let fails = true;
    await open(FRESH, {
      "account.setUp": () => {
        if (fails) throw new EncryptionError("unavailable");
        return { recoveryKey: KEY };
      },
    });
    await button("Set up").click();
    await expect.element(page.getByText(/does not work in this browser/)).toBeVisible();
    fails = false;
    await button("Set up").click();
    await expect.element(heading("Your recovery key")).toBeVisible();
  });

  test("prints the key alone", async () => {
    let printed = "";
    vi.spyOn(window, "print").mockImplementation(() => {
      printed = document.querySelector<HTMLElement>(".print-sheet")?.textContent ?? "";
      window.dispatchEvent(new Event("afterprint"));
    });
    await open(FRESH, { "account.setUp": () => ({ recoveryKey: KEY }) });
    await button("Set up").click();
    await button("Print").click();
    expect(printed).toContain(KEY);
    expect(document.querySelector(".print-sheet")).toBeNull();
    await expect.element(button("Done")).toBeEnabled();
  });
});

test("a line below the rooms leads to devices that nobody has verified", async () => {
  const { devicesOf } = await open();
  devicesOf(ME).set([device("D"), device("DRY", { isSigned: false, isDehydrated: true })]);
  await settled();
  expect(page.getByText("A device is not verified").query()).toBeNull();
  devicesOf(ME).set([device("D"), device("NEW", { isSigned: false })]);
  await page.getByRole("button", { name: /^A device is not verified/ }).click();
  expect(location.hash).toBe("#/settings/devices");
});

test("a lost recovery key is replaced while a verified device is there", async () => {
  const { calls } = await open({}, { "account.setUp": () => ({ recoveryKey: KEY }) });
  navigate({ page: "settings", section: "encryption" }, true);
  await button("New recovery key").click();
  await expect.element(heading("New recovery key")).toBeVisible();
  await expectAccessible();
  await button("Make a new key").click();
  await expect.element(heading("Your recovery key")).toBeVisible();
  expect(calls).toEqual([["account.setUp", {}]]);
});

describe("a new device", () => {
  test("is verified by the recovery key; one that does not fit is told", async () => {
    const { calls } = await open(NEW_DEVICE, {
      "account.unlock": (by: object) => {
        if (!("recoveryKey" in by) || by.recoveryKey !== KEY)
          throw new EncryptionError("wrong-key");
      },
    });
    await expect.element(heading("Verify this device")).toBeVisible();
    await expectAccessible();
    await page.getByRole("button", { name: /^Use your recovery key/ }).click();
    await eventually(() => expect(focused()?.id).toBe("password"));
    await expectAccessible();
    await page.getByLabelText("Recovery key", { exact: true }).fill("EsTc wrong");
    await button("Verify").click();
    await expect.element(page.getByText(/does not fit/)).toBeVisible();
    await page.getByLabelText("Recovery key", { exact: true }).fill(KEY);
    await button("Verify").click();
    await eventually(() => expect($dialog.get()).toBeUndefined());
    expect(calls.at(-1)).toEqual(["account.unlock", { recoveryKey: KEY }]);
    expect($toasts.get().at(-1)?.text).toContain("verified");
  });

  test("takes the passphrase where there is one, and the key from its file", async () => {
    const { calls } = await open(
      { ...NEW_DEVICE, secretStorage: { exists: true, hasPassphrase: true } },
      { "account.unlock": () => Promise.reject(new EncryptionError("wrong-key")) },
    );
    await page.getByRole("button", { name: /^Use your recovery key or passphrase/ }).click();
    const field = page.getByLabelText("Recovery key or passphrase");
    await field.fill("a long passphrase");
    await userEvent.keyboard("{Enter}");
    await eventually(() =>
      expect(calls).toEqual([["account.unlock", { passphrase: "a long passphrase" }]]),
    );
    const file = new File([`Recovery key\n${ME}\n${KEY}\n`], "key.txt", { type: "text/plain" });
    const input = document
      .querySelector("weft-shell")!
      .shadowRoot!.querySelector("weft-dialog-host")!
      .shadowRoot!.querySelector("weft-verify-device")!
      .shadowRoot!.querySelector<HTMLInputElement>("input[type=file]")!;
    await userEvent.upload(input, file);
    await eventually(() => expect(calls.at(-1)).toEqual(["account.unlock", { recoveryKey: KEY }]));
  });

  test("asks the other devices, where there are some that can answer", async () => {
    const { calls, devicesOf } = await open(NEW_DEVICE, { "verification.request": () => "v9" });
    devicesOf(ME).set([
      device("D", { isSigned: false }),
      device("OLD", { isSigned: false }),
      device("DRY", { isDehydrated: true }),
    ]);
    await expect.element(heading("Verify this device")).toBeVisible();
    await settled();
    expect(page.getByRole("button", { name: /^Use another device/ }).query()).toBeNull();
    devicesOf(ME).set([device("D", { isSigned: false }), device("PHONE")]);
    await page.getByRole("button", { name: /^Use another device/ }).click();
    await eventually(() => expect($dialog.get()).toEqual({ kind: "verification", id: "v9" }));
    expect(calls.at(-1)).toEqual(["verification.request", ME]);
  });

  test("that has nothing left can give the identity up, told what is lost", async () => {
    const { calls } = await open(NEW_DEVICE, { "account.reset": () => ({ recoveryKey: KEY }) });
    await button("I have none of these").click();
    await expect.element(heading("Reset your identity")).toBeVisible();
    await expect.element(page.getByText(/can never be read again/)).toBeVisible();
    await expectAccessible();
    expect(focused()?.textContent?.trim()).toBe("Cancel");
    await button("Reset anyway").click();
    await button("Reset").click();
    await expect.element(heading("Your recovery key")).toBeVisible();
    expect(calls).toEqual([["account.reset", {}]]);
  });
});

describe("signing out", () => {
  const out = () => openDialog({ kind: "sign-out" });

  test("warns of keys that are nowhere else, and leads to the backup", async () => {
    await open({ ...FRESH, next: "set-up" });
    await button("Later").click();
    out();
    await expect.element(page.getByText(/are on this device only/)).toBeVisible();
    await expectAccessible();
    await button("Set up backup").click();
    await expect.element(heading("Secure your messages")).toBeVisible();
  });

  test("warns while keys are on their way, and no longer when they are there", async () => {
    const { setStatus } = await open({
      backup: { version: "1", isActive: true, canRestore: true, waiting: 4 },
    });
    out();
    await expect.element(page.getByText(/4 keys are not backed up yet/)).toBeVisible();
    setStatus({ backup: { version: "1", isActive: true, canRestore: true, waiting: 0 } });
    await expect.element(button("Sign out")).toBeVisible();
  });

  test("warns where there is no recovery key", async () => {
    await open({ secretStorage: { exists: false, hasPassphrase: false }, next: "recovery" });
    out();
    await button("Make a recovery key").click();
    await expect.element(heading("Secure your messages")).toBeVisible();
  });
});
