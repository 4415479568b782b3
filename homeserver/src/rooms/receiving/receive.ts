/** PUT /_matrix/federation/v1/send/{txnId}: the PDUs of a transaction, each alone. */
import type { Clock } from "../../platform/clock.ts";
import { isEventId, isRoomId, isUserId, serverOf } from "../../protocol/identifiers.ts";
import type { RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import { idOfRefused } from "../../protocol/events/event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import { membershipIn, serverIsJoined, strippedOrigin } from "../../storage/rooms/members.ts";
import type { MembershipTableRow } from "../../storage/rooms/members.ts";
import type { Acl } from "../state/server-acl.ts";
import type { Ingest } from "./ingest.ts";
import type { OriginThrottle, Tally } from "./origin-throttle.ts";
import type { PduCheck } from "../checks/pdu-check.ts";
import type { PduRejections } from "./pdu-rejections.ts";
import { isAfter } from "../commands/out-of-band.ts";
import type { OutOfBand } from "../commands/out-of-band.ts";
import type { RoomStore } from "../state/store.ts";
import { addedIds } from "./staging.ts";
import type { Staging } from "./staging.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RoomFederation } from "../api/federation.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";

export interface ReceiveDeps {
  readonly store: RoomStore;
  readonly serverName: ServerName;
  readonly keyRing: EventKeys;
  readonly ingest: Ingest;
  readonly staging: Staging;
  readonly acl: Acl;
  readonly outOfBand: OutOfBand;
  readonly throttle: OriginThrottle;
  readonly clock: Clock;
  readonly rejections: PduRejections;
}

/**
 * How long a transaction waits for events that are fetched on its behalf. Its own events are staged
 * by then, and the work goes on after the answer.
 */
const ANSWER_MS = 5_000;
/**
 * When this many events of a server are staged in a room, its transactions are answered later: it
 * sends faster than missing events can be fetched, and more would soon be refused.
 */
const SLOW_FROM = 100;
const SLOW_ANSWER_MS = 25_000;

type Results = Record<string, JsonObject>;

/** The part of a transaction that concerns one room. */
interface RoomPart {
  readonly origin: ServerName;
  readonly room: string;
  /** Filled in while the PDUs are handled. */
  readonly results: Results;
  readonly tally: Tally;
}

export function createReceive(deps: ReceiveDeps): RoomFederation["receive"] {
  const { store, keyRing, ingest, staging, clock, rejections } = deps;

  async function receiveInRoom(
    part: RoomPart,
    roomId: RoomId,
    pdus: readonly JsonObject[],
  ): Promise<void> {
    const { origin } = part;
    const room = await store.registry.byId(roomId);
    if (room === undefined) {
      return rejectAll(pdus, part, "not in the room", "This server is not in that room");
    }
    if (!(await serverIsJoined(store.sql, room.nid, deps.serverName))) {
      for (const pdu of pdus) await receiveOutOfBand(part, room, pdu);
      return;
    }
    if (!(await deps.acl.allows(room, origin))) {
      return rejectAll(pdus, part, "server ACL", "Server is banned from the room", room.version);
    }
    // Steps 1 to 3 of the checks on receipt.
    const events: RoomEvent[] = [];
    for (const verified of await verifyPdus(keyRing, pdus, room.version)) {
      const { event } = verified;
      if (event === undefined) {
        reject(part, verified.check, verified.eventId, verified.reason);
        continue;
      }
      events.push(event);
      if (verified.isRedacted !== true) continue;
      const reason = "The content hash is wrong";
      const fields = { origin, room: roomId, event: event.eventId, reason };
      rejections.note({ ...fields, clause: "3 hash", outcome: "redacted" });
    }
    await ingestEvents(part, room, events);
  }

  /**
   * Steps 4 to 7: at once for events that lack nothing; the others are staged, and what they lack
   * is fetched.
   */
  async function ingestEvents(
    part: RoomPart,
    room: Room,
    events: readonly RoomEvent[],
  ): Promise<void> {
    const { origin, results } = part;
    const { complete, lacking } = await ingest.sort(events);
    const ingested = await ingest.add(room, complete, { origin });
    staging.arrived(room, addedIds(ingested));
    const left = [...lacking];
    for (const event of complete) {
      const result = ingested.get(event.eventId);
      results[event.eventId] = {};
      if (result === undefined) continue;
      if ("placed" in result) {
        if (result.placed.check !== undefined) part.tally.refused += 1;
        continue;
      }
      if (result.isFinal) results[event.eventId] = { error: result.error };
      else left.push(event);
    }
    if (left.length === 0) return;
    const kept = await staging.keep(origin, room, left);
    for (const { eventId } of left) {
      results[eventId] = {};
      if (!kept.has(eventId))
        reject(part, "too many wait", eventId, "Too many events wait already");
    }
    const over = new AbortController();
    const helped = staging.attempt(
      origin,
      room,
      left.filter(({ eventId }) => kept.has(eventId)),
    );
    const waiting = await staging.waiting(origin, room);
    const ms = waiting > SLOW_FROM ? SLOW_ANSWER_MS : ANSWER_MS;
    await Promise.race([helped, clock.sleep(ms, over.signal)]);
    over.abort();
  }

  /**
   * In a room that this server is not in, only the end of an invite or knock of a local user is
   * accepted: from the inviter, or from the server that took the knock. The event has the room
   * version of the invite or knock.
   */
  async function receiveOutOfBand(part: RoomPart, room: Room, pdu: JsonObject): Promise<void> {
    const notIn = "This server is not in that room";
    const { state_key: stateKey } = pdu;
    const isOurs = isUserId(stateKey) && serverOf(stateKey) === deps.serverName;
    const row = isOurs ? await membershipIn(store.sql, room.nid, stateKey) : undefined;
    const open = row && (await store.events.one(row.eventNid));
    const version = open?.event.version ?? room.version;
    if (row === undefined || open === undefined) {
      return reject(part, "not in the room", idOfRefused(pdu, version), notIn);
    }
    const [verified] = await verifyPdus(keyRing, [pdu], version);
    const event = verified?.event;
    if (event === undefined) {
      return reject(part, verified!.check, verified!.eventId, verified!.reason);
    }
    const { type, content, eventId, sender } = event;
    const ends = content.membership === "leave" || content.membership === "ban";
    const isMember = type === "m.room.member" && event.stateKey === row.userId;
    if (!isMember || !ends || !(await isTheirs(part.origin, sender, row, open))) {
      return reject(part, "not in the room", eventId, notIn);
    }
    part.results[eventId] = {};
    // It may have been under way for long, and concern an earlier invite.
    if (!isAfter(event, open.event)) return;
    await deps.outOfBand.store(room, event, row.userId as UserId, { shown: null });
  }

  /**
   * Whether the sender may end the open invite or knock: the inviter, or the server that took the
   * knock. The power levels of others are unknown outside the room.
   */
  async function isTheirs(
    origin: ServerName,
    sender: UserId,
    row: MembershipTableRow,
    open: StoredEvent,
  ): Promise<boolean> {
    if (row.membership === "invite") return open.event.sender === sender;
    if (row.membership !== "knock") return false;
    return (await strippedOrigin(store.sql, row.roomNid, row.userId)) === origin;
  }

  function reject(
    { origin, room, results, tally }: RoomPart,
    check: PduCheck,
    eventId: string | undefined,
    reason: string,
  ): void {
    tally.refused += 1;
    rejections.note({ origin, room, event: eventId, clause: check, reason, outcome: "dropped" });
    if (eventId !== undefined) results[eventId] = { error: reason };
  }

  /**
   * Results are keyed by event id. Where the room version is unknown, only ids contained in the
   * PDUs can be used.
   */
  function rejectAll(
    pdus: readonly JsonObject[],
    part: RoomPart,
    check: PduCheck,
    reason: string,
    version?: RoomVersion,
  ): void {
    for (const pdu of pdus) {
      const eventId = version === undefined ? pdu.event_id : idOfRefused(pdu, version);
      reject(part, check, isEventId(eventId) ? eventId : undefined, reason);
    }
  }

  async function receiveAll(
    origin: ServerName,
    pdus: readonly JsonObject[],
    tally: Tally,
  ): Promise<Results> {
    const results: Results = {};
    const rooms = Map.groupBy(pdus, (pdu) => (isRoomId(pdu.room_id) ? pdu.room_id : undefined));
    await Promise.all(
      [...rooms].map(async ([roomId, ofThis]) => {
        const part = { origin, room: roomId ?? "", results, tally };
        if (roomId === undefined) {
          return rejectAll(ofThis, part, "1 format", "room_id is not a room id");
        }
        await receiveInRoom(part, roomId, ofThis);
      }),
    );
    return results;
  }

  return (origin, pdus) => {
    const tally = { events: pdus.length, refused: 0 };
    return deps.throttle.run(origin, tally, () => receiveAll(origin, pdus, tally));
  };
}
