import type { EventId, RoomId, ServerName } from "../protocol/identifiers.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { AnswerPart, TakeParts } from "./reading/read-parts.ts";
import type { RemoteClient, RemoteRequest } from "./requests/client.ts";
import { RemoteError } from "./requests/remote-error.ts";
import { uriOf } from "./requests/signed-request.ts";
import type { RemoteServer } from "./types.ts";

/**
 * The answer to a join of a room with a hundred thousand members contains hundreds of megabytes of
 * state.
 */
const STATE_BYTES = 512 * 1024 * 1024;
const STATE_MS = 10 * 60_000;
const USER_WAITS_MS = 30_000;
/** Other servers can be asked instead. */
const QUICK_MS = 10_000;
const POLICY_MS = 10_000;
const SMALL_BYTES = { maxBytes: 65_536 };
/**
 * Limits for requests caused by events from outside: nobody waits for them, and nothing is trusted.
 */
const EVENT_BYTES = { maxBytes: 1024 * 1024, timeoutMs: 20_000 };
const STATE_LIMITS = { maxBytes: 32 * 1024 * 1024, timeoutMs: 60_000 };
/** An identifier has 255 bytes at most. */
const IDS = { ...STATE_LIMITS, maxPartBytes: 512 };
/** A room of 100,000 members has at most 200,000. Auth chains have some hundred events. */
const MAX_IDS = 1_000_000;
const MAX_IN_CHAIN = 20_000;
/** Some servers answer with more missing events than they were asked for. */
const MAX_MISSING = 50;
const WHOLE_STATE_LIMITS = { maxBytes: 128 * 1024 * 1024, timeoutMs: 120_000 };

const FEDERATION = ["_matrix", "federation"] as const;

export function createRemoteServer(client: RemoteClient): RemoteServer {
  const v1 = (...segments: string[]) => [...FEDERATION, "v1", ...segments];
  const v2 = (...segments: string[]) => [...FEDERATION, "v2", ...segments];
  type Query = Parameters<typeof uriOf>[1];

  const get = (
    server: ServerName,
    path: string[],
    query?: Query,
    more: Partial<RemoteRequest> = {},
  ) => client.json(server, { method: "GET", uri: uriOf(path, query), ...more });
  const put = (
    server: ServerName,
    path: string[],
    content: JsonObject,
    more: Partial<RemoteRequest> = {},
  ) => client.json(server, { method: "PUT", uri: uriOf(path), content, ...more });
  const post = (
    server: ServerName,
    path: string[],
    content: JsonObject,
    more: Partial<RemoteRequest> = {},
  ) => client.json(server, { method: "POST", uri: uriOf(path), content, ...more });

  /** The lists of an answer, item by item, up to a limit for each; the rest is not read. */
  async function lists(
    server: ServerName,
    request: RemoteRequest,
    most: Readonly<Record<string, number>>,
  ): Promise<JsonObject> {
    const found: Record<string, Json[]> = {};
    const enough = new Error("the rest is not read");
    const take = async (parts: readonly AnswerPart[]): Promise<void> => {
      for (const { key, value } of parts) {
        const bound = Object.hasOwn(most, key) ? most[key]! : 0;
        if (bound === 0) continue;
        const list = (found[key] ??= []);
        if (list.length >= bound) throw enough;
        list.push(value);
      }
    };
    await client.parts(server, request, take).catch((error: unknown) => {
      if (error !== enough) throw error;
    });
    return found;
  }

  const listsAt = (
    server: ServerName,
    path: string[],
    query: Query,
    most: Readonly<Record<string, number>>,
    more: Partial<RemoteRequest>,
  ) => lists(server, { method: "GET", uri: uriOf(path, query), ...more }, most);

  /** A user is waiting: servers are asked even if they failed recently. */
  const forWaitingUser = { insist: true, timeoutMs: USER_WAITS_MS };
  /** The same, for a server named by a user. */
  const named = { ...forWaitingUser, ofStranger: true };
  const bulky = { maxBytes: STATE_BYTES, timeoutMs: STATE_MS };

  const stateWithin =
    (limits: Partial<RemoteRequest>) =>
    (server: ServerName, roomId: RoomId, eventId: EventId, take: TakeParts) => {
      const uri = uriOf(v1("state", roomId), { event_id: eventId });
      return client.parts(server, { method: "GET", uri, ...limits }, take);
    };

  /** v2, or v1 for older servers; v1 answers are `[200, body]` instead of an object. */
  async function newerOrOlder<T>(newer: () => Promise<T>, older: () => Promise<T>): Promise<T> {
    try {
      return await newer();
    } catch (error) {
      if (error instanceof RemoteError && error.isUnsupported) return await older();
      throw error;
    }
  }

  return {
    /** GET /_matrix/federation/v1/make_join */
    makeJoin: (server, roomId, userId, versions) =>
      get(server, v1("make_join", roomId, userId), { ver: versions }, named),

    /** PUT /_matrix/federation/v2/send_join */
    sendJoin: (server, join, take) => {
      const query = join.omitMembers ? { omit_members: "true" } : {};
      const uri = uriOf(v2("send_join", join.roomId, join.eventId), query);
      const request = { method: "PUT" as const, uri, content: join.pdu, ...bulky, insist: true };
      return client.parts(server, request, take);
    },

    /** GET /_matrix/federation/v1/make_leave */
    makeLeave: (server, roomId, userId) =>
      get(server, v1("make_leave", roomId, userId), {}, forWaitingUser),

    /** PUT /_matrix/federation/v2/send_leave */
    async sendLeave(server, roomId, eventId, pdu) {
      await put(server, v2("send_leave", roomId, eventId), pdu, forWaitingUser);
    },

    /** GET /_matrix/federation/v1/make_knock */
    makeKnock: (server, roomId, userId, versions) =>
      get(server, v1("make_knock", roomId, userId), { ver: versions }, named),

    /** PUT /_matrix/federation/v1/send_knock */
    sendKnock: (server, roomId, eventId, pdu) =>
      put(server, v1("send_knock", roomId, eventId), pdu, forWaitingUser),

    /**
     * PUT /_matrix/federation/v2/invite; v1 for room versions 1 and 2 on old servers. Answers
     * {event}.
     */
    invite: (server, roomId, eventId, body) =>
      newerOrOlder(
        () => put(server, v2("invite", roomId, eventId), body, forWaitingUser),
        async () => {
          if (body.room_version !== "1" && body.room_version !== "2") {
            throw new RemoteError(
              server,
              undefined,
              undefined,
              `${server} is too old for the room`,
            );
          }
          const unsigned = { invite_room_state: body.invite_room_state };
          return await put(
            server,
            v1("invite", roomId, eventId),
            { ...body.event, unsigned },
            {
              ...forWaitingUser,
              pairAnswer: true,
            },
          );
        },
      ),

    /** GET /_matrix/federation/v1/event/{eventId} */
    event: (server, eventId) => listsAt(server, v1("event", eventId), {}, { pdus: 1 }, EVENT_BYTES),

    /** GET /_matrix/federation/v1/state_ids/{roomId} */
    stateIds: (server, roomId, eventId) =>
      listsAt(
        server,
        v1("state_ids", roomId),
        { event_id: eventId },
        { pdu_ids: MAX_IDS, auth_chain_ids: MAX_IDS },
        IDS,
      ),

    /** GET /_matrix/federation/v1/state/{roomId}, part by part. */
    state: stateWithin(WHOLE_STATE_LIMITS),

    /** The same for a room that is being joined. */
    joinedState: stateWithin(bulky),

    /** GET /_matrix/federation/v1/event_auth/{roomId}/{eventId} */
    eventAuth: (server, roomId, eventId) =>
      listsAt(
        server,
        v1("event_auth", roomId, eventId),
        {},
        { auth_chain: MAX_IN_CHAIN },
        STATE_LIMITS,
      ),

    /** POST /_matrix/federation/v1/get_missing_events/{roomId} */
    missingEvents: (server, roomId, body) => {
      const content = body as unknown as JsonObject;
      const request = { method: "POST" as const, uri: uriOf(v1("get_missing_events", roomId)) };
      return lists(server, { ...request, content }, { events: MAX_MISSING });
    },

    /** GET /_matrix/federation/v1/backfill/{roomId} */
    backfill: (server, roomId, from, limit) =>
      listsAt(
        server,
        v1("backfill", roomId),
        { v: from, limit },
        { pdus: limit },
        { timeoutMs: USER_WAITS_MS },
      ),

    /** GET /_matrix/federation/v1/timestamp_to_event/{roomId}: {event_id, origin_server_ts} */
    timestampToEvent: (server, roomId, ts, dir) =>
      get(server, v1("timestamp_to_event", roomId), { ts, dir }, { timeoutMs: QUICK_MS }),

    /** POST /_matrix/policy/v1/sign. The room waits for it. */
    signByPolicy: (server, pdu) =>
      post(server, ["_matrix", "policy", "v1", "sign"], pdu, {
        ...SMALL_BYTES,
        timeoutMs: POLICY_MS,
      }),

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

    /** PUT /_matrix/federation/v1/send/{txnId}: {pdus: {event id → {error?}}} */
    sendTransaction: (server, txnId, transaction, signal) =>
      put(server, v1("send", txnId), transaction, { signal, isDelivery: true }),

    /** GET /_matrix/federation/v1/version */
    version: (server) => get(server, v1("version"), {}, { unsigned: true, ...named }),
  };
}
