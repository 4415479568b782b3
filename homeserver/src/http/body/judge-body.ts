import { verifyKeyFromBase64, verifyText } from "../../protocol/crypto.ts";
import {
  type Json,
  type JsonObject,
  JsonError,
  canonicalJsonLoose,
  forbiddenIn,
  isJsonObject,
  jsonText,
  parseLoose,
  parseStrict,
  parseWithFractions,
} from "../../protocol/json.ts";

/**
 * How a body is parsed: as canonical JSON, with fractions allowed, or as a transaction whose events
 * are checked one by one.
 */
export type Reading = "strict" | "fractions" | "events";

/** What a server's signature covers, besides the body. */
export interface SignedRequest {
  readonly method: string;
  /** Path with query, as it came. */
  readonly uri: string;
  readonly origin: string;
  readonly destination: string | undefined;
  /** Base64. */
  readonly sig: string;
  /** The key's 32 bytes in base64. */
  readonly publicKey: string;
}

export interface BodyToJudge {
  readonly bytes: Uint8Array;
  readonly reading: Reading;
  readonly signed: SignedRequest | undefined;
}

/** An event of a transaction: its text, and the reason if canonical JSON forbids it. */
export interface EventText {
  readonly text: string;
  readonly forbidden: string | undefined;
}

/** The result; it can be copied between threads. */
export type Judgement =
  | { readonly kind: "syntax" | "forbidden"; readonly message: string }
  | { readonly kind: "wrong-signature" }
  /** The bytes are what JSON.parse may read without hiding anything. */
  | { readonly kind: "good" }
  /** The members of a transaction by themselves; `rest` is the JSON of all others. */
  | {
      readonly kind: "events";
      readonly rest: string;
      readonly lists: Readonly<Record<string, readonly EventText[]>>;
    };

const LISTS = ["pdus", "edus"];

/**
 * Parses a large body and checks its signature, so that the main loop parses nothing
 * unauthenticated.
 */
export function judgeBody({ bytes, reading, signed }: BodyToJudge): Judgement {
  try {
    const value = reading === "events" ? parseLoose(bytes) : readBody(bytes, reading);
    if (signed && !isSigned(value, signed)) return { kind: "wrong-signature" };
    return reading === "events" && isJsonObject(value) ? split(value) : { kind: "good" };
  } catch (error) {
    if (error instanceof JsonError) return { kind: error.kind, message: error.message };
    throw error;
  }
}

/** Parses a body that is not a transaction. @throws JsonError */
export function readBody(bytes: Uint8Array, reading: "strict" | "fractions"): Json {
  return reading === "strict" ? parseStrict(bytes) : parseWithFractions(bytes);
}

/** The text that a server signs for a request. (Server-server API, "Request Authentication".) */
export function signedText(
  request: Omit<SignedRequest, "sig" | "publicKey">,
  content: Json | undefined,
): string {
  const { method, uri, origin, destination } = request;
  return canonicalJsonLoose({
    method,
    uri,
    origin,
    ...(destination === undefined ? {} : { destination }),
    ...(content === undefined || content === null ? {} : { content }),
  });
}

function isSigned(content: Json, signed: SignedRequest): boolean {
  return verifyText(signedText(signed, content), signed.sig, verifyKeyFromBase64(signed.publicKey));
}

function split(value: JsonObject): Judgement {
  const rest = { ...value };
  const lists: Record<string, EventText[]> = {};
  for (const name of LISTS) {
    const list = value[name];
    if (!Array.isArray(list)) continue;
    lists[name] = list.map((item) => ({
      text: jsonText(item),
      forbidden: forbiddenIn(item),
    }));
    delete rest[name];
  }
  return { kind: "events", rest: JSON.stringify(rest), lists };
}
