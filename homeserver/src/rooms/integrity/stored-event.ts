/** Checks a stored event against its id, hash, signatures and row. */
import { Rejection } from "../../protocol/errors.ts";
import { eventFromStored, eventIdOf } from "../../protocol/events/event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import {
  requiredSigners,
  verifyEventSignatureAsync,
} from "../../protocol/events/event-signatures.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import { redactPdu } from "../../protocol/events/redact.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import { signingKeyIds } from "../../protocol/signed-json.ts";
import { canonicalJson } from "../../protocol/json.ts";
import type { CheckedRow } from "../../storage/rooms/integrity.ts";
import type { CheckOptions } from "./types.ts";

export interface Checked {
  readonly event: RoomEvent | undefined;
  readonly faults: readonly string[];
  readonly signatures: "right" | "unknown" | "wrong";
}

export async function checkStored(
  row: CheckedRow,
  version: RoomVersion,
  key: CheckOptions["key"],
): Promise<Checked> {
  let event: RoomEvent;
  try {
    event = eventFromStored(row.json, version, row.eventId as EventId);
  } catch (error) {
    const reason = (error as Error).message;
    return {
      event: undefined,
      faults: [`its JSON can not be read (${reason})`],
      signatures: "unknown",
    };
  }
  const faults = [...contentFaults(event), ...columnFaults(row, event)];
  const signatures = await checkSignatures(event, key);
  if (signatures === "wrong") faults.push("a signature is missing or wrong");
  return { event, faults, signatures };
}

function contentFaults(event: RoomEvent): string[] {
  const faults: string[] = [];
  if (eventIdOf(event.pdu, event.version, event.signedText()) !== event.eventId) {
    faults.push("its id is not the hash of what is stored");
  }
  if (!event.contentHashMatches() && !isRedacted(event)) {
    faults.push("its content hash is wrong, and it is not redacted");
  }
  return faults;
}

/**
 * A redacted event has the form that a redaction leaves; its hash is still that of the original.
 */
function isRedacted(event: RoomEvent): boolean {
  return canonicalJson(redactPdu(event.pdu, event.version)) === canonicalJson(event.pdu);
}

export function columnFaults(row: CheckedRow, event: RoomEvent): string[] {
  const said: [name: string, column: unknown, own: unknown][] = [
    ["type", row.type, event.type],
    ["state_key", row.stateKey ?? undefined, event.stateKey],
    ["sender", row.sender, event.sender],
    ["depth", row.depth, event.depth],
    ["prev_event_ids", row.prevEventIds.join(), event.prevEventIds.join()],
  ];
  return said
    .filter(([, column, own]) => column !== own)
    .map(([name]) => `the column ${name} is not what the event says`);
}

async function checkSignatures(
  event: RoomEvent,
  key: CheckOptions["key"],
): Promise<Checked["signatures"]> {
  try {
    let result: Checked["signatures"] = "right";
    for (const server of requiredSigners(event)) {
      const one = await checkSigner(event, server, key);
      if (one === "wrong") return "wrong";
      if (one === "unknown") result = "unknown";
    }
    return result;
  } catch (error) {
    if (error instanceof Rejection) return "wrong";
    throw error;
  }
}

async function checkSigner(
  event: RoomEvent,
  server: ServerName,
  key: CheckOptions["key"],
): Promise<Checked["signatures"]> {
  const keyIds = signingKeyIds(event.pdu.signatures, server);
  if (keyIds.length === 0) return "wrong";
  let known = false;
  for (const keyId of keyIds) {
    const verifyKey = await key(server, keyId);
    if (verifyKey === undefined) continue;
    known = true;
    if (await verifyEventSignatureAsync(event, server, keyId, verifyKey)) return "right";
  }
  return known ? "wrong" : "unknown";
}
