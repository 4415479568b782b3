import type { QueryParams, Schema } from "@weft/spec/types";
import type { Http } from "../http.ts";

export type Destination = Schema<"Destination">;
export type BlockedServer = Schema<"BlockedServer">;

const DESTINATIONS = "/_synapse/admin/v1/federation/destinations";
const BLOCKED = "/_weft/admin/federation/blocked";

/** Other servers: how it goes with them, and with which this one does not federate. */
export function createFederationAdmin(http: Http) {
  return {
    list: (query: QueryParams<"getDestinations">, signal?: AbortSignal) =>
      http.call<"getDestinations">("GET", DESTINATIONS, { query, signal }),
    get: (destination: string, signal?: AbortSignal) =>
      http.call<"getDestination">("GET", `${DESTINATIONS}/{destination}`, {
        path: { destination },
        signal,
      }),
    rooms: (destination: string, query: QueryParams<"getDestinationRooms">, signal?: AbortSignal) =>
      http.call<"getDestinationRooms">("GET", `${DESTINATIONS}/{destination}/rooms`, {
        path: { destination },
        query,
        signal,
      }),
    /** Forgets the pause: it is tried at once. */
    reset: (destination: string) =>
      http.call<"resetDestination">("POST", `${DESTINATIONS}/{destination}/reset_connection`, {
        path: { destination },
      }),
    blocked: (signal?: AbortSignal) => http.call<"getBlockedServers">("GET", BLOCKED, { signal }),
    block: (serverPattern: string, reason: string) =>
      http.call<"blockServer">("PUT", `${BLOCKED}/{serverPattern}`, {
        path: { serverPattern },
        body: reason === "" ? {} : { reason },
      }),
    unblock: (serverPattern: string) =>
      http.call<"unblockServer">("DELETE", `${BLOCKED}/{serverPattern}`, {
        path: { serverPattern },
      }),
  };
}
