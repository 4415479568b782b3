import { ApiError } from "../../api/errors.ts";
import { number, object, text, type Content } from "../../api/types.ts";
import { fromBase64, toBase64, withoutPadding } from "../base64.ts";
import { EncryptionError } from "../errors.ts";
import type { Unlocking } from "../port.ts";
import type { Core } from "./core.ts";
import { readRecoveryKey } from "./recovery-key.ts";

const ALGORITHM = "m.secret_storage.v1.aes-hmac-sha2";
const DEFAULT = "m.secret_storage.default_key";
const descriptionOf = (keyId: string): string => `m.secret_storage.key.${keyId}`;

/** Rounds of PBKDF2 for new passphrases, and the most that a description of another client may ask of us. */
const ROUNDS = 500_000;
const MAX_ROUNDS = 20_000_000;

type Bytes = Uint8Array<ArrayBuffer>;
const utf8 = (value: string): Bytes => new Uint8Array(new TextEncoder().encode(value));

/** The two keys that one secret is encrypted and authenticated with. */
async function keysFor(key: Bytes, name: string): Promise<{ aes: CryptoKey; mac: CryptoKey }> {
  const base = await crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
  const derivation = {
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(32),
    info: utf8(name),
  };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(derivation, base, 512));
  const hmac = { name: "HMAC", hash: "SHA-256" };
  return {
    aes: await crypto.subtle.importKey("raw", bits.slice(0, 32), "AES-CTR", false, [
      "encrypt",
      "decrypt",
    ]),
    mac: await crypto.subtle.importKey("raw", bits.slice(32), hmac, false, ["sign", "verify"]),
  };
}

const counter = (iv: Bytes) => ({ name: "AES-CTR", counter: iv, length: 64 });

/** A secret as it stands in account data: what is sealed is a text, in base64 where it is bytes. */
export interface SealedSecret extends Content {
  iv: string;
  ciphertext: string;
  mac: string;
}

export async function sealSecret(
  key: Bytes,
  name: string,
  secret: string,
  iv: Bytes = crypto.getRandomValues(new Uint8Array(16)),
): Promise<SealedSecret> {
  // Bit 63 is zero, for the sake of AES-CTR in other libraries.
  const start = iv.slice();
  start[8]! &= 0x7f;
  const { aes, mac } = await keysFor(key, name);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(counter(start), aes, utf8(secret)));
  return {
    iv: toBase64(start),
    ciphertext: toBase64(sealed),
    mac: toBase64(new Uint8Array(await crypto.subtle.sign("HMAC", mac, sealed))),
  };
}

/** The secret, or undefined when this is not its key or the seal is broken. */
export async function openSecret(
  key: Bytes,
  name: string,
  sealed: Content,
): Promise<string | undefined> {
  const [iv, ciphertext, code] = ["iv", "ciphertext", "mac"].map((field) => text(sealed, field));
  if (iv === undefined || ciphertext === undefined || code === undefined) return undefined;
  try {
    const { aes, mac } = await keysFor(key, name);
    const bytes = fromBase64(ciphertext);
    if (!(await crypto.subtle.verify("HMAC", mac, fromBase64(code), bytes))) return undefined;
    const clear = await crypto.subtle.decrypt(counter(fromBase64(iv)), aes, bytes);
    return new TextDecoder().decode(clear);
  } catch {
    return undefined;
  }
}

/** The check value of a key: 32 zero bytes, sealed under no name. */
async function checkOf(key: Bytes, iv?: Bytes): Promise<{ iv: string; mac: string }> {
  const sealed = await sealSecret(key, "", "\0".repeat(32), iv);
  return { iv: sealed.iv, mac: sealed.mac };
}

export async function keyFromPassphrase(
  passphrase: string,
  salt: string,
  iterations: number,
): Promise<Bytes> {
  const base = await crypto.subtle.importKey("raw", utf8(passphrase), "PBKDF2", false, [
    "deriveBits",
  ]);
  const derivation = { name: "PBKDF2", hash: "SHA-512", salt: utf8(salt), iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(derivation, base, 256));
}

const same = (a: string | undefined, b: string): boolean =>
  a !== undefined && withoutPadding(a) === b;

/** The account's secrets on the server, which a key opens that only the person has. */
export function createSecretStorage({ requests, userId }: Core) {
  const path = (type: string): string =>
    `/_matrix/client/v3/user/${encodeURIComponent(userId)}/account_data/${encodeURIComponent(type)}`;

  async function get(type: string): Promise<Content | undefined> {
    try {
      return await requests.json<Content>({ method: "GET", path: path(type) });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  const put = (type: string, content: Content): Promise<unknown> =>
    requests.json({ method: "PUT", path: path(type), body: JSON.stringify(content) });

  /** The key in use and what describes it, or undefined. */
  async function current(): Promise<{ keyId: string; description: Content } | undefined> {
    const keyId = text(await get(DEFAULT), "key");
    if (keyId === undefined || keyId === "") return undefined;
    const description = await get(descriptionOf(keyId));
    if (description === undefined || text(description, "algorithm") !== ALGORITHM) return undefined;
    return { keyId, description };
  }

  async function keyBy(by: Unlocking, description: Content): Promise<Bytes> {
    if ("recoveryKey" in by) return readRecoveryKey(by.recoveryKey);
    const how = object(description, "passphrase");
    const [salt, rounds] = [text(how, "salt"), number(how, "iterations")];
    const isKnown = text(how, "algorithm") === "m.pbkdf2" && salt !== undefined;
    if (!isKnown || rounds === undefined || rounds < 1 || rounds > MAX_ROUNDS) {
      throw new EncryptionError("nothing-to-unlock", "no passphrase");
    }
    if ((number(how, "bits") ?? 256) !== 256)
      throw new EncryptionError("nothing-to-unlock", "bits");
    return keyFromPassphrase(by.passphrase, salt, rounds);
  }

  async function fits(key: Bytes, description: Content): Promise<boolean> {
    const iv = text(description, "iv");
    // A key without a check value is tried on the secrets themselves.
    if (iv === undefined) return true;
    return same(text(description, "mac"), (await checkOf(key, fromBase64(iv))).mac);
  }

  return {
    async state(): Promise<{ exists: boolean; hasPassphrase: boolean }> {
      const known = await current();
      const how = object(known?.description, "passphrase");
      return { exists: known !== undefined, hasPassphrase: how !== undefined };
    },

    /** Opens the storage: answers the key. Throws `nothing-to-unlock`, `malformed-key` or `wrong-key`. */
    async open(by: Unlocking): Promise<{ keyId: string; key: Bytes }> {
      const known = await current();
      if (known === undefined) throw new EncryptionError("nothing-to-unlock");
      const key = await keyBy(by, known.description);
      if (!(await fits(key, known.description))) throw new EncryptionError("wrong-key");
      return { keyId: known.keyId, key };
    },

    async read(name: string, keyId: string, key: Bytes): Promise<string | undefined> {
      const sealed = object(object(await get(name), "encrypted"), keyId);
      return sealed === undefined ? undefined : openSecret(key, name, sealed);
    },

    /** Seals one more secret under the present key. */
    async add(name: string, secret: string, keyId: string, key: Bytes): Promise<void> {
      const others = object(await get(name), "encrypted") ?? {};
      await put(name, { encrypted: { ...others, [keyId]: await sealSecret(key, name, secret) } });
    },

    /**
     * Seals these secrets under a new key and makes it the account's. The old key opens them until all is done, and
     * no longer then.
     */
    async create(key: Bytes, secrets: ReadonlyMap<string, string>, how?: Content): Promise<void> {
      const keyId = toBase64(crypto.getRandomValues(new Uint8Array(24))).replace(/[+/]/g, "A");
      const before = await current();
      const description: Content = { algorithm: ALGORITHM, ...(await checkOf(key)) };
      if (how !== undefined) description["passphrase"] = how;
      await put(descriptionOf(keyId), description);
      const sealed = new Map<string, SealedSecret>();
      for (const [name, secret] of secrets) {
        const own = await sealSecret(key, name, secret);
        const old = object(await get(name), "encrypted");
        const kept = before === undefined ? undefined : object(old, before.keyId);
        sealed.set(name, own);
        const both = kept === undefined ? {} : { [before!.keyId]: kept };
        await put(name, { encrypted: { ...both, [keyId]: own } });
      }
      await put(DEFAULT, { key: keyId });
      if (before === undefined) return;
      for (const [name, own] of sealed) await put(name, { encrypted: { [keyId]: own } });
      await put(descriptionOf(before.keyId), {});
    },

    /** A key for a new storage, and what its description says of the passphrase that makes it. */
    async newKey(passphrase: string | undefined): Promise<{ key: Bytes; how?: Content }> {
      if (passphrase === undefined) return { key: crypto.getRandomValues(new Uint8Array(32)) };
      const salt = toBase64(crypto.getRandomValues(new Uint8Array(24)));
      const key = await keyFromPassphrase(passphrase, salt, ROUNDS);
      return { key, how: { algorithm: "m.pbkdf2", salt, iterations: ROUNDS, bits: 256 } };
    },

    /** Empties the storage: what was sealed under the old key is nobody's any more. */
    async clear(names: Iterable<string>): Promise<void> {
      const before = await current();
      for (const name of names) if ((await get(name)) !== undefined) await put(name, {});
      if (before === undefined) return;
      await put(DEFAULT, {});
      await put(descriptionOf(before.keyId), {});
    },
  };
}

export type SecretStorage = ReturnType<typeof createSecretStorage>;
