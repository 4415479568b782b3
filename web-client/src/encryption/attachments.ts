import type { Schema } from "@weft/spec/types";
import { object, text, type Content } from "../api/types.ts";
import { fromBase64, toBase64, toBase64Url, withoutPadding } from "./base64.ts";

/** Where an encrypted file is, and what opens it: the `file` of a message. */
export type EncryptedFile = Schema<"EncryptedFile">;
/** What opens a file, before it is known where it is. */
export type FileKey = Omit<EncryptedFile, "url">;

/** Bytes that are encrypted at a time: a multiple of the cipher's blocks of 16. */
const PIECE = 4 * 1024 * 1024;
const BLOCK = 16;

/** The counter that a piece begins with: the last eight bytes count blocks, as the specification's start at zero. */
function counterAt(iv: Uint8Array, block: number): Uint8Array<ArrayBuffer> {
  const counter = new Uint8Array(iv);
  const view = new DataView(counter.buffer);
  view.setBigUint64(8, view.getBigUint64(8) + BigInt(block));
  return counter;
}

/** AES-CTR over a blob piece by piece, so that a large file is never in memory twice. */
async function cipher(
  blob: Blob,
  key: CryptoKey,
  iv: Uint8Array,
  direction: "encrypt" | "decrypt",
): Promise<Blob> {
  const pieces: Blob[] = [];
  for (let at = 0; at < blob.size; at += PIECE) {
    const piece = await blob.slice(at, at + PIECE).arrayBuffer();
    const algorithm = { name: "AES-CTR", counter: counterAt(iv, at / BLOCK), length: 64 };
    pieces.push(new Blob([await crypto.subtle[direction](algorithm, key, piece)]));
  }
  return new Blob(pieces, { type: "application/octet-stream" });
}

async function sha256(blob: Blob): Promise<string> {
  return toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer())));
}

/** Encrypts a file with a key of its own ("Sending encrypted attachments", version v2). */
export async function sealFile(file: Blob): Promise<{ sealed: Blob; key: FileKey }> {
  const iv = crypto.getRandomValues(new Uint8Array(BLOCK));
  iv.fill(0, 8);
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", raw, "AES-CTR", false, ["encrypt"]);
  const sealed = await cipher(file, key, iv, "encrypt");
  return {
    sealed,
    key: {
      key: {
        kty: "oct",
        key_ops: ["encrypt", "decrypt"],
        alg: "A256CTR",
        k: toBase64Url(raw),
        ext: true,
      },
      iv: toBase64(iv),
      hashes: { sha256: await sha256(sealed) },
      v: "v2",
    },
  };
}

/** Opens an encrypted file. Rejects when the bytes are not those that its sender uploaded. */
export async function openFile(sealed: Blob, file: FileKey, type: string): Promise<Blob> {
  const iv = fromBase64(file.iv);
  const raw = fromBase64(file.key.k);
  if (iv.length !== BLOCK || raw.length !== 32) throw new Error("Malformed key of a file");
  const wanted = file.hashes["sha256"];
  if (wanted === undefined || (await sha256(sealed)) !== withoutPadding(wanted)) {
    throw new Error("The file is not the one that was sent");
  }
  const key = await crypto.subtle.importKey("raw", raw, "AES-CTR", false, ["decrypt"]);
  return new Blob([await cipher(sealed, key, iv, "decrypt")], { type });
}

/** The encrypted file that a stranger's content names under `name`, or undefined when it is none that can be opened. */
export function encryptedFile<C extends object = Content>(
  content: C | undefined,
  name: keyof C & string,
): EncryptedFile | undefined {
  const file = object(content, name);
  const key = object(file, "key");
  const hashes = object(file, "hashes");
  const [url, iv, version] = [text(file, "url"), text(file, "iv"), text(file, "v")];
  const [k, algorithm, hash] = [text(key, "k"), text(key, "alg"), text(hashes, "sha256")];
  if (url === undefined || iv === undefined || k === undefined || hash === undefined)
    return undefined;
  if (version !== "v2" || algorithm !== "A256CTR") return undefined;
  const known = { kty: "oct", key_ops: ["encrypt", "decrypt"], alg: algorithm, k, ext: true };
  return { url, key: known, iv, hashes: { sha256: hash }, v: version };
}
