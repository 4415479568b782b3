/** A lake at dusk, drawn point by point: no library is needed for one picture. */
import { crc32, deflateSync } from "node:zlib";

export const WIDTH = 960;
export const HEIGHT = 540;
const SHORE = 330;

const mix = (from, to, share) => from.map((value, at) => value + (to[at] - value) * share);

/** The height of a ridge of mountains above the shore, in points. */
const ridge = (x, seed) =>
  60 + 50 * Math.sin(x / 90 + seed) + 34 * Math.sin(x / 41 + 2 * seed) + 12 * Math.sin(x / 17);

function colourAt(x, y) {
  const inBoat = y > 404 && y < 434 && Math.abs(x - 500) < 78 - (y - 404) * 0.9;
  if (inBoat) return [90, 58, 34];
  if (x > 502 && y > 300 && y < 400 && x - 502 < (y - 300) * 0.7) return [255, 250, 240];
  if (y >= SHORE) {
    const shine = Math.abs(x - 640 + 14 * Math.sin(y / 5)) < 46 - (y - SHORE) / 8 ? 0.35 : 0;
    const water = mix([226, 185, 138], [29, 107, 99], (y - SHORE) / (HEIGHT - SHORE));
    return mix(water, [255, 243, 214], shine);
  }
  if (SHORE - y < ridge(x, 4) * 0.8) return [63, 86, 96];
  if (SHORE - y < ridge(x, 1) * 1.2) return [104, 124, 132];
  if (Math.hypot(x - 640, y - 190) < 52) return [255, 243, 214];
  return mix([246, 178, 107], [247, 217, 168], y / SHORE);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** The picture, as PNG. */
export function lake() {
  const rows = Buffer.alloc(HEIGHT * (1 + WIDTH * 3));
  for (let y = 0, at = 0; y < HEIGHT; y++) {
    rows[at++] = 0; // points as they are
    for (let x = 0; x < WIDTH; x++) for (const value of colourAt(x, y)) rows[at++] = value;
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(WIDTH, 0);
  head.writeUInt32BE(HEIGHT, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...parts]);
}
