/** PNGs that move. The image library shows their first picture only. (PNG, third edition, 11.3.6.) */
import { crc32 } from "node:zlib";
import sharp from "sharp";

/** One picture of an animation, and how it goes onto those before. */
interface Frame {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
  readonly delayMs: number;
  /** What becomes of its place afterwards: it stays, is cleared, or is as before. */
  readonly dispose: number;
  /** Whether it lies over what is there, instead of replacing it. */
  readonly isOver: boolean;
  /** Its compressed pixels. */
  readonly parts: Buffer[];
}

export interface Apng {
  readonly width: number;
  readonly height: number;
  /** The data of IHDR. */
  readonly head: Buffer;
  /** Whole chunks that all frames need: palette and transparency. */
  readonly shared: readonly Buffer[];
  readonly frames: readonly Frame[];
  /** How often it is shown; 0: for ever. */
  readonly plays: number;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const CLEARED = 1;
const AS_BEFORE = 2;
const CHANNELS = 4;
/** What browsers take longer for; and the most that fits into the result. */
const [MIN_DELAY_MS, USUAL_DELAY_MS, MAX_DELAY_MS] = [20, 100, 65_535];

/** Undefined for what is none, or is broken. */
export function readApng(file: Buffer): Apng | undefined {
  const found = { head: undefined as Buffer | undefined, shared: [] as Buffer[], plays: 0 };
  const frames: Frame[] = [];
  for (const { type, data, whole } of chunksOf(file)) {
    if (type === "IHDR" && data.length === 13) found.head = data;
    else if (type === "PLTE" || type === "tRNS") found.shared.push(whole);
    else if (type === "acTL" && data.length === 8) found.plays = data.readUInt32BE(4);
    else if (type === "fcTL") {
      const frame = found.head && frameOf(data, found.head);
      if (frame === undefined) return undefined;
      frames.push(frame);
    }
    // Pixels before the first frame are for those who know of no frames.
    else if (type === "IDAT") frames.at(-1)?.parts.push(data);
    else if (type === "fdAT" && data.length > 4) frames.at(-1)?.parts.push(data.subarray(4));
  }
  const { head, shared, plays } = found;
  if (head === undefined || frames.some(({ parts }) => parts.length === 0)) return undefined;
  if (frames.length < 2) return undefined;
  return { width: head.readUInt32BE(0), height: head.readUInt32BE(4), head, shared, frames, plays };
}

function* chunksOf(file: Buffer): Generator<{ type: string; data: Buffer; whole: Buffer }> {
  for (let at = SIGNATURE.length; at + 12 <= file.length;) {
    const end = at + 12 + file.readUInt32BE(at);
    if (end > file.length) return;
    const type = file.toString("latin1", at + 4, at + 8);
    yield { type, data: file.subarray(at + 8, end - 4), whole: file.subarray(at, end) };
    at = end;
  }
}

function frameOf(data: Buffer, head: Buffer): Frame | undefined {
  if (data.length !== 26) return undefined;
  const [width, height] = [data.readUInt32BE(4), data.readUInt32BE(8)];
  const [x, y] = [data.readUInt32BE(12), data.readUInt32BE(16)];
  const isWithin = x + width <= head.readUInt32BE(0) && y + height <= head.readUInt32BE(4);
  if (width === 0 || height === 0 || !isWithin) return undefined;
  const delay = (data.readUInt16BE(20) * 1000) / (data.readUInt16BE(22) || 100);
  const delayMs = delay < MIN_DELAY_MS ? USUAL_DELAY_MS : Math.min(Math.round(delay), MAX_DELAY_MS);
  const [dispose, isOver] = [data[24]!, data[25] === 1];
  return { ...{ width, height, x, y, delayMs, dispose, isOver }, parts: [] };
}

export interface ApngTarget {
  readonly width: number;
  readonly height: number;
  readonly fit: "cover" | "inside";
}

/**
 * Makes a small WebP that moves. One picture is decoded at a time.
 * @throws Error for pixels that are none, or when it takes longer than `maxMs`
 */
export async function shrinkApng(apng: Apng, target: ApngTarget, maxMs: number): Promise<Buffer> {
  const { width, height, frames, plays } = apng;
  const until = performance.now() + maxMs;
  const canvas = Buffer.alloc(width * height * CHANNELS);
  const raw = { width, height, channels: CHANNELS } as const;
  let made: { pixels: Buffer; width: number; height: number } | undefined;
  for (const [index, frame] of frames.entries()) {
    if (performance.now() > until) throw new Error("the animation takes too long");
    const place = { canvas, width, frame };
    const before = frame.dispose === AS_BEFORE && index > 0 ? cut(place) : undefined;
    draw(place, await decode(apng, frame));
    const { data, info } = await sharp(canvas, { raw })
      .resize({ ...target, withoutEnlargement: true })
      .raw()
      .toBuffer({ resolveWithObject: true });
    made ??= { ...info, pixels: Buffer.allocUnsafe(data.length * frames.length) };
    data.copy(made.pixels, data.length * index);
    if (before) paste(place, before);
    else if (frame.dispose === CLEARED || frame.dispose === AS_BEFORE) clear(place);
  }
  const { pixels, width: across, height: down } = made!;
  const pages = { width: across, height: down * frames.length, channels: CHANNELS } as const;
  return sharp(pixels, { raw: { ...pages, pageHeight: down }, limitInputPixels: false })
    .webp({ quality: 80, loop: plays, delay: frames.map(({ delayMs }) => delayMs) })
    .toBuffer();
}

/** The pixels of one picture: red, green, blue and opacity. */
async function decode({ head, shared }: Apng, frame: Frame): Promise<Buffer> {
  const { width, height, parts } = frame;
  const own = Buffer.from(head);
  own.writeUInt32BE(width, 0);
  own.writeUInt32BE(height, 4);
  const chunks = [chunk("IHDR", [own]), ...shared, chunk("IDAT", parts), chunk("IEND", [])];
  const png = Buffer.concat([SIGNATURE, ...chunks]);
  const { data, info } = await sharp(png, { limitInputPixels: width * height })
    .toColourspace("srgb")
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width === width && info.height === height && info.channels === CHANNELS) return data;
  throw new Error("the pixels are others than was said");
}

function chunk(type: string, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), ...parts]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(body.length - 4);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

interface Place {
  readonly canvas: Buffer;
  /** Of the canvas. */
  readonly width: number;
  readonly frame: Frame;
}

/** For each row of the frame: where it begins on the canvas, and in the frame. */
function* rows({ width, frame }: Place): Generator<[at: number, from: number, length: number]> {
  const length = frame.width * CHANNELS;
  for (let row = 0; row < frame.height; row += 1) {
    yield [((frame.y + row) * width + frame.x) * CHANNELS, row * length, length];
  }
}

function draw(place: Place, pixels: Buffer): void {
  if (!place.frame.isOver) return paste(place, pixels);
  const { canvas } = place;
  for (const [at, from, length] of rows(place)) {
    for (let i = 0; i < length; i += CHANNELS) lay(canvas, at + i, pixels, from + i);
  }
}

/** Lays one pixel over another. (PNG, 13.16.) */
function lay(under: Buffer, at: number, over: Buffer, from: number): void {
  const opacity = over[from + 3]!;
  if (opacity === 0) return;
  const rest = (under[at + 3]! * (255 - opacity)) / 255;
  const sum = opacity + rest;
  for (let i = 0; i < 3; i += 1) {
    under[at + i] = Math.round((over[from + i]! * opacity + under[at + i]! * rest) / sum);
  }
  under[at + 3] = Math.round(sum);
}

function paste(place: Place, pixels: Buffer): void {
  for (const [at, from, length] of rows(place)) pixels.copy(place.canvas, at, from, from + length);
}

function cut(place: Place): Buffer {
  const { frame, canvas } = place;
  const pixels = Buffer.allocUnsafe(frame.width * frame.height * CHANNELS);
  for (const [at, from, length] of rows(place)) canvas.copy(pixels, from, at, at + length);
  return pixels;
}

function clear(place: Place): void {
  for (const [at, , length] of rows(place)) place.canvas.fill(0, at, at + length);
}
