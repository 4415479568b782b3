import { html } from "lit";
import { afterEach, expect, test, vi } from "vitest";
import { page } from "vitest/browser";
import { eventually } from "../unit/eventually.ts";
import { expectAccessible, show } from "./support.ts";
import "../../src/elements/encryption/qr-code.ts";
import "../../src/elements/encryption/qr-scanner.ts";

/** As a verification has them: a word, a version, lengths and keys. */
const BYTES = Uint8Array.from({ length: 150 }, (_, at) => (at * 91 + 200) & 255);

afterEach(() => vi.restoreAllMocks());

/** A camera that looks at what the page draws. */
async function filmOf(svg: SVGSVGElement): Promise<MediaStream> {
  const source = new XMLSerializer().serializeToString(svg);
  const image = new Image(400, 400);
  image.src = `data:image/svg+xml,${encodeURIComponent(source)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 480];
  const context = canvas.getContext("2d")!;
  const draw = (): void => {
    context.fillStyle = "#999";
    context.fillRect(0, 0, 640, 480);
    context.fillStyle = "#fff";
    context.fillRect(120, 40, 400, 400);
    context.drawImage(image, 120, 40, 400, 400);
    if (canvas.isConnected) requestAnimationFrame(draw);
  };
  document.body.append(canvas);
  draw();
  return canvas.captureStream();
}

test("what one page shows another one reads, byte by byte, and lets the camera go", async () => {
  const stage = await show(
    html`<div style="width:300px">
      <weft-qr-code .bytes=${BYTES} label="The code"></weft-qr-code>
    </div>`,
  );
  await expect.element(page.getByRole("img", { name: "The code" })).toBeVisible();
  await expectAccessible();
  const svg = stage.querySelector("weft-qr-code")!.shadowRoot!.querySelector("svg")!;
  const stream = await filmOf(svg);
  vi.spyOn(navigator.mediaDevices, "getUserMedia").mockResolvedValue(stream);
  const scanned = vi.fn<(bytes: Uint8Array) => void>();
  await show(
    html`<weft-qr-scanner
      @scanned=${(event: CustomEvent<Uint8Array>) => scanned(event.detail)}
    ></weft-qr-scanner>`,
  );
  await eventually(() => expect(scanned).toHaveBeenCalledWith(BYTES));
  expect(scanned).toHaveBeenCalledTimes(1);
  expect(stream.getTracks().map((track) => track.readyState)).toEqual(["ended"]);
});

test("a camera that may not be used is told in words, and can be tried again", async () => {
  const ask = vi
    .spyOn(navigator.mediaDevices, "getUserMedia")
    .mockRejectedValue(new DOMException("", "NotAllowedError"));
  await show(html`<weft-qr-scanner></weft-qr-scanner>`);
  await expect.element(page.getByText(/does not let this page use/)).toBeVisible();
  await expectAccessible();
  await page.getByRole("button", { name: "Try again" }).click();
  await eventually(() => expect(ask).toHaveBeenCalledTimes(2));
});
