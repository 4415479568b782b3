import { type Sql, textArray, type Tx } from "../sql.ts";

export interface CrossSigningKeyRow {
  userId: string;
  usage: string;
  publicKey: string;
  /** JSON object text. */
  key: string;
}

/** A signature on a key, in the table of its own. */
export interface KeySignatureRow {
  targetId: string;
  /** Device id, or public key of a master key. */
  targetKey: string;
  signerId: string;
  /** Name of the key that signed. */
  signerKey: string;
  signature: string;
}

/** The cross-signing keys of users. */
export async function crossSigningKeysOf(
  sql: Sql | Tx,
  userIds: readonly string[],
): Promise<CrossSigningKeyRow[]> {
  return await sql<CrossSigningKeyRow[]>`
    SELECT user_id AS "userId", usage, public_key AS "publicKey", key FROM cross_signing_keys
    WHERE user_id = ANY (${textArray(userIds)}::text[])`;
}

/** A user's cross-signing keys, which stay as they are until the transaction ends. */
export async function lockCrossSigningKeys(tx: Tx, userId: string): Promise<CrossSigningKeyRow[]> {
  return await tx<CrossSigningKeyRow[]>`
    SELECT user_id AS "userId", usage, public_key AS "publicKey", key FROM cross_signing_keys
    WHERE user_id = ${userId} ORDER BY usage FOR SHARE`;
}

/** Whether one of the user's cross-signing keys has this public key. */
export async function isCrossSigningKey(
  sql: Sql | Tx,
  userId: string,
  publicKey: string,
): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM cross_signing_keys WHERE user_id = ${userId} AND public_key = ${publicKey}`;
  return rows.length > 0;
}

/** Writes cross-signing keys of a user in the place of former ones. */
export async function writeCrossSigningKeys(
  tx: Tx,
  userId: string,
  keys: readonly Omit<CrossSigningKeyRow, "userId">[],
): Promise<void> {
  await tx`
    INSERT INTO cross_signing_keys (user_id, usage, public_key, key)
    SELECT ${userId}, g.* FROM unnest(
      ${textArray(keys.map(({ usage }) => usage))}::text[],
      ${textArray(keys.map(({ publicKey }) => publicKey))}::text[],
      ${textArray(keys.map(({ key }) => key))}::text[]
    ) AS g (usage, public_key, key) ORDER BY g.usage
    ON CONFLICT (user_id, usage) DO UPDATE SET public_key = excluded.public_key,
      key = excluded.key`;
}

/** Deletes a user's cross-signing keys of some usages. */
export async function deleteCrossSigningKeys(
  tx: Tx,
  userId: string,
  usages: readonly string[],
): Promise<void> {
  await tx`
    DELETE FROM cross_signing_keys
    WHERE user_id = ${userId} AND usage = ANY (${textArray(usages)}::text[])`;
}

/** Deletes all cross-signing keys of a user, and all signatures by and on the user's keys. */
export async function deleteCrossSigning(tx: Tx, userId: string): Promise<boolean> {
  await tx`DELETE FROM key_signatures WHERE target_id = ${userId} OR signer_id = ${userId}`;
  const { count } = await tx`DELETE FROM cross_signing_keys WHERE user_id = ${userId}`;
  return count > 0;
}

/** Other users, also of other servers, of whose keys a user signed some. */
export async function usersSignedBy(sql: Sql | Tx, signerId: string): Promise<string[]> {
  const rows = await sql<{ targetId: string }[]>`
    SELECT DISTINCT target_id AS "targetId" FROM key_signatures
    WHERE signer_id = ${signerId} AND target_id <> signer_id`;
  return rows.map((row) => row.targetId);
}

/** Signatures of a user on others' keys. */
export async function signaturesOnOthers(
  sql: Sql | Tx,
  signerId: string,
  targetIds: readonly string[],
): Promise<KeySignatureRow[]> {
  return await sql<KeySignatureRow[]>`
    SELECT target_id AS "targetId", target_key AS "targetKey", signer_id AS "signerId",
      signer_key AS "signerKey", signature
    FROM key_signatures
    WHERE signer_id = ${signerId} AND target_id = ANY (${textArray(targetIds)}::text[])
      AND target_id <> signer_id`;
}

/** Writes signatures. Returns those that were not there. */
export async function writeKeySignatures(
  tx: Tx,
  signatures: readonly KeySignatureRow[],
): Promise<Pick<KeySignatureRow, "targetId" | "targetKey">[]> {
  if (signatures.length === 0) return [];
  return await tx<Pick<KeySignatureRow, "targetId" | "targetKey">[]>`
    INSERT INTO key_signatures AS k (target_id, target_key, signer_id, signer_key, signature)
    SELECT * FROM unnest(
      ${textArray(signatures.map(({ targetId }) => targetId))}::text[],
      ${textArray(signatures.map(({ targetKey }) => targetKey))}::text[],
      ${textArray(signatures.map(({ signerId }) => signerId))}::text[],
      ${textArray(signatures.map(({ signerKey }) => signerKey))}::text[],
      ${textArray(signatures.map(({ signature }) => signature))}::text[]
    ) AS g (target_id, target_key, signer_id, signer_key, signature)
    ORDER BY g.target_id, g.target_key, g.signer_id, g.signer_key
    ON CONFLICT (target_id, target_key, signer_id, signer_key) DO UPDATE
      SET signature = excluded.signature WHERE k.signature <> excluded.signature
    RETURNING target_id AS "targetId", target_key AS "targetKey"`;
}

/** Deletes everybody's signatures on keys of a user: devices by id, master keys by public key. */
export async function deleteSignaturesOn(
  tx: Tx,
  targetId: string,
  targetKeys: readonly string[],
): Promise<void> {
  await tx`
    DELETE FROM key_signatures
    WHERE target_id = ${targetId} AND target_key = ANY (${textArray(targetKeys)}::text[])`;
}

/** Deletes a user's signatures by keys of these names. */
export async function deleteSignaturesBy(
  tx: Tx,
  signerId: string,
  signerKeys: readonly string[],
): Promise<void> {
  await tx`
    DELETE FROM key_signatures
    WHERE signer_id = ${signerId} AND signer_key = ANY (${textArray(signerKeys)}::text[])`;
}

/** Deletes a user's signatures on other keys of those users than the ones that are signed now. */
export async function deleteFormerSignatures(
  tx: Tx,
  signed: readonly Pick<KeySignatureRow, "targetId" | "targetKey" | "signerId">[],
): Promise<void> {
  await tx`
    DELETE FROM key_signatures k
    USING unnest(
      ${textArray(signed.map(({ signerId }) => signerId))}::text[],
      ${textArray(signed.map(({ targetId }) => targetId))}::text[],
      ${textArray(signed.map(({ targetKey }) => targetKey))}::text[]
    ) AS g (signer_id, target_id, target_key)
    WHERE k.signer_id = g.signer_id AND k.target_id = g.target_id
      AND k.target_key <> g.target_key`;
}

/** How many other users' keys a user has signed. */
export async function countSignedUsers(tx: Sql | Tx, signerId: string): Promise<number> {
  const [row] = await tx<{ count: number }[]>`
    SELECT count(DISTINCT target_id) AS count FROM key_signatures
    WHERE signer_id = ${signerId} AND target_id <> signer_id`;
  return row!.count;
}
