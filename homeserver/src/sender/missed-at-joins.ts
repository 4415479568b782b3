/**
 * What is said between make_join and send_join. The server that joins is not in the room yet, and
 * its join does not build on it: it would miss the event until somebody says something else.
 */
import { MatrixError } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { RoomFederation } from "../rooms/api/federation.ts";
import { eventsMissedAtJoins, type MissedAtJoin } from "../storage/federation/outbound.ts";
import type { Sql } from "../storage/sql.ts";

export type MissedAtJoins = ReturnType<typeof createMissedAtJoins>;

export function createMissedAtJoins(sql: Sql, served: Pick<RoomFederation, "event">) {
  /** The event as the server gets it when it asks for it; undefined when it may not have it. */
  async function pdu(
    server: ServerName,
    { eventId }: MissedAtJoin,
  ): Promise<JsonObject | undefined> {
    try {
      return JSON.parse(await served.event(server, eventId)) as JsonObject;
    } catch (error) {
      if (error instanceof MatrixError) return undefined;
      throw error;
    }
  }

  return {
    pdu,

    /** The same of one join, by its log position: it has just come through this server. */
    async pduAt(server: ServerName, position: number): Promise<JsonObject | undefined> {
      const range = { server, after: position - 1, upTo: position, limit: 1 };
      const [missed] = await eventsMissedAtJoins(sql, range);
      return missed && pdu(server, missed);
    },
  };
}
