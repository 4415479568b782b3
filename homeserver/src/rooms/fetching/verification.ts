/** Signatures and hashes of PDUs from other servers. */
import { createYielder } from "../../platform/yielder.ts";
import { Rejection } from "../../protocol/errors.ts";
import { idOfRefused, parsePdu, redactEvent, RoomEvent } from "../../protocol/events/event.ts";
import {
  POLICY_KEY_ID,
  requiredSigners,
  verifyEventSignatureAsync,
} from "../../protocol/events/event-signatures.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import type { Json } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import { signingKeyIds } from "../../protocol/signed-json.ts";
import type { PduCheck } from "../records/pdu-check.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";

/** A PDU that passed the checks, or the reason why it did not. */
export type Verified =
  | {
      readonly event: RoomEvent;
      readonly eventId?: undefined;
      readonly clause?: undefined;
      readonly reason?: undefined;
      /** The content did not match its hash: the event is redacted. */
      readonly isRedacted?: boolean;
    }
  | {
      readonly event?: undefined;
      readonly eventId?: string;
      readonly clause: PduCheck;
      readonly reason: string;
      /**
       * The signature cannot be checked, and the event is a membership sent by the user themselves.
       */
      readonly isOwnMembership?: boolean;
    };

/**
 * A membership event that its own user's server should have signed: nobody else's rights depend on
 * it.
 */
export function isUnverifiableMember(
  verified: Verified,
): verified is Verified & { readonly eventId: EventId } {
  return verified.event === undefined && verified.isOwnMembership === true;
}

/** How long events are parsed and hashed before other work gets a chance. */
const BURST_MS = 2;

interface Wanted {
  readonly server: ServerName;
  readonly keyId: string;
  readonly validAt: number;
}

/**
 * Steps 1 to 3 of the checks on receipt for many PDUs at once: format, signatures (keys are asked
 * for together), content hash (an event whose hash is wrong is redacted).
 */
export async function verifyPdus(
  keyRing: EventKeys,
  pdus: readonly Json[],
  version: RoomVersion,
  /**
   * The server whose signature is still missing: this one, on a restricted join that it authorises.
   */
  unsignedBy?: ServerName,
): Promise<Verified[]> {
  const yielder = createYielder(BURST_MS);
  const parsed: Verified[] = [];
  for (const pdu of pdus) {
    parsed.push(parse(pdu, version));
    await yielder.pauseIfDue();
  }
  const wanted: Wanted[] = [];
  for (const { event } of parsed) if (event !== undefined) wanted.push(...keysOf(event));
  const room = parsed.find(({ event }) => event !== undefined)?.event?.roomId;
  const keys = await keyRing.keys(wanted, room);
  const keyAt = new Map(wanted.map((want, i) => [textOf(want), keys[i]]));
  return Promise.all(
    parsed.map(async (result): Promise<Verified> => {
      const { event } = result;
      if (event === undefined) return result;
      for (const server of requiredSigners(event)) {
        if (server === unsignedBy || (await isSignedBy(event, server, keyAt))) continue;
        return {
          eventId: event.eventId,
          clause: "2 signatures",
          reason: `The signature of ${server} is missing or wrong`,
          isOwnMembership: event.type === "m.room.member" && event.stateKey === event.sender,
        };
      }
      if (event.contentHashMatches()) return { event };
      return { event: redactEvent(event), isRedacted: true };
    }),
  );
}

function parse(pdu: Json, version: RoomVersion): Verified {
  try {
    const event = parsePdu(pdu, version);
    if (event.type.includes("\0") || event.stateKey?.includes("\0") === true) {
      const reason = "Type or state key hold NUL";
      return { eventId: event.eventId, clause: "1 format", reason };
    }
    requiredSigners(event);
    return { event: withoutUnsigned(event) };
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const eventId = idOfRefused(pdu, version);
    const refused = { clause: "1 format", reason: error.reason } as const;
    return eventId === undefined ? refused : { ...refused, eventId };
  }
}

/** `unsigned` is not covered by any signature, so it is dropped. */
function withoutUnsigned(event: RoomEvent): RoomEvent {
  if (event.pdu.unsigned === undefined) return event;
  const { unsigned: _unsigned, ...pdu } = event.pdu;
  return new RoomEvent(pdu, event.version, event.eventId, {
    json: event.json(),
    signedText: event.signedText(),
    contentHashMatches: event.contentHashMatches(),
  });
}

function keysOf(event: RoomEvent): Wanted[] {
  const validAt = event.version.enforceKeyValidity ? event.originServerTs : 0;
  return requiredSigners(event).flatMap((server) =>
    signingKeyIds(event.pdu.signatures, server)
      .filter((keyId) => keyId !== POLICY_KEY_ID)
      .map((keyId) => ({ server, keyId, validAt })),
  );
}

async function isSignedBy(
  event: RoomEvent,
  server: ServerName,
  keys: ReadonlyMap<string, Awaited<ReturnType<EventKeys["keys"]>>[number]>,
): Promise<boolean> {
  for (const wanted of keysOf(event)) {
    if (wanted.server !== server) continue;
    const key = keys.get(textOf(wanted));
    if (key === undefined) continue;
    if (await verifyEventSignatureAsync(event, server, wanted.keyId, key)) return true;
  }
  return false;
}

function textOf({ server, keyId, validAt }: Wanted): string {
  return `${server} ${keyId} ${validAt}`;
}
