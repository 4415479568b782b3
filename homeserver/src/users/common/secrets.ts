import { hash } from "node:crypto";
import { encodeBase64Url } from "../../protocol/crypto.ts";
import type { Random } from "../../platform/random.ts";

/** Which kind of secret a token is, so that a leaked one can be recognised. */
export type SecretKind =
  | "access"
  | "refresh"
  | "login"
  | "session"
  | "code"
  | "device"
  | "browser"
  | "mail";

const PREFIX: Record<SecretKind, string> = {
  access: "weft_a_",
  refresh: "weft_r_",
  login: "weft_l_",
  session: "weft_s_",
  code: "weft_c_",
  device: "weft_d_",
  browser: "weft_b_",
  mail: "weft_m_",
};

/** A new opaque token with 256 random bits. */
export function newSecret(kind: SecretKind, random: Random): string {
  return PREFIX[kind] + encodeBase64Url(random.bytes(32));
}

/** What is stored of a token: its SHA-256. */
export function hashSecret(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

const DEVICE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** A device id of ten capital letters. */
export function newDeviceId(random: Random): string {
  return pick(DEVICE_LETTERS, 10, random);
}

const NAME_LETTERS = "abcdefghijkmnopqrstuvwxyz23456789";

/**
 * `count` characters that a person can read out: for generated user names and registration tokens.
 */
export function readableCode(count: number, random: Random): string {
  return pick(NAME_LETTERS, count, random);
}

/** `count` characters of an alphabet. */
export function pick(alphabet: string, count: number, random: Random): string {
  let text = "";
  // Bytes beyond the last whole multiple of the alphabet are skipped, so that every letter is
  // equally likely.
  const limit = 256 - (256 % alphabet.length);
  while (text.length < count) {
    for (const byte of random.bytes(count)) {
      if (byte < limit && text.length < count) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}
