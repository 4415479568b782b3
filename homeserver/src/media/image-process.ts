/** The process that decodes uploaded images: see image-tools.ts, which starts it. */
import { open, readFile } from "node:fs/promises";
import sharp, { type Metadata, type Sharp } from "sharp";
import { readApng, shrinkApng } from "./apng.ts";
import { serveChild, TaskError } from "../platform/serve-child.ts";
import type { ImageFacts, ImageFormat, Target } from "./image-facts.ts";
import type { ImageTask, ImageTaskOutput, Made } from "./image-task.ts";
import { pngParts } from "./png-chunks.ts";

/**
 * Image formats that are read, and the type by which the original can be served; null: only as a
 * thumbnail.
 */
const INLINE_TYPES: Record<ImageFormat, string | null> = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  heif: null,
};
/** Their decoders. All others, such as those for SVG and PDF, must not see uploaded bytes. */
const LOADERS = ["Jpeg", "Png", "Webp", "Nsgif", "Heif"].flatMap((name) => [
  `VipsForeignLoad${name}File`,
  `VipsForeignLoad${name}Buffer`,
]);
const TIMEOUT_SECONDS = 20;

sharp.cache(false);
// One thread an image; several images at once are the server's choice.
sharp.concurrency(1);
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: LOADERS });

serveChild(async ({ path, make }: ImageTask): Promise<ImageTaskOutput> => {
  try {
    return make === undefined ? await look(path) : await render(path, make.facts, make.target);
  } catch (error) {
    throw error instanceof TaskError ? error : new TaskError("not-an-image", String(error));
  }
});

async function look(path: string): Promise<ImageFacts> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const start = Buffer.alloc(4);
    await file.read(start, 0, 4, 0);
    // A PNG's chunks are counted before the library looks at them: it unpacks all texts at once.
    const png = start.toString("latin1") === "\x89PNG" ? await pngParts(file) : NO_PARTS;
    if (png === undefined || png.compressedParts > MAX_COMPRESSED_PARTS) {
      throw new TaskError("too-large", "The image has too many parts for a thumbnail");
    }
    const metadata = await sharp(path, { limitInputPixels: false }).metadata();
    return factsOf(metadata, png, size);
  } finally {
    await file.close();
  }
}

const NO_PARTS = { isAnimated: false, frames: 0, compressedParts: 0 };
/** Pictures of a PNG that moves: each is decoded by itself. */
const MAX_APNG_FRAMES = 2_000;
const MAX_COMPRESSED_PARTS = 10;

function factsOf(metadata: Metadata, png: typeof NO_PARTS, fileBytes: number): ImageFacts {
  const { format, width, height, channels, depth, pages, orientation } = metadata;
  if (!isKnown(format) || !width || !height) {
    throw new TaskError("not-an-image", `${format} is not read`);
  }
  const frames = png.isAnimated ? Math.max(png.frames, 1) : (pages ?? 1);
  const isTurned = (orientation ?? 1) > 1;
  const [shownWidth, shownHeight] = (orientation ?? 1) >= 5 ? [height, width] : [width, height];
  return {
    format,
    storedWidth: width,
    storedHeight: height,
    width: shownWidth,
    height: shownHeight,
    inlineType: INLINE_TYPES[format],
    frames,
    isAnimated: png.isAnimated || frames > 1,
    canAnimate: frames > 1 && !(png.isAnimated && frames > MAX_APNG_FRAMES),
    isProgressive: metadata.isProgressive,
    channels: channels ?? 4,
    sampleBytes:
      depth === "uchar" ? ((metadata.bitsPerSample ?? 8) > 8 ? 2 : 1) : depth === "ushort" ? 2 : 4,
    chroma: metadata.chromaSubsampling?.startsWith("4:2:0") ? 0.5 : 2,
    hasAlpha: metadata.hasAlpha,
    isTurned,
    compressedParts: png.compressedParts,
    fileBytes,
  };
}

function isKnown(format: string | undefined): format is ImageFormat {
  return format !== undefined && Object.hasOwn(INLINE_TYPES, format);
}

/** Never enlarges; metadata are left out. */
async function render(path: string, facts: ImageFacts, target: Target): Promise<Made> {
  if (target.animated && facts.format === "png") {
    const apng = readApng(await readFile(path));
    if (apng === undefined) return render(path, facts, { ...target, animated: false });
    const { width, height, method } = target;
    const fit = method === "crop" ? "cover" : "inside";
    const content = await shrinkApng(apng, { width, height, fit }, TIMEOUT_SECONDS * 1000);
    return { content, contentType: "image/webp" };
  }
  const pixels = facts.storedWidth * facts.storedHeight * (target.animated ? facts.frames : 1);
  const image = sharp(path, {
    limitInputPixels: pixels,
    sequentialRead: true,
    ...(target.animated ? { pages: -1 } : {}),
  });
  const sized = image
    .timeout({ seconds: TIMEOUT_SECONDS })
    .autoOrient()
    .resize({
      width: target.width,
      height: target.height,
      fit: target.method === "crop" ? "cover" : "inside",
      withoutEnlargement: true,
    });
  const { content, contentType } = await encode(sized, facts, target);
  return { content, contentType };
}

async function encode(
  image: Sharp,
  facts: ImageFacts,
  target: Target,
): Promise<{ content: Buffer; contentType: string }> {
  if (target.animated) {
    return { content: await image.webp({ quality: 80 }).toBuffer(), contentType: "image/webp" };
  }
  // Screens and drawings, which come as PNG, keep their sharp lines.
  if (facts.hasAlpha || facts.format === "png") {
    return { content: await image.png().toBuffer(), contentType: "image/png" };
  }
  return { content: await image.jpeg({ quality: 82 }).toBuffer(), contentType: "image/jpeg" };
}
