import type { ServerKey } from "../../protocol/push/web-push.ts";
import type { Sql } from "../sql.ts";

/** The key by which push servers know this server; `fresh` where it has none yet. */
export async function loadWebPushKey(sql: Sql, fresh: ServerKey): Promise<ServerKey> {
  await sql`
    INSERT INTO web_push_key (private_key, public_key)
    VALUES (${fresh.privateKey}, ${fresh.publicKey}) ON CONFLICT DO NOTHING`;
  const [row] = await sql<ServerKey[]>`
    SELECT private_key AS "privateKey", public_key AS "publicKey" FROM web_push_key`;
  return row!;
}
