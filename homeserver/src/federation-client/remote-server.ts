import { eventCalls } from "./event-calls.ts";
import { keyCalls } from "./key-calls.ts";
import { membershipCalls } from "./membership-calls.ts";
import { createCalls, named, v1 } from "./requests/calls.ts";
import type { RemoteClient } from "./requests/client.ts";
import type { RemoteServer } from "./types.ts";

/** The room waits for the policy server. */
const POLICY = { maxBytes: 65_536, timeoutMs: 10_000 };

/** Whoever may send state in a space names these servers, and many may be asked for one answer. */
const HIERARCHY = { maxBytes: 4 * 1024 * 1024, timeoutMs: 8_000, ofStranger: true };

export function createRemoteServer(client: RemoteClient): RemoteServer {
  const calls = createCalls(client);
  const { get, put, post } = calls;
  return {
    ...membershipCalls(calls),
    ...eventCalls(calls),
    ...keyCalls(calls),

    /** POST /_matrix/policy/v1/sign */
    signByPolicy: (server, pdu) => post(server, ["_matrix", "policy", "v1", "sign"], pdu, POLICY),

    /** GET /_matrix/federation/v1/query/directory: {room_id, servers} */
    directory: (server, alias) =>
      get(server, v1("query", "directory"), { room_alias: alias }, named),

    /** GET /_matrix/federation/v1/query/profile; all fields, or the one named */
    profile: (server, userId, field) =>
      get(server, v1("query", "profile"), { user_id: userId, field }, named),

    /** GET /_matrix/federation/v1/publicRooms, or POST when there is a filter */
    publicRooms: (server, query) =>
      query.filter === undefined
        ? get(server, v1("publicRooms"), { limit: query.limit, since: query.since }, named)
        : post(server, v1("publicRooms"), query, named),

    /** GET /_matrix/federation/v1/hierarchy/{roomId} */
    hierarchy: (server, roomId, suggestedOnly) =>
      get(server, v1("hierarchy", roomId), { suggested_only: String(suggestedOnly) }, HIERARCHY),

    /** PUT /_matrix/federation/v1/exchange_third_party_invite/{roomId} */
    exchangeThirdPartyInvite: (server, roomId, event) =>
      put(server, v1("exchange_third_party_invite", roomId), event, named),

    /** PUT /_matrix/federation/v1/send/{txnId}: {pdus: {event id → {error?}}} */
    sendTransaction: (server, txnId, transaction, signal) =>
      put(server, v1("send", txnId), transaction, { signal, isDelivery: true }),

    /** GET /_matrix/federation/v1/version */
    version: (server) => get(server, v1("version"), {}, { unsigned: true, ...named }),
  };
}
