import { errors } from "../protocol/errors.ts";
import type { RoomId, ServerName } from "../protocol/identifiers.ts";
import { databaseFacts } from "../storage/oversight/health.ts";
import {
  countEventsRoughly,
  largestRooms,
  largestTables,
  mediaSizes,
  roomNidOf,
  sizeOfRoom,
} from "../storage/oversight/storage.ts";
import type { Sql } from "../storage/sql.ts";

const MAX_TABLES = 20;
const MAX_ROOMS = 10;
/** Of more events a sample is looked at. */
const SAMPLED = 200_000;

export type StorageOversight = ReturnType<typeof createStorageOversight>;

/** What takes how much room; sizes are bytes. */
export function createStorageOversight({
  sql,
  serverName,
}: {
  readonly sql: Sql;
  readonly serverName: ServerName;
}) {
  return {
    async all() {
      const [{ sizeBytes }, tables, media] = await Promise.all([
        databaseFacts(sql),
        largestTables(sql, MAX_TABLES),
        mediaSizes(sql),
      ]);
      return { databaseBytes: sizeBytes, tables, media };
    },
    /** @throws MatrixError M_NOT_FOUND 404 */
    async ofRoom(roomId: RoomId) {
      const roomNid = await roomNidOf(sql, roomId);
      if (roomNid === undefined) throw errors.notFound("That room is not known");
      return sizeOfRoom(sql, roomNid, serverName);
    },
    /** An estimate where there are many events. */
    async largestRooms() {
      const events = await countEventsRoughly(sql);
      const percent = events <= SAMPLED ? 100 : (100 * SAMPLED) / events;
      return largestRooms(sql, percent, MAX_ROOMS);
    },
  };
}
