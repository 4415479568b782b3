import type { FileHandle } from "node:fs/promises";

/** The parts of a PNG besides its pixels. */
export interface PngParts {
  /** It is an APNG: a PNG that moves. */
  readonly isAnimated: boolean;
  /** Pictures of the animation. */
  readonly frames: number;
  /** Texts and colour profiles that are compressed: a kilobyte can become megabytes. */
  readonly compressedParts: number;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COMPRESSED = new Set(["zTXt", "iTXt", "iCCP", "eXIf"]);
/** A hundred megabytes in pieces of eight kilobytes have 12,000. */
const MAX_CHUNKS = 50_000;

/**
 * Reads only the heads of a PNG's chunks. (PNG, 5.3.)
 * @returns undefined for what is not a PNG, or has more chunks than any real one
 */
export async function pngParts(file: FileHandle): Promise<PngParts | undefined> {
  const head = Buffer.alloc(8);
  const read = async (at: number) => (await file.read(head, 0, 8, at)).bytesRead === 8;
  if (!(await read(0)) || !head.equals(SIGNATURE)) return undefined;
  let isAnimated = false;
  let frames = 0;
  let compressedParts = 0;
  let at = 8;
  for (let count = 0; count < MAX_CHUNKS; count += 1) {
    if (!(await read(at))) return { isAnimated, frames, compressedParts };
    const type = head.toString("latin1", 4, 8);
    if (type === "acTL") isAnimated = true;
    if (type === "fcTL") frames += 1;
    if (COMPRESSED.has(type)) compressedParts += 1;
    if (type === "IEND") return { isAnimated, frames, compressedParts };
    // Length, type and checksum have four bytes each.
    at += head.readUInt32BE(0) + 12;
  }
  return undefined;
}
