import { isEd25519KeyId, verifyKeyFromBase64 } from "../../protocol/crypto.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { type JsonObject, forbiddenIn, isInteger, isJsonObject } from "../../protocol/json.ts";
import { signingKeyIds, verifySignedJson } from "../../protocol/signed-json.ts";
import type { ServerKeyRow } from "../../storage/federation/server-keys.ts";

/** A server's statement about its keys, checked. */
export interface KeyObject {
  readonly server: ServerName;
  readonly keys: readonly ServerKeyRow[];
  /** ms since 1970, at most 7 days after `now`. */
  readonly validUntil: number;
  readonly object: JsonObject;
}

/**
 * Limit on keys of one kind from one server: each costs time and memory, and honest servers have a
 * few.
 */
const MAX_KEYS = 50;
const WEEK_MS = 7 * 24 * 3600_000;

/**
 * Checks a self-signed key object (server-server API, "Publishing Keys"): it must be `server`'s
 * own, and signed by one of the keys that it names.
 * @returns undefined when it is invalid
 */
export function readKeyObject(
  value: unknown,
  server: ServerName,
  now: number,
): KeyObject | undefined {
  if (!isJsonObject(value) || value["server_name"] !== server) return undefined;
  // As a notary this server passes it on, and the receivers require canonical JSON.
  if (forbiddenIn(value) !== undefined) return undefined;
  const until = value["valid_until_ts"];
  if (!isInteger(until)) return undefined;
  const validUntil = Math.min(until, now + WEEK_MS);
  const current = keysIn(value["verify_keys"], server, now, () => validUntil);
  const retired = keysIn(value["old_verify_keys"], server, now, (entry) => entry["expired_ts"]);
  if (current.length === 0 || !isSelfSigned(value, server, current)) return undefined;
  const names = new Set(current.map(({ keyId }) => keyId));
  const keys = [...current, ...retired.filter(({ keyId }) => !names.has(keyId))];
  return { server, keys, validUntil, object: value };
}

function isSelfSigned(
  object: JsonObject,
  server: ServerName,
  keys: readonly ServerKeyRow[],
): boolean {
  const signedBy = new Set(signingKeyIds(object["signatures"], server));
  return keys.some(
    ({ keyId, publicKey }) =>
      signedBy.has(keyId) &&
      verifySignedJson(object, server, keyId, verifyKeyFromBase64(publicKey)),
  );
}

function keysIn(
  entries: unknown,
  server: ServerName,
  fetched: number,
  validUntilOf: (entry: JsonObject) => unknown,
): ServerKeyRow[] {
  if (!isJsonObject(entries)) return [];
  const first = Object.entries(entries).slice(0, MAX_KEYS);
  return first.flatMap(([keyId, entry]) => {
    if (!isEd25519KeyId(keyId) || !isJsonObject(entry)) return [];
    const validUntil = validUntilOf(entry);
    const publicKey = entry["key"];
    if (typeof publicKey !== "string" || !isInteger(validUntil) || !isKey(publicKey)) return [];
    return [{ server, keyId, publicKey, validUntil, fetched }];
  });
}

function isKey(base64: string): boolean {
  try {
    verifyKeyFromBase64(base64);
    return true;
  } catch {
    return false;
  }
}
