import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { withDecryption } from "../../src/encryption/decryption.ts";
import type { Decryption } from "../../src/encryption/port.ts";
import { $dialog, closeDialog, openDialog } from "../../src/store/dialogs.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { device, NEW_DEVICE, playEncryption } from "./encryption.ts";
import { article, field, openRoom } from "./open-room.ts";
import { ANN, createTestClient, expectAccessible, ME, ROOM, show } from "./support.ts";
import "../../src/dialogs/host.ts";
import "../../src/elements/room-settings/general.ts";

/** An encrypted room with Ann in it. */
async function open(...played: Parameters<typeof playEncryption>) {
  const encryption = playEncryption(...played);
  const room = await openRoom({}, 1, encryption.encryption);
  const { make, bring } = room;
  /** Ann says something that came encrypted, of which this is known. */
  const say = async (body: string, decryption: Decryption) => {
    const event = make.message(ANN, body);
    await bring({ timeline: { events: [withDecryption(event, decryption)] } });
    return event;
  };
  return { ...room, ...encryption, say };
}

/** A client in a room with Ann. */
function inRoom(
  played: ReturnType<typeof playEncryption>,
  answers: Parameters<typeof createTestClient>[0] = {},
  algorithm?: string,
) {
  const { client, store, calls, make } = createTestClient(answers, played.encryption);
  const state = [
    make.state("m.room.create", ME, { room_version: "11" }),
    make.state("m.room.name", ME, { name: "Weaving" }),
    make.member(ME, "join", "Me"),
    make.member(ANN, "join", "Ann"),
    ...(algorithm === undefined ? [] : [make.state("m.room.encryption", ME, { algorithm })]),
  ];
  store.apply(syncOf(ROOM, { state: { events: state } }), 0);
  return { client, store, calls };
}

/** The window that is asked for, beside a room. */
async function openWindow(
  request: Parameters<typeof openDialog>[0],
  played: ReturnType<typeof playEncryption>,
  answers: Parameters<typeof createTestClient>[0] = {},
  algorithm?: string,
) {
  const { client, store, calls } = inRoom(played, answers, algorithm);
  await show(html`<weft-dialog-host .client=${client}></weft-dialog-host>`, client);
  openDialog(request);
  await expect.element(page.getByRole("dialog")).toBeVisible();
  return { client, store, calls };
}

/** The first page of the room's settings. */
async function openSettings(played: ReturnType<typeof playEncryption>, algorithm?: string) {
  const { client } = inRoom(played, {}, algorithm);
  await show(
    html`<weft-room-general .client=${client} .roomId=${ROOM}></weft-room-general>
      <weft-dialog-host .client=${client}></weft-dialog-host>`,
    client,
  );
}

const MEGOLM = "m.megolm.v1.aes-sha2";
const readable = (shield: Extract<Decryption, { state: "readable" }>["shield"]): Decryption => ({
  state: "readable",
  wire: { event_id: "$w", type: "m.room.encrypted", sender: ANN, origin_server_ts: 0, content: {} },
  shield,
});
const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });

beforeEach(async () => {
  await page.viewport(1000, 700);
  localStorage.clear();
});
afterEach(() => {
  closeDialog();
  $toasts.set([]);
});

describe("a message in an encrypted room", () => {
  test("has no shield when all is well, and one that explains itself when it is not", async () => {
    const { say } = await open();
    await say("fine", readable({ color: "none" }));
    await say("odd", readable({ color: "red", why: "unsigned-device" }));
    await say("old", readable({ color: "grey", why: "authenticity-not-guaranteed" }));
    await expect.element(article(/odd/)).toBeVisible();
    await eventually(() =>
      expect(page.getByRole("button", { name: /mean/ }).all()).toHaveLength(2),
    );
    await expectAccessible();
    await button("Unverified device: what does that mean?").click();
    await expect.element(page.getByText(/a device that Ann has not verified/)).toBeVisible();
    await expectAccessible();
    await userEvent.keyboard("{Escape}");
    await button("Sender not confirmed: what does that mean?").click();
    await expect.element(page.getByText(/not certain that Ann sent it/)).toBeVisible();
  });

  test("that came open is marked; the choice about a changed identity is there", async () => {
    const inOpen = { color: "red", why: "sent-open" } as const;
    const { bring, make, user, calls } = await open({}, {}, inOpen);
    await bring({ timeline: { events: [make.message(ANN, "in the open")] } });
    await button("Not encrypted: what does that mean?").last().click();
    await expect.element(page.getByText(/sent without encryption/)).toBeVisible();
    user(ANN).set("violated");
    await button("Accept the new identity").click();
    expect(calls).toEqual([["trust.accept", ANN]]);
  });

  test("that cannot be read says why, what helps, and heals in its place", async () => {
    const { say, bring, client, calls } = await open(NEW_DEVICE);
    const lost = await say("healed", { state: "unreadable", why: "key-missing", sessionId: "s" });
    await say("x", { state: "unreadable", why: "before-this-device", sessionId: "t" });
    await say("y", { state: "pending" });
    await expect.element(page.getByText(/Waiting for the key/)).toBeVisible();
    await expect.element(page.getByText("Decrypting…")).toBeVisible();
    await expectAccessible();
    await button("Try again").click();
    const room = client.store.room(ROOM)!;
    await eventually(() => expect(calls).toEqual([["rooms.retry", room, [lost.event_id]]]));
    room.timeline.find(lost.event_id)!.event = withDecryption(lost, readable({ color: "none" }));
    room.changed("$timeline");
    await bring({});
    await expect.element(article(/healed/)).toBeVisible();
    expect(page.getByText(/Waiting for the key/).query()).toBeNull();
    await button("Verify").click();
    expect($dialog.get()).toEqual({ kind: "verify-device" });
  });
});

describe("somebody's changed identity", () => {
  test("is told above the field with the choice, in the lock, and among the people", async () => {
    const { client, user, room, calls } = await open({}, { "verification.request": () => "v1" });
    user(ANN).set("violated");
    room(client.store.room(ROOM)!).set({ state: "warning", changed: [ANN], unverified: [] });
    await expect.element(page.getByText(/You had verified Ann/)).toBeVisible();
    await expect.element(button("Encrypted, but an identity has changed")).toBeVisible();
    await button("People, 2").click();
    await expect.element(page.getByRole("img", { name: "Identity changed" })).toBeVisible();
    await expectAccessible();
    await button("Verify again").click();
    await eventually(() => expect($dialog.get()).toEqual({ kind: "verification", id: "v1" }));
    closeDialog();
    await button("Write without verifying").click();
    expect(calls).toEqual([
      ["verification.request", ANN, undefined],
      ["trust.accept", ANN],
    ]);
    user(ANN).set("unverified");
    room(client.store.room(ROOM)!).set({ state: "normal", changed: [], unverified: [ANN] });
    await expect.element(button("Encrypted")).toBeVisible();
    await expect.element(page.getByText(/You had verified Ann/)).not.toBeInTheDocument();
  });

  test("is gone once they are verified, which the room and its people show", async () => {
    const { client, user, room } = await open();
    user(ANN).set("verified");
    room(client.store.room(ROOM)!).set({ state: "verified", changed: [], unverified: [] });
    await expect.element(button("Encrypted, and everyone is verified")).toBeVisible();
    await button("People, 2").click();
    await expect.element(page.getByRole("img", { name: "Verified" })).toBeVisible();
    await expectAccessible();
  });
});

test("a field is there for whoever can encrypt", async () => {
  await open();
  await expect.element(field()).toBeVisible();
});

describe("the window of a room's lock", () => {
  test("names those who are not verified", async () => {
    const played = playEncryption();
    const request = { kind: "room-encryption", roomId: ROOM } as const;
    const { store } = await openWindow(request, played, {}, MEGOLM);
    played.room(store.room(ROOM)!).set({ state: "normal", changed: [], unverified: [ANN] });
    await expect.element(page.getByText("Not verified yet: 1")).toBeVisible();
    await expectAccessible();
    await button("Ann").click();
    expect($dialog.get()).toEqual({ kind: "member", roomId: ROOM, userId: ANN });
  });

  test("turns encryption on, once it was said that it stays on", async () => {
    const played = playEncryption();
    await openWindow({ kind: "room-encryption", roomId: ROOM }, played);
    await expect.element(page.getByText(/not encrypted/)).toBeVisible();
    await button("Turn on encryption").click();
    await expect.element(page.getByText(/cannot be undone/)).toBeVisible();
    await expectAccessible();
    await button("Turn on").click();
    await eventually(() => expect(played.calls[0]?.[0]).toBe("rooms.turnOn"));
  });

  test("says that nothing can be done about an unknown algorithm", async () => {
    const request = { kind: "room-encryption", roomId: ROOM } as const;
    await openWindow(request, playEncryption(), {}, "m.other");
    await expect.element(page.getByText(/in a way that Weft does not know/)).toBeVisible();
  });
});

describe("new rooms", () => {
  const state = [{ type: "m.room.encryption", state_key: "", content: { algorithm: MEGOLM } }];
  const created = { "rooms.create": () => "!new:one", "account.searchUsers": () => [] };
  const bodyOf = (calls: { name: string; args: unknown[] }[]) =>
    calls.find(({ name }) => name === "rooms.create")?.args[0];

  test("are encrypted by default, but where everyone can come in", async () => {
    const { calls } = await openWindow({ kind: "create-room" }, playEncryption(), created);
    const box = page.getByRole("checkbox", { name: "Encrypt the messages" });
    await expect.element(box).toBeChecked();
    await expectAccessible();
    await page.getByLabelText("Everyone").click();
    await expect.element(box).not.toBeChecked();
    await page.getByLabelText("Only people who are invited").click();
    await expect.element(box).toBeChecked();
    await page.getByLabelText("Name").fill("Secret");
    await button("Create").click();
    await eventually(() => expect(bodyOf(calls)).toMatchObject({ initial_state: state }));
  });

  test("and direct chats can be made without", async () => {
    const { calls } = await openWindow({ kind: "start-direct" }, playEncryption(), created);
    const box = page.getByRole("checkbox", { name: "Encrypt the messages" });
    await expect.element(box).toBeChecked();
    await box.click();
    await page.getByLabelText("Name or address").fill("@new:two");
    await button("Open chat").click();
    await eventually(() => expect(bodyOf(calls)).toMatchObject({ invite: ["@new:two"] }));
    expect(bodyOf(calls)).not.toHaveProperty("initial_state");
  });

  test("are not while there is no engine, which is said", async () => {
    await openWindow({ kind: "create-room" }, playEncryption({ engine: "failed" }));
    const box = page.getByRole("checkbox", { name: "Encrypt the messages" });
    await expect.element(box).toBeDisabled();
    await expect.element(page.getByText(/not ready in this browser/)).toBeVisible();
  });
});

test("the room's settings turn encryption on, and say that it stays", async () => {
  const played = playEncryption();
  await openSettings(played);
  await expectAccessible();
  await button("Turn on").click();
  await expect.element(page.getByText(/cannot be undone/)).toBeVisible();
  closeDialog();
  await openSettings(played, MEGOLM);
  await expect.element(page.getByText(/cannot be turned off again/)).toBeVisible();
});

test("a person's card shows whether they are verified, their devices, and the way to verify", async () => {
  const played = playEncryption({}, { "verification.request": () => "v1" });
  await openWindow({ kind: "member", roomId: ROOM, userId: ANN }, played);
  played.devicesOf(ANN).set([device("A1", { name: "Phone" }), device("A2", { isSigned: false })]);
  await page.getByText("2 devices").click();
  await expect.element(page.getByRole("img", { name: "not verified by its owner" })).toBeVisible();
  await expectAccessible();
  await button("Verify").click();
  await eventually(() => expect($dialog.get()).toEqual({ kind: "verification", id: "v1" }));
});
