import { deflateSync, crc32 } from "node:zlib";
import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { must, mustBe401, mustBe404, mustEqual, mustSucceed } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";

async function upload(user: User, bytes: Uint8Array, type: string, filename?: string) {
  const answer = await user.call("uploadContent", {
    raw: bytes,
    headers: { "content-type": type },
    query: { filename },
  });
  const [serverName = "", mediaId = ""] = answer.content_uri.slice("mxc://".length).split("/");
  return { serverName, mediaId };
}

/** A picture of one colour. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x99)]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", head),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

clause(
  clientApi("get_matrixclientv1mediadownloadservernamemediaid"),
  "what is uploaded can be downloaded, byte for byte, by who has a token",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7) % 256));
    const path = await upload(alice, bytes, "application/x-weft", "wéft file.bin");
    mustEqual(path.serverName, theSubject().serverName, "the server in content_uri");
    const { headers, bytes: got } = await mustSucceed(bob.request("getContentAuthed", { path }));
    must(got.equals(bytes), "the bytes differ");
    must(
      headers["content-type"]?.startsWith("application/x-weft"),
      `Content-Type ${headers["content-type"]}`,
    );
    must(headers["content-disposition"]?.startsWith("attachment"), "it is not an attachment");
    must(
      headers["content-disposition"]?.toLowerCase().includes("utf-8''w%c3%a9ft%20file.bin"),
      `the file's name is not in ${headers["content-disposition"]}`,
    );
    must(headers["content-security-policy"], "no Content-Security-Policy");
    await mustBe401(
      createClient(theSubject()).request("getContentAuthed", { path }),
      "M_MISSING_TOKEN",
    );
  },
);

clause(
  clientApi("get_matrixclientv1mediadownloadservernamemediaidfilename"),
  "a name may be asked for, a picture may be shown in place",
  async () => {
    const alice = await registerUser(theSubject());
    const path = await upload(alice, png(4, 4), "image/png");
    const { headers } = await mustSucceed(
      alice.request("getContentOverrideNameAuthed", { path: { ...path, fileName: "chosen.png" } }),
    );
    must(headers["content-disposition"]?.startsWith("inline"), "a PNG is not shown inline");
    must(
      headers["content-disposition"]?.includes("chosen.png"),
      "the name is not the one asked for",
    );
  },
);

clause(
  clientApi("serving-inline-content"),
  "what a browser would run is never shown in place",
  async () => {
    const alice = await registerUser(theSubject());
    for (const type of ["text/html", "image/svg+xml", "application/javascript"]) {
      const path = await upload(alice, Buffer.from("<script>alert(1)</script>"), type);
      const { headers } = await mustSucceed(alice.request("getContentAuthed", { path }));
      must(!headers["content-disposition"]?.startsWith("inline"), `${type} is inline`);
      must(
        headers["content-security-policy"]?.includes("sandbox"),
        `${type}: the policy does not sandbox`,
      );
    }
  },
);

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

clause(clientApi("content-repository"), "media that is not there is M_NOT_FOUND", async () => {
  const alice = await registerUser(theSubject());
  const path = { serverName: theSubject().serverName, mediaId: unique("none") };
  await mustBe404(alice.request("getContentAuthed", { path }));
});

clause(
  clientApi("get_matrixclientv1mediaconfig"),
  "the upload limit is told, and held to",
  async () => {
    const alice = await registerUser(theSubject());
    const config = await alice.call("getConfigAuthed");
    const limit = config["m.upload.size"] ?? 0;
    must(limit > 1_000_000, `m.upload.size is ${limit}`);
    if (limit > 60_000_000) return;
    // A server may hang up on who goes on sending.
    const upload = alice.request("uploadContent", {
      raw: Buffer.alloc(limit + 1),
      headers: { "content-type": "application/octet-stream" },
    });
    const answer = await upload.catch((error: NodeJS.ErrnoException) => {
      must(error.code === "ECONNRESET" || error.code === "EPIPE", String(error));
    });
    if (answer === undefined) return;
    mustEqual(
      [answer.status, (answer.body as { errcode?: string }).errcode],
      [413, "M_TOO_LARGE"],
      "answer",
    );
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

clause(
  clientApi("post_matrixmediav3upload"),
  "a file is taken whatever its type is said to be, and JSON goes through as it is",
  async () => {
    const alice = await registerUser(theSubject());
    for (const type of ["nonsense", "application/json", "text/plain; charset"]) {
      const bytes = Buffer.from('{"a": 1.50, "a": 2');
      const path = await upload(alice, bytes, type);
      const answer = await mustSucceed(alice.request("getContentAuthed", { path }));
      must(answer.bytes.equals(bytes), `${type}: the bytes differ`);
    }
  },
);
