/** Which events name which files; see also `append/media-rows.ts`. */
import { numberArray, type Tx } from "./sql.ts";

/** Drops what events name that are about to be deleted. That uploads were named stays known. */
export async function dropReferences(tx: Tx, eventNids: readonly number[]): Promise<void> {
  const nids = numberArray(eventNids);
  await tx`
    UPDATE media m SET was_referenced = true
    FROM (SELECT o.server, o.media_id FROM media o WHERE NOT o.was_referenced
        AND (o.server, o.media_id) IN (SELECT r.server, r.media_id FROM media_references r
          WHERE r.event_nid = ANY (${nids}::bigint[]))
      ORDER BY o.server, o.media_id FOR UPDATE) AS named
    WHERE m.server = named.server AND m.media_id = named.media_id`;
  await tx`DELETE FROM media_references WHERE event_nid = ANY (${nids}::bigint[])`;
}
