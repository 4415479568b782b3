/** Joining a room through another server: make_join, send_join, and the room built from the answer. */
import type { Logger } from "../platform/logger.ts";
import { authorise, authStateOf } from "../protocol/auth/index.ts";
import { signPdu } from "../protocol/build-event.ts";
import { errors, MatrixError, Rejection } from "../protocol/errors.ts";
import type { RoomEvent } from "../protocol/event.ts";
import { isEventId } from "../protocol/identifiers.ts";
import type { EventId, RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import { isJsonObject } from "../protocol/json.ts";
import type { JsonObject } from "../protocol/json.ts";
import { ROOM_VERSION_IDS, roomVersion } from "../protocol/room-versions.ts";
import type { RoomVersion } from "../protocol/room-versions.ts";
import { newEvent } from "./new-event.ts";
import type { Ingest } from "./ingest.ts";
import { serverIsJoined } from "../storage/room-members.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Outliers } from "./outliers.ts";
import type { RoomStore } from "./store.ts";
import { listIn } from "./told-state.ts";
import type { KeyRing, RemoteServer } from "./types-federation.ts";
import type { Room, StoredEvent } from "./types.ts";
import { verifyPdus } from "./verify.ts";
import { Work } from "./work.ts";
import type { Identity } from "./drafting.ts";

export interface JoinRemoteDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly identity: Identity;
  readonly outliers: Outliers;
  readonly ingest: Ingest;
  readonly remote: RemoteServer;
  readonly keyRing: KeyRing;
  readonly logger: Logger;
}

/** A membership event made from another server's template, signed by us. */
export interface Made {
  readonly event: RoomEvent;
  readonly version: RoomVersion;
}

export type JoinRemote = (
  roomId: RoomId,
  userId: UserId,
  content: JsonObject,
  via: readonly ServerName[],
) => Promise<void>;

export function createJoinRemote(deps: JoinRemoteDeps): JoinRemote {
  const { store, mailboxes, identity, outliers, remote, keyRing, logger } = deps;

  async function joinBy(
    server: ServerName,
    roomId: RoomId,
    userId: UserId,
    content: JsonObject,
  ): Promise<void> {
    const template = await remote.makeJoin(server, roomId, userId, ROOM_VERSION_IDS);
    const { event, version } = fromTemplate(identity, template, roomId, userId, content);
    const answer = await remote.sendJoin(server, roomId, event.eventId, event.pdu);
    const room = await store.registry.ensure(roomId, version, identity.now());
    const join = await countersigned(room, event, answer);
    const state = await keepState(room, answer);
    checkJoin(room, join, state);
    if (await serverIsJoined(store.sql, room.nid, identity.serverName)) {
      await enterAlso(server, room, join);
    } else {
      await enter(room, join, state);
    }
  }

  /** The join as the other server signed it too (restricted rooms), or ours. */
  async function countersigned(
    room: Room,
    event: RoomEvent,
    answer: JsonObject,
  ): Promise<RoomEvent> {
    if (!isJsonObject(answer.event)) return event;
    const [verified] = await verifyPdus(keyRing, [answer.event], room.version);
    return verified?.event?.eventId === event.eventId ? verified.event : event;
  }

  /** Verifies and stores the whole answer; gives the state before the join. */
  async function keepState(room: Room, answer: JsonObject): Promise<StoredEvent[]> {
    const states = await verifyPdus(keyRing, listIn(answer, "state"), room.version);
    const chains = await verifyPdus(keyRing, listIn(answer, "auth_chain"), room.version);
    const byId = new Map<EventId, RoomEvent>();
    for (const { event } of [...states, ...chains]) {
      if (event !== undefined && event.roomId === room.roomId) byId.set(event.eventId, event);
    }
    const dropped = states.filter((one) => one.event === undefined).length;
    if (dropped > 0) logger.warn({ room: room.roomId, dropped }, "state of a join was dropped");
    await outliers.store(room, [...byId.values()]);
    const ids = states.flatMap(({ event }) => event?.eventId ?? []);
    const found = await store.events.byIds(ids);
    return [...found.values()].filter(
      (stored) => stored.event.stateKey !== undefined && stored.status !== "rejected",
    );
  }

  /** This server is in the room already: the join is one event more. */
  async function enterAlso(server: ServerName, room: Room, join: RoomEvent): Promise<void> {
    const result = (await deps.ingest.batch(server, room, [join])).get(join.eventId);
    if (result === undefined || "error" in result) {
      throw errors.unknown(result?.error ?? "The join could not be placed", 502);
    }
    const { stored, reason } = result.placed;
    if (stored.status !== "accepted") throw errors.forbidden(reason ?? "The join is not allowed");
  }

  /** The join becomes the room's only extremity, on the state that was told. */
  async function enter(room: Room, join: RoomEvent, state: readonly StoredEvent[]): Promise<void> {
    await mailboxes.run(room, async (head) => {
      const work = new Work(store, identity, head);
      const known = await store.events.byId(join.eventId);
      if (known !== undefined && known.stateAfter !== null) return { value: undefined };
      const before = await work.setState(
        null,
        state.map(({ event, nid }) => [event.type, event.stateKey as string, nid]),
      );
      const prev = await store.events.byIds([...join.prevEventIds]);
      const stored = await placeJoin(work, join, before, known);
      const missing = join.prevEventIds.filter((id) => prev.get(id)?.stateAfter == null);
      return work.step(undefined, {
        append: {
          missing: {
            add: missing.map((id) => ({ roomNid: room.nid, eventId: id, childNid: stored.nid })),
          },
          strippedRooms: [
            { roomNid: room.nid, userId: join.stateKey as string, strippedState: null },
          ],
        },
      });
    });
  }

  async function placeJoin(
    work: Work,
    join: RoomEvent,
    before: StoredEvent["stateBefore"],
    known: StoredEvent | undefined,
  ): Promise<StoredEvent> {
    const [freshNid] = known === undefined ? await store.registry.eventNids(1) : [known.nid];
    const nid = freshNid as number;
    const after = await work.setState(before, [["m.room.member", join.stateKey as string, nid]]);
    const auth = await store.events.byIds([...join.authEventIds]);
    const states = { stateBefore: before, stateAfter: after, roomState: after };
    const stored = newEvent(work.room.nid, nid, join, states);
    work.add({
      stored,
      authNids: [...auth.values()].map((one) => one.nid),
      timeline: "live",
      stateChanged: true,
      known: known !== undefined,
    });
    await work.moveHead([stored], after);
    return stored;
  }

  return async (roomId, userId, content, via) => {
    if (via.length === 0) throw errors.notFound("No server is known that could let you in");
    await tryEach(via, (server) => joinBy(server, roomId, userId, content), logger);
  };
}

/**
 * Tries servers in turn. What a server says about the room or the user (4xx with a Matrix code) ends it, but for
 * "not found" and restricted joins that it can't decide on.
 */
export async function tryEach(
  servers: readonly ServerName[],
  attempt: (server: ServerName) => Promise<void>,
  logger: Logger,
): Promise<void> {
  let last: unknown;
  for (const server of servers) {
    try {
      return await attempt(server);
    } catch (error) {
      logger.info({ err: error, server }, "another server did not let us in");
      if (isFinal(error)) throw told(error);
      last ??= error;
    }
  }
  throw told(last);
}

/** Answers of servers that can't tell, or can't do, what a restricted join needs. */
const UNDECIDED = new Set(["M_UNABLE_TO_AUTHORISE_JOIN", "M_UNABLE_TO_GRANT_JOIN"]);

function statusOf(error: unknown): number | undefined {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === "number" ? status : undefined;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === "string" ? code : undefined;
}

function isFinal(error: unknown): boolean {
  if (codeOf(error) === "M_INCOMPATIBLE_ROOM_VERSION") return true;
  return statusOf(error) === 403 && codeOf(error) === "M_FORBIDDEN";
}

/** What the client is told of another server's refusal. */
function told(error: unknown): MatrixError {
  const status = statusOf(error);
  const message = error instanceof Error ? error.message : "No server could be reached";
  if (codeOf(error) === "M_INCOMPATIBLE_ROOM_VERSION") {
    return new MatrixError(400, "M_INCOMPATIBLE_ROOM_VERSION", message);
  }
  if (status === 403 || UNDECIDED.has(codeOf(error) ?? "")) return errors.forbidden(message);
  if (status === 404) return errors.notFound(message);
  if (error instanceof MatrixError && status !== undefined && status < 500) return error;
  return errors.unknown(`No server could let you in: ${message}`, 502);
}

/** Fills in and signs another server's template of a member event. Throws when it isn't one for us. */
export function fromTemplate(
  identity: Identity,
  answer: JsonObject,
  roomId: RoomId,
  userId: UserId,
  content: JsonObject,
): Made {
  const id = answer.room_version ?? "1";
  const version = typeof id === "string" ? roomVersion(id) : undefined;
  if (version === undefined) throw errors.incompatibleRoomVersion(String(id));
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
  const voucher = event.content.join_authorised_via_users_server;
  const template: JsonObject = {
    ...event,
    content: {
      ...content,
      ...(voucher === undefined ? {} : { join_authorised_via_users_server: voucher }),
    },
    origin_server_ts: identity.now(),
  };
  delete template.unsigned;
  delete template.origin;
  const signed = signPdu(template, version, identity.serverName, identity.signingKey);
  if (!isEventId(signed.eventId)) throw errors.unknown("The template has no event id", 502);
  return { event: signed, version };
}

/** The create event is the room's and of its version, and the state lets the user in. */
function checkJoin(room: Room, join: RoomEvent, state: readonly StoredEvent[]): void {
  const create = state.find(({ event }) => event.type === "m.room.create")?.event;
  const version = create?.content.room_version ?? "1";
  if (create === undefined || version !== room.version.id) {
    throw errors.unknown("The other server's state is not of that room", 502);
  }
  try {
    authorise(join, authStateOf(state.map(({ event }) => event)));
  } catch (error) {
    if (error instanceof Rejection) {
      throw errors.unknown(`The other server's state forbids the join: ${error.reason}`, 502);
    }
    throw error;
  }
}
