import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";

/** A key that this server signs with. */
export interface SigningKey {
  /** For example "ed25519:abc". */
  readonly keyId: string;
  readonly privateKey: KeyObject;
  /** Unpadded base64 of the 32 bytes. */
  readonly publicKeyBase64: string;
  readonly seedBase64: string;
}

/** A public key, ready for use. Keep it: making one costs as much as verifying with it. */
export interface VerifyKey {
  readonly publicKey: KeyObject;
  readonly publicKeyBase64: string;
}

// The DER wrapping of RFC 8410 that node:crypto wants around the 32 raw bytes.
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const SEED_BYTES = 32;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const BASE64_ANY = /^[A-Za-z0-9+/_-]*={0,2}$/;
const KEY_ID = /^ed25519:[A-Za-z0-9_]+$/;

/** Unpadded base64 with the standard alphabet. */
export function encodeBase64(bytes: Uint8Array): string {
  const text = asBuffer(bytes).toString("base64");
  const padding = text.indexOf("=");
  return padding < 0 ? text : text.slice(0, padding);
}

/** Unpadded base64 with the URL-safe alphabet. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("base64url");
}

/** The bytes of a base64 text, either alphabet, padded or not; undefined when it is none. */
export function decodeBase64(text: unknown): Buffer | undefined {
  if (typeof text !== "string" || !BASE64_ANY.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  const digits = text.indexOf("=") < 0 ? text.length : text.indexOf("=");
  return digits % 4 === 1 ? undefined : bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** SHA-256 of bytes, or of a text's UTF-8. */
export function sha256(data: string | Uint8Array): Buffer {
  return hash("sha256", data, "buffer");
}

/** SHA-256 as unpadded base64, standard alphabet. */
export function sha256Base64(data: string | Uint8Array): string {
  return hash("sha256", data, "base64").slice(0, 43);
}

/** SHA-256 as unpadded base64, URL-safe alphabet. */
export function sha256Base64Url(data: string | Uint8Array): string {
  return hash("sha256", data, "base64url");
}

/** True for "ed25519:" and a name of letters, digits and underscores. */
export function isEd25519KeyId(keyId: string): boolean {
  return KEY_ID.test(keyId);
}

/** The signing key of a 32 byte seed; throws RangeError otherwise. */
export function signingKeyFromSeed(keyId: string, seed: Uint8Array): SigningKey {
  if (seed.length !== SEED_BYTES) throw new RangeError("A seed has 32 bytes");
  if (!isEd25519KeyId(keyId)) throw new RangeError(`Not an ed25519 key id: ${keyId}`);
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    keyId,
    privateKey,
    publicKeyBase64: encodeBase64(spki.subarray(SPKI_PREFIX.length)),
    seedBase64: encodeBase64(seed),
  };
}

/** A new signing key; `randomBytes(n)` supplies the randomness. The id is made of it as well. */
export function generateSigningKey(randomBytes: (count: number) => Uint8Array): SigningKey {
  const name = Buffer.from(randomBytes(4)).toString("hex");
  return signingKeyFromSeed(`ed25519:${name}`, randomBytes(SEED_BYTES));
}

/** The public key of 32 bytes in base64; throws RangeError when it is none. */
export function verifyKeyFromBase64(text: string): VerifyKey {
  const raw = decodeBase64(text);
  if (raw === undefined || raw.length !== PUBLIC_KEY_BYTES) {
    throw new RangeError("Not an ed25519 public key");
  }
  const der = Buffer.concat([SPKI_PREFIX, raw]);
  const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
  return { publicKey, publicKeyBase64: encodeBase64(raw) };
}

/** The Ed25519 signature of a text's UTF-8, as unpadded base64. */
export function signText(text: string, key: SigningKey): string {
  return sign(null, Buffer.from(text), key.privateKey).toString("base64").slice(0, 86);
}

/** True when `signature` (base64) is the key's over the text's UTF-8. */
export function verifyText(text: string, signature: unknown, key: VerifyKey): boolean {
  const bytes = decodeBase64(signature);
  if (bytes === undefined || bytes.length !== SIGNATURE_BYTES) return false;
  return verify(null, Buffer.from(text), key.publicKey, bytes);
}

/** Like verifyText, on the thread pool. */
export function verifyTextAsync(
  text: string,
  signature: unknown,
  key: VerifyKey,
): Promise<boolean> {
  const bytes = decodeBase64(signature);
  if (bytes === undefined || bytes.length !== SIGNATURE_BYTES) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(null, Buffer.from(text), key.publicKey, bytes, (error, valid) => {
      if (error) reject(error);
      else resolve(valid);
    });
  });
}
