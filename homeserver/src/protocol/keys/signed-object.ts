import { matrixError } from "../errors.ts";
import {
  canonicalJsonLoose,
  isJsonObject,
  type Json,
  type JsonObject,
  JsonError,
} from "../json.ts";
import { isDeeperThan, MAX_REQUEST_NESTING } from "../json/json-value.ts";
import { shownName } from "./key-names.ts";

/** An object that somebody signed: what is covered, and the signatures in one user's name. */
export interface SignedObject {
  /** The object without `signatures` and `unsigned`. */
  readonly content: JsonObject;
  /** Canonical JSON of the content: what a signature covers. */
  readonly text: string;
  /** The user's signatures by the name of the key, as they came: none is verified. */
  readonly signatures: ReadonlyMap<string, string>;
}

/**
 * Divides an object into what its signatures cover and the signatures in one user's name.
 * (Appendices, "Signing JSON".)
 * @returns undefined for what nobody can have signed, such as half of a surrogate pair, and for what
 *   is nested so deep that clients could not read an answer with it
 */
export function divideSigned(object: JsonObject, userId: string): SignedObject | undefined {
  const { signatures, unsigned: _unsigned, ...content } = object;
  if (isDeeperThan(content, MAX_REQUEST_NESTING)) return undefined;
  try {
    return { content, text: canonicalJsonLoose(content), signatures: made(signatures, userId) };
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** The object with the given signatures of one user, and no others. */
export function signedBy(
  content: JsonObject,
  userId: string,
  signatures: Iterable<readonly [string, string]>,
): JsonObject {
  const own = Object.fromEntries(signatures);
  return { ...content, signatures: Object.fromEntries([[userId, own]]) };
}

/**
 * Throws if somebody else has signed, too: nobody uploads others' signatures on their own keys.
 * @throws MatrixError M_INVALID_SIGNATURE 400
 */
export function ensureSignedByNobodyElse(object: JsonObject, userId: string, what: string): void {
  const { signatures } = object;
  if (!isJsonObject(signatures)) return;
  const other = Object.keys(signatures).find((name) => name !== userId);
  if (other === undefined) return;
  throw matrixError(
    "M_INVALID_SIGNATURE",
    `${what} has a signature of ${shownName(other)}: only ${userId} can sign it`,
  );
}

function made(signatures: Json | undefined, userId: string): ReadonlyMap<string, string> {
  if (!isJsonObject(signatures) || !Object.hasOwn(signatures, userId)) return new Map();
  const own = signatures[userId];
  if (!isJsonObject(own)) return new Map();
  return new Map(
    Object.entries(own).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
