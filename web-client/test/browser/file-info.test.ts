import { describe, expect, test } from "vitest";
import { fileContent, inspectFile } from "../../src/store/files.ts";

/** A picture as a browser makes it. */
async function picture(width: number, height: number, type = "image/png"): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")!.fillRect(0, 0, width, height);
  return canvas.convertToBlob({ type });
}

/** Silence as a WAV file: 8 bits, 8000 times a second. */
function sound(ms: number): Blob {
  const samples = (8000 * ms) / 1000;
  const view = new DataView(new ArrayBuffer(44 + samples));
  const write = (at: number, text: string) =>
    new TextEncoder().encode(text).forEach((byte, index) => view.setUint8(at + index, byte));
  write(0, "RIFF");
  view.setUint32(4, 36 + samples, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, 8000, true);
  view.setUint32(28, 8000, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  write(36, "data");
  view.setUint32(40, samples, true);
  return new Blob([new Uint8Array(view.buffer).fill(128, 44)], { type: "audio/wav" });
}

const named = (blob: Blob, name: string, type = blob.type) => new File([blob], name, { type });

describe("a file that is to be sent", () => {
  test("as a picture comes with its size in pixels", async () => {
    const file = named(await picture(40, 30), "cat.png");
    expect(await inspectFile(file)).toEqual({
      msgtype: "m.image",
      info: {
        ...{ mimetype: "image/png", size: file.size, w: 40, h: 30 },
        "xyz.amorgan.blurhash": expect.stringMatching(/^.{28}$/) as string,
      },
    });
  });

  test("as a sound comes with its length in milliseconds", async () => {
    const found = await inspectFile(named(sound(1500), "cat.wav"));
    expect(found).toEqual({
      msgtype: "m.audio",
      info: { mimetype: "audio/wav", size: 12_044, duration: 1500 },
    });
  });

  test.each([
    ["what only calls itself a picture", "cat.png", "image/png"],
    ["what only calls itself a sound", "cat.wav", "audio/wav"],
    ["what only calls itself a film", "cat.mp4", "video/mp4"],
    ["a drawing with a program in it", "cat.svg", "image/svg+xml"],
    ["anything else", "cat.pdf", "application/pdf"],
  ])("goes as a mere file: %s", async (_, name, type) => {
    expect(await inspectFile(named(new Blob(["no"]), name, type))).toEqual({
      msgtype: "m.file",
      info: { mimetype: type, size: 2 },
    });
  });

  test("of no known type is mere bytes", async () => {
    expect(await inspectFile(named(new Blob(["no"]), "cat", ""))).toEqual({
      msgtype: "m.file",
      info: { mimetype: "application/octet-stream", size: 2 },
    });
  });

  test("keeps its name and says where it is", async () => {
    const file = named(await picture(4, 3), "cat.png");
    const found = await inspectFile(file);
    expect(fileContent(file, found, { url: "mxc://one/cat" })).toEqual({
      msgtype: "m.image",
      body: "cat.png",
      filename: "cat.png",
      url: "mxc://one/cat",
      info: found.info,
    });
  });
});
