/** PUT /_matrix/federation/v1/send/{txnId}: the PDUs of a transaction, each alone. */
import type { Clock } from "../../platform/clock.ts";
import { isRoomId } from "../../protocol/identifiers.ts";
import type { RoomId, ServerName } from "../../protocol/identifiers.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { receivesIn } from "../../storage/administration/room-status.ts";
import { serverIsJoined } from "../../storage/rooms/members.ts";
import { standingIn } from "../../storage/rooms/staged-events.ts";
import { IS_ARCHIVED } from "../state/blocked-rooms.ts";
import type { Acl } from "../state/server-acl.ts";
import type { Ingest } from "./ingest.ts";
import type { OriginThrottle, Tally } from "./origin-throttle.ts";
import type { PduRejections } from "./pdu-rejections.ts";
import { addedIds } from "./staging.ts";
import type { Staging } from "./staging.ts";
import type { RoomStore } from "../state/store.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RoomFederation } from "../api/federation.ts";
import type { Room } from "../api/index.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";
import type { ReceiveOutOfBand } from "./out-of-band-ends.ts";
import type { RejectPdus, Results, RoomPart } from "./room-part.ts";

export interface ReceiveDeps {
  readonly store: RoomStore;
  readonly serverName: ServerName;
  readonly keyRing: EventKeys;
  readonly receiveOutOfBand: ReceiveOutOfBand;
  readonly rejectPdus: RejectPdus;
  /** Tries what is staged in the room at once. */
  readonly retryNow: (room: Room) => Promise<void>;
  readonly ingest: Ingest;
  readonly staging: Staging;
  readonly acl: Acl;
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

export function createReceive(deps: ReceiveDeps): RoomFederation["receive"] {
  const { store, keyRing, ingest, staging, clock, rejections, serverName } = deps;
  const { reject, rejectAll } = deps.rejectPdus;

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
    const { isJoined, isArchived } = await receivesIn(store.sql, room.nid, serverName);
    if (!isJoined) {
      const standing = await standingIn(store.sql, room.nid, serverName, clock.now());
      if (standing === "joining") return receiveBeforeJoin(part, room, pdus);
      if (standing === "outside") {
        for (const pdu of pdus) await deps.receiveOutOfBand(part, room, pdu);
        return;
      }
    }
    if (isJoined && isArchived) return rejectAll(pdus, part, "archived", IS_ARCHIVED, room.version);
    if (!(await deps.acl.allows(room, origin))) {
      return rejectAll(pdus, part, "server ACL", "Server is banned from the room", room.version);
    }
    await ingestEvents(part, room, await verified(part, room, pdus));
  }

  /** Steps 1 to 3 of the checks on receipt. */
  async function verified(
    part: RoomPart,
    room: Room,
    pdus: readonly JsonObject[],
  ): Promise<RoomEvent[]> {
    const events: RoomEvent[] = [];
    for (const checked of await verifyPdus(keyRing, pdus, room.version)) {
      const { event } = checked;
      if (event === undefined) {
        reject(part, checked.check, checked.eventId, checked.reason);
        continue;
      }
      events.push(event);
      if (checked.isRedacted !== true) continue;
      const reason = "The content hash is wrong";
      const fields = { origin: part.origin, room: room.roomId, event: event.eventId, reason };
      rejections.note({ ...fields, clause: "3 hash", outcome: "redacted" });
    }
    return events;
  }

  /**
   * What is sent to a server that has been let in may come before its room is built: it is staged
   * until then.
   */
  async function receiveBeforeJoin(
    part: RoomPart,
    room: Room,
    pdus: readonly JsonObject[],
  ): Promise<void> {
    await stage(part, room, await verified(part, room, pdus));
    // The join may have ended before they were staged.
    const isJoined = await serverIsJoined(store.sql, room.nid, serverName);
    if (isJoined) await deps.retryNow(room);
  }

  /** Answers which of the events are staged: for the others there is no space. */
  async function stage(
    part: RoomPart,
    room: Room,
    events: readonly RoomEvent[],
  ): Promise<RoomEvent[]> {
    const kept = await staging.keep(part.origin, room, events);
    for (const { eventId } of events) {
      part.results[eventId] = {};
      if (!kept.has(eventId))
        reject(part, "too many wait", eventId, "Too many events wait already");
    }
    return events.filter(({ eventId }) => kept.has(eventId));
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
    const kept = await stage(part, room, left);
    const over = new AbortController();
    const fetching = staging.attempt(origin, room, kept);
    const waiting = await staging.waiting(origin, room);
    const ms = waiting > SLOW_FROM ? SLOW_ANSWER_MS : ANSWER_MS;
    await Promise.race([fetching, clock.sleep(ms, over.signal)]);
    over.abort();
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
