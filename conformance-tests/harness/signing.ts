import nacl from "tweetnacl";
import { base64, canonicalJson, without } from "./json.ts";
import type { JsonObject } from "./json.ts";

export interface SigningKey {
  /** For instance "ed25519:a1". */
  readonly keyId: string;
  readonly secretKey: Uint8Array;
  /** Unpadded base64. */
  readonly publicKey: string;
}

export function createSigningKey(): SigningKey {
  const pair = nacl.sign.keyPair();
  const version = Buffer.from(nacl.randomBytes(4)).toString("hex");
  return {
    keyId: `ed25519:${version}`,
    secretKey: pair.secretKey,
    publicKey: base64(pair.publicKey),
  };
}

/** Signs an object as `name`, beside the signatures that it has. ("Signing JSON", appendices.) */
export function signJson(object: JsonObject, name: string, key: SigningKey): JsonObject {
  const text = canonicalJson(without(object, "signatures", "unsigned"));
  const signature = base64(nacl.sign.detached(Buffer.from(text), key.secretKey));
  const signatures = (object["signatures"] ?? {}) as JsonObject;
  const own = (signatures[name] ?? {}) as JsonObject;
  return { ...object, signatures: { ...signatures, [name]: { ...own, [key.keyId]: signature } } };
}

/** True when `object` bears a good signature of `name` with that key. */
export function verifyJson(
  object: JsonObject,
  name: string,
  keyId: string,
  publicKey: string,
): boolean {
  const signature = ((object["signatures"] as JsonObject | undefined)?.[name] as JsonObject)?.[
    keyId
  ];
  if (typeof signature !== "string") return false;
  const text = canonicalJson(without(object, "signatures", "unsigned"));
  return verifyBytes(Buffer.from(text), signature, publicKey);
}

function verifyBytes(bytes: Uint8Array, signature: string, publicKey: string): boolean {
  try {
    return nacl.sign.detached.verify(
      bytes,
      Buffer.from(signature, "base64"),
      Buffer.from(publicKey, "base64"),
    );
  } catch {
    return false;
  }
}
