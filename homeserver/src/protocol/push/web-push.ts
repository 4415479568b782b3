/** Encryption of messages for Web Push (RFC 8291, aes128gcm), and how a server names itself (RFC 8292). */
import { createCipheriv, createECDH, createPrivateKey, hkdfSync, sign } from "node:crypto";

const CURVE = "prime256v1";
const POINT_BYTES = 65;
const AUTH_BYTES = 16;
const RECORD_BYTES = 4_096;
/** Everything in the one record that is not the message: its header, a delimiter and the tag. */
const OVERHEAD_BYTES = 16 + 4 + 1 + POINT_BYTES + 1 + 16;
/** Longest message, in bytes. */
export const MAX_MESSAGE_BYTES = RECORD_BYTES - OVERHEAD_BYTES;

/** What an app has told of itself. */
export interface Subscriber {
  /** Point of P-256, uncompressed: 65 bytes. */
  readonly publicKey: Uint8Array;
  /** 16 bytes. */
  readonly auth: Uint8Array;
}

/** Bytes of base64url without padding; undefined where it is something else. */
function bytesOf(text: unknown, length: number): Buffer | undefined {
  if (typeof text !== "string") return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.length === length && bytes.toString("base64url") === text ? bytes : undefined;
}

/** Of the texts that clients send; undefined where they name no point of the curve and no secret. */
export function parseSubscriber(pushkey: unknown, secret: unknown): Subscriber | undefined {
  const [publicKey, auth] = [bytesOf(pushkey, POINT_BYTES), bytesOf(secret, AUTH_BYTES)];
  if (publicKey === undefined || auth === undefined || publicKey[0] !== 4) return undefined;
  const probe = createECDH(CURVE);
  probe.setPrivateKey(Buffer.alloc(32, 1));
  try {
    probe.computeSecret(publicKey);
  } catch {
    return undefined;
  }
  return { publicKey, auth };
}

/**
 * A message of at most `MAX_MESSAGE_BYTES`, for a subscriber alone. `seed`: 32 random bytes, used once, as the sender's
 * private key; `salt`: 16 more. @throws Error where the seed is no private key, once in 2^32
 */
export function encryptForSubscriber(
  message: Uint8Array,
  { publicKey, auth }: Subscriber,
  { seed, salt }: { readonly seed: Uint8Array; readonly salt: Uint8Array },
): Buffer {
  const own = createECDH(CURVE);
  own.setPrivateKey(Buffer.from(seed));
  const ownPublic = own.getPublicKey();
  const shared = own.computeSecret(publicKey);
  const derive = (from: Uint8Array, mix: Uint8Array, info: Uint8Array, length: number) =>
    Buffer.from(hkdfSync("sha256", from, mix, info, length));
  const text = (label: string) => Buffer.from(`${label}\0`);
  const info = Buffer.concat([text("WebPush: info"), publicKey, ownPublic]);
  const secret = derive(shared, auth, info, 32);
  const key = derive(secret, salt, text("Content-Encoding: aes128gcm"), 16);
  const nonce = derive(secret, salt, text("Content-Encoding: nonce"), 12);
  const cipher = createCipheriv("aes-128-gcm", key, nonce);
  const size = Buffer.alloc(5);
  size.writeUInt32BE(RECORD_BYTES);
  size[4] = ownPublic.length;
  // 2: this is the last record.
  const parts = [cipher.update(message), cipher.update(Buffer.of(2)), cipher.final()];
  return Buffer.concat([salt, size, ownPublic, ...parts, cipher.getAuthTag()]);
}

/** A server's key pair as base64url: the private number, and the point. */
export interface ServerKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** Of 32 random bytes. */
export function serverKeyOf(seed: Uint8Array): ServerKey {
  const pair = createECDH(CURVE);
  pair.setPrivateKey(Buffer.from(seed));
  return {
    privateKey: pair.getPrivateKey("base64url"),
    publicKey: pair.getPublicKey("base64url"),
  };
}

/** The Authorization header for a push server. `expires`: seconds since 1970, a day ahead at most. */
export function vapidHeader(
  { privateKey, publicKey }: ServerKey,
  claims: { readonly origin: string; readonly contact: string; readonly expires: number },
): string {
  const point = Buffer.from(publicKey, "base64url");
  const key = createPrivateKey({
    format: "jwk",
    key: {
      ...{ kty: "EC", crv: "P-256", d: privateKey },
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
    },
  });
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const { origin: aud, contact: sub, expires: exp } = claims;
  const signed = `${encode({ typ: "JWT", alg: "ES256" })}.${encode({ aud, exp, sub })}`;
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `vapid t=${signed}.${signature.toString("base64url")}, k=${publicKey}`;
}
