/** Files that a user uploads, and pictures. */
import { deflateSync, crc32 } from "node:zlib";
import type { User } from "../../harness/users.ts";

export async function upload(user: User, bytes: Uint8Array, type: string, filename?: string) {
  const answer = await user.call("uploadContent", {
    raw: bytes,
    headers: { "content-type": type },
    query: { filename },
  });
  const [serverName = "", mediaId = ""] = answer.content_uri.slice("mxc://".length).split("/");
  return { serverName, mediaId };
}

/** A picture of one colour. */
export function png(width: number, height: number): Buffer {
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
