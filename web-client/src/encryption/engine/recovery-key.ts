import { EncryptionError } from "../errors.ts";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const PREFIX = [0x8b, 0x01];
const KEY_BYTES = 32;

function parityOf(bytes: Iterable<number>): number {
  let parity = 0;
  for (const byte of bytes) parity ^= byte;
  return parity;
}

function toBase58(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  let text = "";
  for (; value > 0n; value /= 58n) text = ALPHABET[Number(value % 58n)]! + text;
  for (const byte of bytes) {
    if (byte !== 0) break;
    text = `1${text}`;
  }
  return text;
}

function fromBase58(text: string): Uint8Array<ArrayBuffer> | undefined {
  let value = 0n;
  for (const char of text) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return undefined;
    value = value * 58n + BigInt(digit);
  }
  const bytes: number[] = [];
  for (; value > 0n; value /= 256n) bytes.unshift(Number(value % 256n));
  return Uint8Array.from(bytes);
}

/** A key of 32 bytes as people write it down ("Cryptographic key representation"): base58 in groups of four. */
export function writeRecoveryKey(key: Uint8Array): string {
  const bytes = [...PREFIX, ...key];
  const text = toBase58(Uint8Array.from([...bytes, parityOf(bytes)]));
  return text.match(/.{1,4}/g)!.join(" ");
}

/** Reads a recovery key, however it is spaced. Throws `malformed-key` when it is none. */
export function readRecoveryKey(text: string): Uint8Array<ArrayBuffer> {
  const plain = text.replace(/\s+/g, "");
  const bytes = plain.length > 100 ? undefined : fromBase58(plain);
  const isKey =
    bytes?.length === PREFIX.length + KEY_BYTES + 1 &&
    bytes[0] === PREFIX[0] &&
    bytes[1] === PREFIX[1] &&
    parityOf(bytes) === 0;
  if (!isKey) throw new EncryptionError("malformed-key");
  return bytes.slice(PREFIX.length, -1);
}
