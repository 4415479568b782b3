/** Step 2 of the checks on receipt: whether events are signed by the servers that have to. */
import {
  POLICY_KEY_ID,
  requiredSigners,
  verifyEventSignatureAsync,
} from "../../protocol/events/event-signatures.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { signingKeyIds } from "../../protocol/signed-json.ts";
import type { EventKeys, WantedKey } from "../../federation-client/keys/key-ring.ts";
import type { Verified } from "./format.ts";

/**
 * Checks the signatures of those that are events. All keys are asked for together. The signature of
 * `unsignedBy` may be missing.
 */
export async function checkSignatures(
  keyRing: EventKeys,
  parsed: readonly Verified[],
  unsignedBy: ServerName | undefined,
): Promise<Verified[]> {
  const wanted: WantedKey[] = [];
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
          check: "2 signatures",
          reason: `The signature of ${server} is missing or wrong`,
          isOwnMembership: event.type === "m.room.member" && event.stateKey === event.sender,
        };
      }
      return result;
    }),
  );
}

function keysOf(event: RoomEvent): WantedKey[] {
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

function textOf({ server, keyId, validAt }: WantedKey): string {
  return `${server} ${keyId} ${validAt}`;
}
