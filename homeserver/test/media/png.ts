import { crc32, deflateSync } from "node:zlib";

/** One chunk of a PNG. (PNG, 5.3.) */
export function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

export interface PngShape {
  readonly width: number;
  readonly height: number;
  /** Bits of a channel: 8 or 16. */
  readonly depth: number;
  readonly isInterlaced: boolean;
}

/** A black PNG in full colour, with further chunks between its head and its pixels. */
export function pngOf(shape: PngShape, further: readonly Buffer[] = []): Buffer {
  const { width, height, depth, isInterlaced } = shape;
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([depth, 2, 0, 0, isInterlaced ? 1 : 0], 8);
  const pixels = Buffer.alloc(
    isInterlaced ? interlacedBytes(shape) : height * rowBytes(width, depth),
  );
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    ...further,
    chunk("IDAT", deflateSync(pixels, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The filter's byte, then the pixels. */
const rowBytes = (width: number, depth: number) => 1 + (width * 3 * depth) / 8;

/** Of Adam7's seven passes. (PNG, 8.) */
function interlacedBytes({ width, height, depth }: PngShape): number {
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  return passes
    .map(([x, y, dx, dy]) => {
      const [w, h] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
      return w > 0 && h > 0 ? h * rowBytes(w, depth) : 0;
    })
    .reduce((sum, bytes) => sum + bytes, 0);
}

export interface MovingPicture {
  readonly x?: number;
  readonly y?: number;
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of each pixel; one for all of them. */
  readonly colour: readonly [number, number, number, number];
  readonly dispose?: number;
  readonly isOver?: boolean;
  /** Hundredths of a second. */
  readonly delay?: number;
}

/** A PNG that moves. Its first picture is as large as itself. */
export function apngOf(pictures: readonly MovingPicture[], plays = 0): Buffer {
  const { width, height } = pictures[0]!;
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 6, 0, 0, 0], 8);
  let sequence = 0;
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const frames = pictures.flatMap((picture, index) => {
    const control = Buffer.alloc(26);
    const { x = 0, y = 0, delay = 5 } = picture;
    for (const [at, value] of [sequence++, picture.width, picture.height, x, y].entries()) {
      control.writeUInt32BE(value, at * 4);
    }
    control.writeUInt16BE(delay, 20);
    control.writeUInt16BE(100, 22);
    control.set([picture.dispose ?? 0, picture.isOver ? 1 : 0], 24);
    const row = Buffer.alloc(1 + picture.width * 4);
    for (let i = 0; i < picture.width; i += 1) row.set(picture.colour, 1 + i * 4);
    const pixels = deflateSync(Buffer.concat(Array.from({ length: picture.height }, () => row)));
    const data =
      index === 0
        ? chunk("IDAT", pixels)
        : chunk("fdAT", Buffer.concat([number(sequence++), pixels]));
    return [chunk("fcTL", control), data];
  });
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("acTL", Buffer.concat([number(pictures.length), number(plays)])),
    ...frames,
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
