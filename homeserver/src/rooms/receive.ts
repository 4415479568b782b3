/** PUT /_matrix/federation/v1/send/{txnId}: the PDUs of a transaction, each alone. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { isRoomId, serverOf } from "../protocol/identifiers.ts";
import type { EventId, RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import { parsePdu } from "../protocol/event.ts";
import type { RoomEvent } from "../protocol/event.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { RoomVersion } from "../protocol/room-versions.ts";
import { membershipIn, serverIsJoined } from "../storage/room-members.ts";
import type { Acl } from "./acl.ts";
import type { Ingest } from "./ingest.ts";
import type { OutOfBand } from "./out-of-band.ts";
import type { RoomStore } from "./store.ts";
import { placedIn } from "./staging.ts";
import type { Staging } from "./staging.ts";
import type { KeyRing, RoomFederation } from "./types-federation.ts";
import type { Room } from "./types.ts";
import { verifyPdus } from "./verify.ts";

export interface ReceiveDeps {
  readonly store: RoomStore;
  readonly serverName: ServerName;
  readonly keyRing: KeyRing;
  readonly ingest: Ingest;
  readonly staging: Staging;
  readonly acl: Acl;
  readonly outOfBand: OutOfBand;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** So long a transaction waits for what is fetched on its behalf: it's kept by then, and goes on without. */
const ANSWER_MS = 5_000;

type Results = Record<string, JsonObject>;

export function createReceive(deps: ReceiveDeps): RoomFederation["receive"] {
  const { store, keyRing, ingest, staging, clock, logger } = deps;

  async function ofRoom(
    origin: ServerName,
    roomId: RoomId,
    pdus: readonly JsonObject[],
    results: Results,
  ): Promise<void> {
    const room = await store.registry.byId(roomId);
    if (room === undefined) return refuseAll(pdus, "This server is not in that room", results);
    if (!(await deps.acl.allows(room, origin))) {
      return refuseAll(pdus, "Server is banned from the room", results, room.version);
    }
    // 1 to 3: format, signatures, hashes.
    const events: RoomEvent[] = [];
    for (const verified of await verifyPdus(keyRing, pdus, room.version)) {
      if (verified.event !== undefined) events.push(verified.event);
      else refuse(origin, roomId, verified.eventId, verified.reason, results);
    }
    if (!(await serverIsJoined(store.sql, room.nid, deps.serverName))) {
      for (const event of events) await outside(room, event, results);
      return;
    }
    await takeIn(origin, room, events, results);
  }

  /** 4 to 6, the authorisation rules: at once for what lacks nothing; the others are kept, and then helped. */
  async function takeIn(
    origin: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    results: Results,
  ): Promise<void> {
    const { whole, lacking } = await ingest.sort(events);
    const ingested = await ingest.place(room, whole);
    staging.arrived(room, placedIn(ingested));
    const left = [...lacking];
    for (const event of whole) {
      const result = ingested.get(event.eventId);
      results[event.eventId] = {};
      if (result === undefined || "placed" in result) continue;
      if (result.isFinal) results[event.eventId] = { error: result.error };
      else left.push(event);
    }
    if (left.length === 0) return;
    const kept = await staging.keep(origin, room, left);
    for (const { eventId } of left) {
      results[eventId] = kept.has(eventId) ? {} : { error: "Too many events wait already" };
    }
    const over = new AbortController();
    const helped = staging.attempt(
      origin,
      room,
      left.filter(({ eventId }) => kept.has(eventId)),
    );
    await Promise.race([helped, clock.sleep(ANSWER_MS, over.signal)]);
    over.abort();
  }

  /** Of rooms that this server isn't in, only the end of an invite or a knock concerns it. */
  async function outside(room: Room, event: RoomEvent, results: Results): Promise<void> {
    const { type, stateKey, content, eventId, sender } = event;
    const row =
      type === "m.room.member" && stateKey !== undefined
        ? await membershipIn(store.sql, room.nid, stateKey)
        : undefined;
    const waits = row?.membership === "invite" || row?.membership === "knock";
    const ends = content.membership === "leave" || content.membership === "ban";
    const invite = row && (await store.events.one(row.eventNid));
    const sameServer =
      row?.membership === "knock" ||
      (invite !== undefined && serverOf(invite.event.sender) === serverOf(sender));
    if (!waits || !ends || !sameServer) {
      results[eventId] = { error: "This server is not in that room" };
      return;
    }
    await deps.outOfBand.store(room, event, stateKey as UserId, null);
    results[eventId] = {};
  }

  function refuse(
    origin: ServerName,
    roomId: string,
    eventId: string | undefined,
    reason: string,
    results: Results,
  ): void {
    logger.info({ origin, room: roomId, event: eventId, reason }, "a PDU was dropped");
    if (eventId !== undefined) results[eventId] = { error: reason };
  }

  /** Results go by event id: where the room's version is not known, only the ids that PDUs carry. */
  function refuseAll(
    pdus: readonly JsonObject[],
    reason: string,
    results: Results,
    version?: RoomVersion,
  ): void {
    for (const pdu of pdus) {
      const eventId = version === undefined ? pdu.event_id : eventIdIn(pdu, version);
      if (typeof eventId === "string") results[eventId] = { error: reason };
    }
  }

  return async (origin, pdus) => {
    const results: Results = {};
    const rooms = Map.groupBy(pdus, (pdu) => (isRoomId(pdu.room_id) ? pdu.room_id : undefined));
    await Promise.all(
      [...rooms].map(async ([roomId, ofThis]) => {
        if (roomId === undefined) return refuseAll(ofThis, "room_id is not a room id", results);
        await ofRoom(origin, roomId, ofThis, results);
      }),
    );
    return results;
  };
}

function eventIdIn(pdu: JsonObject, version: RoomVersion): EventId | undefined {
  try {
    return parsePdu(pdu, version).eventId;
  } catch {
    return undefined;
  }
}
