import { isUserId, serverOf, type ServerName, type UserId } from "../../protocol/identifiers.ts";
import type { KeySignatures, SignedKeys } from "../../users/keys/signatures.ts";
import type { EncryptionKeys } from "./types.ts";

/** POST /keys/signatures/upload, also for keys of other servers' users. */
export interface SignatureUpload {
  uploadSignatures(
    userId: UserId,
    signed: SignedKeys,
  ): ReturnType<KeySignatures["uploadSignatures"]>;
}

export function createSignatureUpload(deps: {
  localKeys: KeySignatures;
  query: EncryptionKeys["query"];
  serverName: ServerName;
}): SignatureUpload["uploadSignatures"] {
  const { localKeys, query, serverName } = deps;
  return async (userId, signed) => {
    const others = Object.keys(signed).filter(
      (target): target is UserId => isUserId(target) && serverOf(target) !== serverName,
    );
    if (others.length === 0) return localKeys.uploadSignatures(userId, signed);
    const wanted = new Map(others.map((target) => [target, []]));
    const { masterKeys } = await query(userId, { wanted, timeoutMs: undefined });
    const known = [...masterKeys].map(([target, key]) => [target, JSON.parse(key)] as const);
    return localKeys.uploadSignatures(userId, signed, new Map(known));
  };
}
