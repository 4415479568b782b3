import { type Sql, textArray, type Tx } from "../sql.ts";
import type { KeySignatureRow } from "./cross-signing-keys.ts";

/** Keys of users and the signatures on them, all of one moment. */
export interface PublicKeysOfUsers {
  /** Those of the users who have, or had, an account. */
  readonly known: readonly string[];
  readonly devices: readonly DeviceWithKeys[];
  readonly crossSigning: readonly {
    readonly userId: string;
    readonly usage: string;
    readonly publicKey: string;
    /** JSON object text. */
    readonly key: string;
  }[];
  /** Of users on their own keys, and of the asking user on others'. */
  readonly signatures: readonly KeySignatureRow[];
}

export interface DeviceWithKeys {
  readonly userId: string;
  readonly deviceId: string;
  /** JSON object text, with the device's own signature alone. */
  readonly keys: string;
  readonly displayName: string | null;
}

interface Row {
  kind: "user" | "device" | "key" | "signature";
  userId: string;
  id: string;
  text: string;
  more: string | null;
  signerId: string;
}

/**
 * Reads the keys of users, with the signatures that `asker` may see (null: another server). One
 * statement, so that no signature is read with a key that it is not on.
 */
export async function publicKeysOf(
  sql: Sql | Tx,
  asker: string | null,
  userIds: readonly string[],
): Promise<PublicKeysOfUsers> {
  const users = textArray(userIds);
  const rows = await sql<Row[]>`
    SELECT 'user' AS kind, user_id AS "userId", '' AS id, '' AS text, NULL AS more,
      '' AS "signerId"
    FROM accounts WHERE user_id = ANY (${users}::text[])
    UNION ALL
    SELECT 'device', k.user_id, k.device_id, k.keys, d.display_name, ''
    FROM device_keys k LEFT JOIN devices d USING (user_id, device_id)
    WHERE k.user_id = ANY (${users}::text[])
    UNION ALL
    SELECT 'key', user_id, public_key, key, usage, '' FROM cross_signing_keys
    WHERE user_id = ANY (${users}::text[])
    UNION ALL
    SELECT 'signature', k.target_id, k.target_key, k.signature, k.signer_key, k.signer_id
    FROM unnest(${users}::text[]) AS u (user_id)
    JOIN key_signatures k ON k.signer_id = u.user_id AND k.target_id = u.user_id
    UNION ALL
    SELECT 'signature', k.target_id, k.target_key, k.signature, k.signer_key, k.signer_id
    FROM unnest(${users}::text[]) AS u (user_id)
    JOIN key_signatures k ON k.signer_id = ${asker ?? ""} AND k.target_id = u.user_id
    WHERE k.signer_id <> k.target_id`;
  const of = (wanted: Row["kind"]) => rows.filter(({ kind }) => kind === wanted);
  return {
    known: of("user").map(({ userId }) => userId),
    devices: of("device").map(({ userId, id, text, more }) => ({
      ...{ userId, deviceId: id, keys: text, displayName: more },
    })),
    crossSigning: of("key").map(({ userId, id, text, more }) => ({
      ...{ userId, usage: more ?? "", publicKey: id, key: text },
    })),
    signatures: of("signature").map(({ userId, id, text, more, signerId }) => ({
      ...{ targetId: userId, targetKey: id, signature: text, signerKey: more ?? "", signerId },
    })),
  };
}
