import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustSucceed } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";
import { png, upload } from "./files.ts";

clause(
  clientApi("get_matrixclientv1mediathumbnailservernamemediaid"),
  "a thumbnail is smaller, and an image",
  async () => {
    const alice = await registerUser(theSubject());
    const path = await upload(alice, png(400, 300), "image/png");
    const { headers, bytes } = await mustSucceed(
      alice.request("getContentThumbnailAuthed", {
        path,
        query: { width: 64, height: 64, method: "crop" },
      }),
    );
    must(
      /^image\/(png|jpeg|webp)/.test(headers["content-type"] ?? ""),
      `${headers["content-type"]}`,
    );
    if (headers["content-type"]?.startsWith("image/png")) {
      const size = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
      must((size[0] ?? 0) < 400 && (size[1] ?? 0) < 300, `the thumbnail is ${size.join(" x ")}`);
    }
  },
);

/** Pixels of a PNG or JPEG, from its head. */
function sizeOf(type: string, bytes: Buffer): [number, number] {
  if (type.startsWith("image/png")) return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  // The segments of a JPEG, until the one that begins a frame (SOF0 to SOF2).
  for (let at = 2; at + 9 < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes.readUInt16BE(at);
    if (marker >= 0xffc0 && marker <= 0xffc2) {
      return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
    }
  }
  throw new Error(`no size is found in ${type}`);
}

clause(
  clientApi("thumbnails"),
  "crop has the shape that is asked for, scale keeps the image's; neither is enlarged",
  async () => {
    const alice = await registerUser(theSubject());
    const [width, height] = [400, 200];
    const path = await upload(alice, png(width, height), "image/png");
    const thumbnail = async (w: number, h: number, method: "crop" | "scale") => {
      const query = { width: w, height: h, method };
      const answer = await mustSucceed(alice.request("getContentThumbnailAuthed", { path, query }));
      const type = answer.headers["content-type"] ?? "";
      if (type.startsWith("image/webp") || type.startsWith("image/gif")) return undefined;
      const size = sizeOf(type, answer.bytes);
      must(
        size[0] <= width && size[1] <= height,
        `${method} ${w}x${h} was enlarged to ${size.join("x")}`,
      );
      return size;
    };
    for (const [w, h] of [
      [32, 32],
      [96, 96],
      [100, 100],
      [120, 60],
      [90, 30],
    ] as const) {
      const size = await thumbnail(w, h, "crop");
      if (size === undefined) continue;
      must(size[0] >= w && size[1] >= h, `crop ${w}x${h} has only ${size.join("x")} pixels`);
      // Rounding may take one pixel.
      must(
        Math.abs(size[0] * h - size[1] * w) <= Math.max(w, h),
        `crop ${w}x${h} has ${size.join("x")}`,
      );
    }
    for (const [w, h] of [
      [320, 240],
      [100, 100],
      [640, 480],
    ] as const) {
      const size = await thumbnail(w, h, "scale");
      if (size === undefined) continue;
      must(Math.abs(size[0] - size[1] * 2) <= 2, `scale ${w}x${h} has the shape ${size.join("x")}`);
    }
  },
);
