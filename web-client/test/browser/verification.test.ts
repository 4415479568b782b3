import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { EncryptionError } from "../../src/encryption/errors.ts";
import type { Verification } from "../../src/encryption/port.ts";
import { $dialog, closeDialog, openDialog } from "../../src/store/dialogs.ts";
import { navigate } from "../../src/store/router.ts";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { asked, device, playEncryption, SEVEN } from "./encryption.ts";
import {
  ANN,
  createTestClient,
  expectAccessible,
  focused,
  ME,
  ROOM,
  settled,
  show,
} from "./support.ts";
import "../../src/pages/shell.ts";

/** The page of someone who knows Ann. */
async function open(answers: Parameters<typeof playEncryption>[1] = {}) {
  const played = playEncryption({}, answers);
  const { client, store, make } = createTestClient({}, played.encryption);
  const state = { events: [make.member(ME, "join", "Me"), make.member(ANN, "join", "Ann")] };
  store.apply(syncOf(ROOM, { state }), 0);
  await show(html`<weft-shell .client=${client}></weft-shell>`, client);
  return played;
}

/** The same with a verification in its window. */
async function openWindow(about: Partial<Verification>, answers = {}) {
  const played = await open(answers);
  const go = (next: Partial<Verification>): void => played.put(asked({ ...about, ...next }));
  go({});
  openDialog({ kind: "verification", id: "v1" });
  await expect.element(page.getByRole("dialog")).toBeVisible();
  return { ...played, go };
}

const button = (name: string) => page.getByRole("button", { name, exact: true });
const text = (words: string | RegExp) => page.getByText(words);

beforeEach(async () => {
  await page.viewport(1000, 700);
  localStorage.clear();
  navigate({ page: "home" }, true);
});
afterEach(() => {
  closeDialog();
  vi.restoreAllMocks();
});

describe("a request of somebody else", () => {
  test("is told at the edge of the page, and accepted there", async () => {
    const { put, calls } = await open();
    put(asked());
    await expect.element(text("Ann asks to verify you")).toBeVisible();
    await expectAccessible();
    await button("Verify").click();
    await eventually(() => expect($dialog.get()).toEqual({ kind: "verification", id: "v1" }));
    expect(calls).toEqual([["verification.accept", "v1"]]);
    await settled();
    expect(page.getByRole("alert").query()).toBeNull();
  });

  test("can be declined, and goes by itself when it has ended", async () => {
    const { put, calls, encryption } = await open();
    put(asked());
    put(asked({ id: "v2", isSelf: true, userId: ME }));
    await button("Decline").click();
    expect(calls).toEqual([["verification.cancel", "v1"]]);
    await expect.element(text("New sign-in: is this you?")).toBeVisible();
    put(asked({ id: "v2", isSelf: true, userId: ME, phase: "cancelled" }));
    await eventually(() => expect(encryption.$verifications.get()).toEqual([]));
  });

  test("names the device of one's own that asks", async () => {
    const { put, devicesOf } = await open();
    devicesOf(ME).set([device("PHONE", { name: "My phone" })]);
    put(asked({ isSelf: true, userId: ME, deviceId: "PHONE" }));
    await expect.element(text(/My phone asks to be verified/)).toBeVisible();
  });
});

describe("comparing emoji", () => {
  test("goes from asking to the end, and the keyboard and screen readers go along", async () => {
    const { go, calls, encryption } = await openWindow({ phase: "waiting", isIncoming: false });
    await expect.element(text("Waiting for Ann to accept…")).toBeVisible();
    await expectAccessible();
    go({ phase: "ready", canEmoji: true });
    await expect.element(text(/Both sides are ready/)).toBeVisible();
    await eventually(() => expect(focused()?.textContent).toContain("Both sides are ready"));
    await expectAccessible();
    await button("Compare emoji").click();
    expect(calls).toEqual([["verification.startEmoji", "v1"]]);
    go({ phase: "starting" });
    go({ phase: "emoji", emoji: SEVEN });
    const list = page.getByRole("list", { name: "The emoji to compare" });
    await expect.element(list.getByText("Thumbs Up")).toBeVisible();
    await eventually(() => expect(focused()?.textContent).toContain("Read these to Ann"));
    expect(
      list
        .getByRole("listitem")
        .elements()
        .map((item) => item.textContent?.replace(/\s+/g, "")),
    ).toEqual([
      "🐶Dog",
      "🦄Unicorn",
      "🌳Tree",
      "🍕Pizza",
      "👍ThumbsUp",
      "🚀Rocket",
      "🎧Headphones",
    ]);
    await expectAccessible();
    await button("They match").click();
    expect(calls.at(-1)).toEqual(["verification.confirm", "v1"]);
    go({ phase: "confirming" });
    await expect.element(text("Waiting for Ann to confirm…")).toBeVisible();
    go({ phase: "done" });
    await expect.element(text("Ann is verified")).toBeVisible();
    await expectAccessible();
    await button("Done").click();
    await eventually(() => expect(encryption.$verifications.get()).toEqual([]));
    expect(calls.at(-1)).toEqual(["verification.confirm", "v1"]);
  });

  test("shows numbers where the other side knows no emoji, and takes a difference seriously", async () => {
    const { go, calls } = await openWindow({ phase: "emoji", decimals: [1234, 5678, 9012] });
    await expect.element(text(/1234\s+5678\s+9012/)).toBeVisible();
    await button("They differ").click();
    expect(calls).toEqual([["verification.cancel", "v1", "mismatch"]]);
    go({ phase: "cancelled", end: { code: "m.mismatched_sas", reason: "<b>", byUs: true } });
    await expect.element(text(/Somebody may be listening in/)).toBeVisible();
    await expectAccessible();
  });

  test("that one leaves is stopped for the other side too", async () => {
    const { calls, encryption } = await openWindow({ phase: "emoji", emoji: SEVEN });
    await userEvent.keyboard("{Escape}");
    await eventually(() => expect(calls).toEqual([["verification.cancel", "v1"]]));
    await eventually(() => expect(encryption.$verifications.get()).toEqual([]));
  });

  test("that the other side stops is told, and can be tried again", async () => {
    const { go, calls } = await openWindow(
      { phase: "emoji", emoji: SEVEN },
      { "verification.request": () => "v2" },
    );
    go({ phase: "cancelled", end: { code: "m.user", reason: "", byUs: false } });
    await expect.element(text(/Ann stopped the verification/)).toBeVisible();
    await button("Try again").click();
    await eventually(() => expect($dialog.get()).toEqual({ kind: "verification", id: "v2" }));
    expect(calls.at(-1)).toEqual(["verification.request", ANN, "ANNS"]);
  });
});

describe("QR codes", () => {
  const ready: Partial<Verification> = { phase: "ready", canEmoji: true, canScanQr: true };
  const qr = new TextEncoder().encode("MATRIX and so on");

  test("are shown, and the person says that the other device has scanned it", async () => {
    const { go, calls } = await openWindow({ ...ready, canShowQr: true, qr });
    await expect.element(page.getByRole("img", { name: /QR code/ })).toBeVisible();
    await expectAccessible();
    go({ phase: "scanned" });
    await expect.element(text(/Does Ann see that it worked/)).toBeVisible();
    await expectAccessible();
    await button("Yes").click();
    expect(calls).toEqual([["verification.confirm", "v1"]]);
  });

  test("are scanned where there is a camera; a wrong one is told", async () => {
    vi.spyOn(navigator.mediaDevices, "getUserMedia").mockRejectedValue(
      new DOMException("", "NotFoundError"),
    );
    const { calls } = await openWindow(ready, {
      "verification.scanned": () => Promise.reject(new EncryptionError("wrong-code")),
    });
    await button("Scan their code").click();
    await expect.element(text("No camera was found.")).toBeVisible();
    const scanner = document
      .querySelector("weft-shell")!
      .shadowRoot!.querySelector("weft-dialog-host")!
      .shadowRoot!.querySelector("weft-verification")!
      .shadowRoot!.querySelector("weft-qr-scanner")!;
    scanner.dispatchEvent(new CustomEvent("scanned", { detail: qr }));
    await expect.element(text(/not the code of the other device/)).toBeVisible();
    expect(calls).toEqual([["verification.scanned", "v1", qr]]);
    await expect.element(button("Compare emoji")).toBeVisible();
  });
});
