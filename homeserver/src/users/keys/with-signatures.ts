import type { JsonObject } from "../../protocol/json.ts";
import type { KeySignatureRow } from "../../storage/users/cross-signing-keys.ts";

/** An object with more signatures. */
export function withSignatures(object: JsonObject, more: readonly KeySignatureRow[]): JsonObject {
  if (more.length === 0) return object;
  const signatures = new Map<string, Map<string, unknown>>(
    Object.entries((object["signatures"] ?? {}) as Record<string, JsonObject>).map(
      ([userId, own]) => [userId, new Map(Object.entries(own))],
    ),
  );
  for (const { signerId, signerKey, signature } of more) {
    const own = signatures.get(signerId) ?? new Map<string, unknown>();
    signatures.set(signerId, own.set(signerKey, signature));
  }
  const all = [...signatures].map(([userId, own]) => [userId, Object.fromEntries(own)]);
  return { ...object, signatures: Object.fromEntries(all) as JsonObject };
}
