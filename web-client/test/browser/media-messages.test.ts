import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import type { WeftComposer } from "../../src/elements/composer.ts";
import { barsOf } from "../../src/elements/sound.ts";
import { waveformOf } from "../../src/elements/composer/voice.ts";
import { $dialog, closeDialog } from "../../src/store/dialogs.ts";
import { blurhashOf, drawBlurhash } from "../../src/store/blurhash.ts";
import { eventually } from "../unit/eventually.ts";
import { openRoom } from "./open-room.ts";
import { ANN, expectAccessible, settled } from "./support.ts";

afterEach(() => vi.restoreAllMocks());
beforeEach(async () => {
  await page.viewport(1000, 700);
  closeDialog();
});

type Opened = Awaited<ReturnType<typeof openRoom>>;

const sentOf = ({ calls }: Opened) =>
  calls
    .filter(({ name }) => name === "rooms.send")
    .map(({ args }) => args[3] as Record<string, unknown>);

const composerOf = ({ stage }: Opened): WeftComposer =>
  stage.querySelector("weft-room")!.shadowRoot!.querySelector<WeftComposer>("weft-composer")!;

/** A second of a tone, as a WAV file. */
function tone(): Blob {
  const rate = 8000;
  const bytes = new DataView(new ArrayBuffer(44 + rate * 2));
  const write = (at: number, text: string): void =>
    new TextEncoder().encode(text).forEach((byte, index) => bytes.setUint8(at + index, byte));
  write(0, "RIFF");
  bytes.setUint32(4, 36 + rate * 2, true);
  write(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, rate * 2, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  write(36, "data");
  bytes.setUint32(40, rate * 2, true);
  for (let at = 0; at < rate; at++) bytes.setInt16(44 + at * 2, Math.sin(at / 5) * 8000, true);
  return new Blob([bytes.buffer], { type: "audio/wav" });
}

async function picture(): Promise<Blob> {
  const canvas = new OffscreenCanvas(64, 48);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#d33";
  context.fillRect(0, 0, 64, 48);
  return canvas.convertToBlob({ type: "image/png" });
}

test("a voice message shows its waveform, and is fetched when it is played", async () => {
  const room = await openRoom({ "media.download": () => tone() }, 1);
  const voice = {
    msgtype: "m.audio",
    body: "Voice message.ogg",
    url: "mxc://one/voice",
    info: { mimetype: "audio/wav", duration: 61_000 },
    "org.matrix.msc1767.audio": { duration: 61_000, waveform: [0, 1024, 512, "x", -5, 1e9] },
    "org.matrix.msc3245.voice": {},
  };
  await room.bring({ timeline: { events: [room.make.event("m.room.message", ANN, voice)] } });
  const play = page.getByRole("button", { name: "Play Voice message" });
  await expect.element(play).toBeVisible();
  await expect.element(page.getByText("1:01")).toBeVisible();
  expect(room.calls.some(({ name }) => name === "media.download")).toBe(false);
  await expectAccessible();
  await userEvent.click(play);
  await eventually(() =>
    expect(room.calls.some(({ name }) => name === "media.download")).toBe(true),
  );
});

test("bars follow the loudness, whatever a stranger sends", () => {
  expect(barsOf([])).toHaveLength(48);
  expect(barsOf([0, 1024]).slice(0, 2)).toEqual([0, 0]);
  expect(barsOf([0, 1024]).at(-1)).toBe(1);
  expect(waveformOf([])).toEqual([]);
  expect(waveformOf(Array.from({ length: 1000 }, (_, at) => at / 1000))).toHaveLength(100);
  expect(waveformOf([0, 0.5, 2])).toEqual([0, 512, 1024]);
});

test("what is said into the microphone goes as a voice message", async () => {
  const context = new AudioContext();
  const source = context.createOscillator();
  const stream = context.createMediaStreamDestination();
  source.connect(stream);
  source.start();
  vi.spyOn(navigator.mediaDevices, "getUserMedia").mockResolvedValue(stream.stream);
  const room = await openRoom({
    "media.uploadLimit": () => 10_000_000,
    "media.upload": () => ({ done: Promise.resolve("mxc://one/voice"), cancel: () => undefined }),
  });
  await userEvent.click(page.getByRole("button", { name: "Add" }));
  await userEvent.click(page.getByRole("menuitem", { name: "Record a voice message" }));
  await expect.element(page.getByText(/^0:[0-5][1-9]$/)).toBeVisible();
  await expectAccessible();
  await userEvent.click(page.getByRole("button", { name: "Send" }));
  await eventually(() => expect(sentOf(room)).toHaveLength(1));
  const [sent] = sentOf(room);
  expect(sent).toMatchObject({
    msgtype: "m.audio",
    url: "mxc://one/voice",
    "org.matrix.msc3245.voice": {},
  });
  const { duration } = sent!["info"] as { duration: number };
  expect(duration).toBeGreaterThan(500);
  const { waveform } = sent!["org.matrix.msc1767.audio"] as { waveform: number[] };
  expect(Math.max(...waveform)).toBeLessThanOrEqual(1024);
  await context.close();
});

test("a microphone that may not be used is told, and the field is back", async () => {
  const refused = new DOMException("", "NotAllowedError");
  vi.spyOn(navigator.mediaDevices, "getUserMedia").mockRejectedValue(refused);
  await openRoom();
  await userEvent.click(page.getByRole("button", { name: "Add" }));
  await userEvent.click(page.getByRole("menuitem", { name: "Record a voice message" }));
  await expect.element(page.getByRole("textbox", { name: "Write to Weaving" })).toBeVisible();
});

describe("the tray", () => {
  test("shows pictures, and tries again what was not sent", async () => {
    let tries = 0;
    const room = await openRoom({
      "media.uploadLimit": () => 1_000_000,
      "media.upload": () => ({
        done: ++tries === 1 ? Promise.reject(new Error("no")) : Promise.resolve("mxc://one/a"),
        cancel: () => undefined,
      }),
    });
    composerOf(room).addFiles([new File([await picture()], "red.png", { type: "image/png" })]);
    await settled();
    const tray = composerOf(room).shadowRoot!.querySelector("weft-upload-tray")!.shadowRoot!;
    expect(tray.querySelector("img")!.src).toMatch(/^blob:/);
    const leaving = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(leaving);
    expect(leaving.defaultPrevented).toBe(true);
    await userEvent.click(page.getByRole("button", { name: "Send", exact: true }));
    await userEvent.click(page.getByRole("button", { name: "Try red.png again" }));
    await eventually(() => expect(sentOf(room)).toHaveLength(1));
    expect(sentOf(room)[0]).toMatchObject({
      msgtype: "m.image",
      info: { w: 64, h: 48, "xyz.amorgan.blurhash": expect.any(String) as string },
    });
    const after = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(after);
    expect(after.defaultPrevented).toBe(false);
  });
});

test("what is seen of a picture while it loads is drawn from its letters, and from no others", async () => {
  const hash = await blurhashOf(await picture());
  expect(await drawBlurhash(hash)).toMatch(/^data:image\/png/);
  expect(await drawBlurhash("x);background:url(https://evil.example")).toBeUndefined();
  expect(await drawBlurhash("LEHV6nWB2yk8pyo0adR*.7kCMdn")).toBeUndefined();
});

describe("a place", () => {
  test("is a card with a link, and asks nothing of anybody", async () => {
    const room = await openRoom({}, 1);
    const place = (geo_uri: string, body = "At the loom") =>
      room.make.event("m.room.message", ANN, { msgtype: "m.location", body, geo_uri });
    await room.bring({
      timeline: { events: [place("geo:52.5,13.4;u=10"), place("javascript:alert(1)", "Nowhere")] },
    });
    const link = page.getByRole("link", { name: "Open the map" });
    await expect.element(link).toBeVisible();
    expect(link.elements()).toHaveLength(1);
    expect((link.element() as HTMLAnchorElement).host).toBe("www.openstreetmap.org");
    await expect.element(page.getByText("52.50000, 13.40000")).toBeVisible();
    const asked = performance.getEntriesByType("resource").map(({ name }) => name);
    expect(asked.filter((name) => name.includes("openstreetmap"))).toEqual([]);
    await expectAccessible();
  });

  test("is shared after a question", async () => {
    const found = { coords: { latitude: 52.5, longitude: 13.4, accuracy: 9.6 } };
    const ask = vi
      .spyOn(navigator.geolocation, "getCurrentPosition")
      .mockImplementation((done) => done(found as GeolocationPosition));
    const room = await openRoom();
    await userEvent.click(page.getByRole("button", { name: "Add" }));
    await userEvent.click(page.getByRole("menuitem", { name: "Share my location" }));
    await eventually(() => expect($dialog.get()?.kind).toBe("confirm"));
    expect(ask).not.toHaveBeenCalled();
    const dialog = $dialog.get();
    if (dialog?.kind === "confirm") await dialog.run("", false);
    await eventually(() =>
      expect(sentOf(room)).toMatchObject([
        { msgtype: "m.location", geo_uri: "geo:52.500000,13.400000;u=10" },
      ]),
    );
  });
});
