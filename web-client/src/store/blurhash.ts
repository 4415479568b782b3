/** A picture in thirty letters: what is seen of it while it loads. */
const VALID = /^[0-9A-Za-z#$%*+,\-.:;=?@[\]^_{|}~]{6,100}$/;
/** Pixels that the colours are taken from, and drawn with. */
const SIDE = 32;
/** Drawings that are kept. */
const MAX_KEPT = 200;

const drawn = new Map<string, Promise<string | undefined>>();

/** The letters of a picture, or undefined when it cannot be read. */
export async function blurhashOf(picture: ImageBitmapSource): Promise<string | undefined> {
  try {
    const { encode } = await import("blurhash");
    const bitmap = await createImageBitmap(picture, { resizeWidth: SIDE, resizeHeight: SIDE });
    const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d")!;
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return encode(context.getImageData(0, 0, SIDE, SIDE).data, SIDE, SIDE, 4, 3);
  } catch {
    return undefined;
  }
}

/** A picture's address made of a stranger's letters; undefined when they are none. */
export function drawBlurhash(hash: string | undefined): Promise<string | undefined> {
  if (hash === undefined || !VALID.test(hash)) return Promise.resolve(undefined);
  const known = drawn.get(hash);
  if (known !== undefined) return known;
  const made = draw(hash).catch(() => undefined);
  drawn.set(hash, made);
  if (drawn.size > MAX_KEPT) drawn.delete(drawn.keys().next().value!);
  return made;
}

async function draw(hash: string): Promise<string | undefined> {
  const { decode, isBlurhashValid } = await import("blurhash");
  if (!isBlurhashValid(hash).result) return undefined;
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  const pixels = new ImageData(new Uint8ClampedArray(decode(hash, SIDE, SIDE)), SIDE, SIDE);
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}
