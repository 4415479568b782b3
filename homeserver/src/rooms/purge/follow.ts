/** Lets go of what memory holds of purged rooms, on every replica. */
import type { Log } from "../../log/types.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import type { Mailboxes } from "../commands/mailboxes.ts";
import type { Memberships } from "../records/memberships.ts";
import { forgetRoom } from "../state/store.ts";
import type { RoomStore } from "../state/store.ts";

/** Returns what stops it. Register it before the log's other readers. */
export function followPurges(
  log: Log,
  store: RoomStore,
  memberships: Memberships,
  mailboxes: Mailboxes,
): () => void {
  return log.onAdvance((records) => {
    for (const record of records) {
      if (record.kind !== "purge") continue;
      const { roomNid, roomId, whole } = record;
      forgetRoom(store, roomNid);
      mailboxes.forget(roomNid);
      if (!whole) continue;
      store.registry.forget(roomNid, roomId as RoomId);
      memberships.forgetRoom(roomNid);
    }
  });
}
