/** Texts that are stored encrypted. */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import type { Random } from "../platform/random.ts";

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts a text so that only a holder of the secret can read it: the database has just the
 * secret's hash.
 */
export function seal(text: string, secret: string, random: Random): Buffer {
  const iv = random.bytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", sealingKey(secret), iv);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

/** Decrypts what `seal` encrypted with the same secret. Throws for another one. */
export function unseal(sealed: Buffer, secret: string): string {
  const iv = sealed.subarray(0, IV_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", sealingKey(secret), iv);
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const rest = sealed.subarray(IV_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(rest), decipher.final()]).toString("utf8");
}

function sealingKey(secret: string): Buffer {
  return createHmac("sha256", secret).update("what is sealed").digest();
}
