/** Ends of invites and knocks in rooms that this server is not in. */
import { isUserId, serverOf } from "../../protocol/identifiers.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import { idOfRefused } from "../../protocol/events/event.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { membershipIn, strippedOrigin } from "../../storage/rooms/members.ts";
import type { MembershipTableRow } from "../../storage/rooms/members.ts";
import { isAfter } from "../commands/out-of-band.ts";
import type { OutOfBand } from "../commands/out-of-band.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";
import type { RoomStore } from "../state/store.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import type { RejectPdus, RoomPart } from "./room-part.ts";

export interface OutOfBandEndsDeps {
  readonly store: RoomStore;
  readonly serverName: ServerName;
  readonly keyRing: EventKeys;
  readonly outOfBand: OutOfBand;
}

export type ReceiveOutOfBand = (part: RoomPart, room: Room, pdu: JsonObject) => Promise<void>;

export function createReceiveOutOfBand(
  deps: OutOfBandEndsDeps,
  { reject }: RejectPdus,
): ReceiveOutOfBand {
  const { store, keyRing } = deps;

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

  return receiveOutOfBand;
}
