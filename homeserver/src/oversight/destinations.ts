import type { Backoff } from "../federation-client/index.ts";
import { errors } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import {
  type DestinationPage,
  findDestination,
  type ListedDestination,
  listDestinations,
  type Page,
  roomsOfDestination,
} from "../storage/oversight/destinations.ts";
import type { Sql } from "../storage/sql.ts";

export interface DestinationsDeps {
  readonly sql: Sql;
  readonly serverName: ServerName;
  readonly backoff: Pick<Backoff, "reset">;
}

/** Servers that something is sent to, as administrators look at them. */
export type Destinations = ReturnType<typeof createDestinations>;

export function createDestinations({ sql, serverName, backoff }: DestinationsDeps) {
  /** @throws MatrixError M_NOT_FOUND 404 */
  async function one(server: ServerName): Promise<ListedDestination> {
    const found = await findDestination(sql, server);
    if (found) return found;
    throw errors.notFound("Nothing was ever sent to such a server");
  }

  return {
    list: (page: DestinationPage) => listDestinations(sql, page),
    one,
    /** @throws MatrixError M_NOT_FOUND 404 */
    async rooms(server: ServerName, page: Page) {
      await one(server);
      return roomsOfDestination(sql, server, serverName, page);
    },
    /** Has it tried at once. @throws MatrixError M_NOT_FOUND 404, M_UNKNOWN 400 if it answers */
    async reset(server: ServerName): Promise<undefined> {
      const { failingSince } = await one(server);
      if (failingSince === null) throw errors.unknown("That server does not fail", 400);
      await backoff.reset(server);
    },
  };
}
