/**
 * Joining a room through another server: make_join, send_join, and the room built from the answer.
 */
import { frugally } from "../../platform/heap.ts";
import type { Logger } from "../../platform/logger.ts";
import { authorise, authStateOf, authTypesFor } from "../../protocol/auth/index.ts";
import { signPdu } from "../../protocol/events/build-event.ts";
import { errors, rejectionOf } from "../../protocol/errors.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { isEventId, isServerName } from "../../protocol/identifiers.ts";
import type { EventId, RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import { isJsonObject } from "../../protocol/json.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { ROOM_VERSION_IDS, roomVersion } from "../../protocol/room-versions.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import { wellFormed } from "../../protocol/text.ts";
import { countersigned } from "./countersigned.ts";
import type { JoinsUnderWay } from "./joins-under-way.ts";
import type { ApplyJoin } from "../partial/apply-join.ts";
import type { Ingest } from "../receiving/ingest.ts";
import { headVersion } from "../../storage/rooms/heads.ts";
import { serverIsJoined } from "../../storage/rooms/members.ts";
import { removeStagedOf } from "../../storage/rooms/staged-events.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import type { BeginStateImport, RemoteStateEntries } from "../fetching/state-importer.ts";
import { asOurFault, handedThrough, refusalIn } from "./remote-refusal.ts";
import type { RoomStore } from "../state/store.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import type { Identity } from "../commands/drafting.ts";

export interface JoinRemoteDeps {
  readonly store: RoomStore;
  readonly identity: Identity;
  readonly beginImport: BeginStateImport;
  readonly applyJoin: ApplyJoin;
  readonly ingest: Ingest;
  readonly joinsUnderWay: JoinsUnderWay;
  readonly partial: Pick<PartialRooms, "whole">;
  /** Reports that a room has become partial. */
  readonly nudge: () => void;
  readonly remote: RemoteRooms;
  readonly keyRing: EventKeys;
  readonly logger: Logger;
}

/** A member event built from another server's template and signed by this server. */
export interface Made {
  readonly event: RoomEvent;
  readonly version: RoomVersion;
}

export type JoinRemote = (
  roomId: RoomId,
  userId: UserId,
  content: JsonObject,
  servers: EntryServers,
) => Promise<void>;

/** Servers to enter a room through, in order. */
export interface EntryServers {
  readonly first: readonly ServerName[];
  /** Asked when none of the first could be reached. A refusal by the first is final. */
  readonly otherwise?: readonly ServerName[];
}

export function createJoinRemote(deps: JoinRemoteDeps): JoinRemote {
  const { store, identity, remote, keyRing, logger } = deps;

  async function joinBy(
    server: ServerName,
    roomId: RoomId,
    userId: UserId,
    content: JsonObject,
  ): Promise<void> {
    const template = await remote.makeJoin(server, roomId, userId, ROOM_VERSION_IDS);
    const made = fromTemplate(identity, template, roomId, userId, content);
    const room = await claimedRoom(store, roomId, made.version, identity.now());
    await deps.joinsUnderWay.during(room, () => send(server, room, made.event));
  }

  /** Sends the join, and builds the room from the answer. */
  async function send(server: ServerName, room: Room, event: RoomEvent): Promise<void> {
    const { roomId } = room;
    // In a room that is known from before, most members are known too.
    const version = await headVersion(store.sql, room.nid);
    const isThere = await serverIsJoined(store.sql, room.nid, identity.serverName);
    const stateImport = deps.beginImport(room);
    const { eventId, pdu } = event;
    const omitMembers = version === 0 || isThere;
    const sent = { roomId, eventId, pdu, omitMembers };
    await remote.sendJoin(server, sent, stateImport.take).catch((error: unknown) => {
      throw asOurFault(error, FAILED);
    });
    await stateImport.finish();
    const entries = await stateImport.entries();
    const join = await countersigned(keyRing, event, stateImport.otherKeys.get("event"));
    if (join === undefined) {
      throw errors.unknown("The other server did not sign the join that it vouches for", 502);
    }
    const membersOmitted = omitMembers && stateImport.otherKeys.get("members_omitted") === true;
    await checkJoin(room, join, entries, membersOmitted);
    const settled = await store.registry.settle(room);
    if (settled === "other") {
      throw errors.unknown("The other server says another version of that room", 502);
    }
    if (settled === "changed") {
      store.events.forgetRoom(room.nid);
      // They were read by the other version.
      await removeStagedOf(store.sql, room.nid);
    }
    if (await serverIsJoined(store.sql, room.nid, identity.serverName)) {
      return enterAlso(server, room, join);
    }
    const servers = serversOf(server, stateImport.servers);
    const answer = { entries, membersOmitted, servers };
    const entered = await deps.applyJoin(room, join, answer, version);
    if (entered === "theirs") await enterAlso(server, room, join);
    if (entered === "partial") deps.nudge();
  }

  /** The server that accepted the join, and the other servers in the room. */
  function serversOf(server: ServerName, named: readonly string[]): ServerName[] {
    const others = named.filter(isServerName);
    return [...new Set([server, ...others])].filter((name) => name !== identity.serverName);
  }

  /** Checks that the create event matches room and version, and that the state allows the join. */
  async function checkJoin(
    room: Room,
    join: RoomEvent,
    entries: RemoteStateEntries,
    membersOmitted: boolean,
  ): Promise<void> {
    const keys = [...authTypesFor(join, room.version), ["m.room.create", ""] as const];
    const state = await entries.events(keys);
    if (membersOmitted) state.unshift(...(await membersAmong(join.authEventIds)));
    const create = state.find(({ event }) => event.type === "m.room.create")?.event;
    const version = create?.content.room_version ?? "1";
    if (create === undefined || version !== room.version.id) {
      throw errors.unknown("The other server's state is not of that room", 502);
    }
    const authState = authStateOf(state.map(({ event }) => event));
    const reason = rejectionOf(() => {
      authorise(create, authStateOf([]));
      authorise(join, authState);
    });
    if (reason !== undefined) {
      throw errors.unknown(`The other server's state forbids the join: ${reason}`, 502);
    }
  }

  async function membersAmong(ids: readonly EventId[]): Promise<StoredEvent[]> {
    const found = [...(await store.events.byIds(ids)).values()];
    return found.filter(
      ({ event, status }) => event.type === "m.room.member" && status !== "rejected",
    );
  }

  /** This server is in the room already: the join is added like any other event. */
  async function enterAlso(server: ServerName, room: Room, join: RoomEvent): Promise<void> {
    // The state before it may not be known until the room is complete.
    await deps.partial.whole(room.nid);
    const result = (await deps.ingest.batch(server, room, [join])).get(join.eventId);
    if (result === undefined || "error" in result) {
      throw errors.unknown(result?.error ?? "The join could not be placed", 502);
    }
    const { stored, reason } = result.placed;
    if (stored.status !== "accepted") throw errors.forbidden(reason ?? "The join is not allowed");
  }

  return async (roomId, userId, content, servers) => {
    const join = (server: ServerName) => joinBy(server, roomId, userId, content);
    await frugally(() => tryEach(servers, join, logger));
  };
}

const FAILED = "No server could let you in";

/**
 * Tries servers in turn. A server's refusal (4xx with a Matrix code) is final, except "not found",
 * and restricted joins that it cannot decide on.
 * @throws MatrixError M_NOT_FOUND 404 when there is no server, a server's refusal, M_UNKNOWN 502
 * when none could be reached
 */
export async function tryEach<T>(
  { first, otherwise = [] }: EntryServers,
  attempt: (server: ServerName) => Promise<T>,
  logger: Logger,
): Promise<T> {
  /** The last refusal, or else the last failure. */
  let last: unknown;
  for (const servers of [first, otherwise]) {
    for (const server of servers) {
      try {
        return await attempt(server);
      } catch (error) {
        logger.info({ err: error, server }, "another server did not let us in");
        if (isFinal(error)) throw handedThrough(error, FAILED);
        last = last !== undefined && refusalIn(error) === undefined ? last : error;
      }
    }
    if (last !== undefined && refusalIn(last) !== undefined) break;
  }
  if (last === undefined) throw errors.notFound("No server is known that has this room");
  throw handedThrough(last, FAILED);
}

/**
 * A refusal about the room or the user is final. But another server may know the room, or authorise
 * the join, when this one cannot.
 */
function isFinal(error: unknown): boolean {
  const refusal = refusalIn(error);
  if (refusal === undefined) return false;
  return refusal.code === "M_INCOMPATIBLE_ROOM_VERSION" || refusal.status === 403;
}

/**
 * The room as the server that lets somebody in describes it. 502 when the room is known with
 * another version.
 */
export async function claimedRoom(
  store: RoomStore,
  roomId: RoomId,
  version: RoomVersion,
  now: number,
): Promise<Room> {
  const room = await store.registry.claimed(roomId, version, now);
  if (!("settled" in room)) return room;
  throw errors.unknown("The other server says another version of that room", 502);
}

/** Room versions have 32 characters at most. */
const MAX_VERSION = 32;

const TEMPLATE_KEYS: ReadonlySet<string> = new Set([
  ...["auth_events", "prev_events", "depth", "room_id", "sender", "state_key", "type"],
]);

/**
 * Completes and signs another server's template of a member event. Throws when it is not the
 * expected event.
 */
export function fromTemplate(
  identity: Identity,
  answer: JsonObject,
  roomId: RoomId,
  userId: UserId,
  content: JsonObject,
): Made {
  const id = answer.room_version ?? "1";
  if (typeof id !== "string") throw errors.unknown("The template names no room version", 502);
  const version = roomVersion(id);
  if (version === undefined) throw errors.incompatibleRoomVersion(wellFormed(id, MAX_VERSION));
  const { event } = answer;
  if (
    !isJsonObject(event) ||
    event.type !== "m.room.member" ||
    event.sender !== userId ||
    event.state_key !== userId ||
    event.room_id !== roomId ||
    !isJsonObject(event.content) ||
    event.content.membership !== content.membership
  ) {
    throw errors.unknown("The other server's template is not for this membership", 502);
  }
  const authorisingUser = event.content.join_authorised_via_users_server;
  // Nothing else of the template is signed: neither unknown keys nor content chosen by the other
  // server.
  const place = Object.entries(event).filter(([key]) => TEMPLATE_KEYS.has(key));
  const isAuthorisedByUs =
    version.restrictedJoins && content.membership === "join" && authorisingUser !== undefined;
  const template: JsonObject = {
    ...Object.fromEntries(place),
    content: {
      ...content,
      ...(isAuthorisedByUs && { join_authorised_via_users_server: authorisingUser }),
    },
    origin_server_ts: identity.now(),
  };
  const signed = signPdu(template, version, identity.serverName, identity.signingKey);
  if (!isEventId(signed.eventId)) throw errors.unknown("The template has no event id", 502);
  return { event: signed, version };
}
