/**
 * The checks performed on receipt of a PDU, in the specification's order, a call a step
 * (server-server API v1.19, "Checks performed on receipt of a PDU").
 *
 * Steps 1 to 3 look at the event alone: `verifyPdus` takes many at once, before they wait for their
 * room. Steps 4 to 7 compare it with what the room holds: `checkInRoom` takes one event at a time,
 * on the room's mailbox. Events that are fetched, and not added to the graph, pass steps 1 to 4.
 */
import { authTypesFor } from "../../protocol/auth/index.ts";
import { redactEvent } from "../../protocol/events/event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { Json } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import { rejectionByPolicyServer } from "../commands/policy-server.ts";
import type { RoomCommand } from "../commands/room-command.ts";
import type { StateKey } from "../state/tuples.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";
import {
  createEventBeside,
  isSameState,
  rejectionByAuthEvents,
  rejectionByCurrentState,
  rejectionByState,
} from "./authorisation.ts";
import { parseAll } from "./format.ts";
import type { Verified } from "./format.ts";
import type { PduCheck } from "./pdu-check.ts";
import { checkSignatures } from "./signatures.ts";

/**
 * Steps 1 to 3, for many PDUs at once: their keys are fetched together. `unsignedBy` is the server
 * whose signature is still missing: this one, on a restricted join that it authorises.
 */
export async function verifyPdus(
  keyRing: EventKeys,
  pdus: readonly Json[],
  version: RoomVersion,
  unsignedBy?: ServerName,
): Promise<Verified[]> {
  // 1. It is a valid event of the room version, otherwise it is dropped.
  const valid = await parseAll(pdus, version);
  // 2. The servers that have to sign it did, otherwise it is dropped.
  const signed = await checkSignatures(keyRing, valid, unsignedBy);
  // 3. Its hash is that of its content, otherwise it is redacted.
  return signed.map(redactIfHashIsWrong);
}

function redactIfHashIsWrong(verified: Verified): Verified {
  const { event } = verified;
  if (event === undefined || event.contentHashMatches()) return verified;
  return { event: redactEvent(event), isRedacted: true };
}

/** What steps 4 to 7 compare an event with. */
export interface Basis {
  /** All of its auth events. */
  readonly auth: readonly StoredEvent[];
  /** The state before the event. */
  readonly before: StateRoot;
  /** False for backfilled events, which do not change the current state: steps 4 and 5 suffice. */
  readonly isLive: boolean;
  /** Why the room's policy server did not sign the event; undefined: it was not asked. */
  readonly notRecommended: string | undefined;
}

/**
 * The result of steps 4 to 7: what an event counts as and, unless accepted, which check it failed.
 */
export interface Verdict {
  readonly status: StoredEvent["status"];
  readonly reason: string | undefined;
  readonly check: PduCheck | undefined;
}

const ACCEPTED: Verdict = { status: "accepted", reason: undefined, check: undefined };

/**
 * Steps 4 to 7. Throws LacksPolicySignature when the room's policy server has to be asked first.
 */
export async function checkInRoom(
  command: RoomCommand,
  event: RoomEvent,
  { auth, before, isLive, notRecommended }: Basis,
): Promise<Verdict> {
  // 4. Its auth events authorise it, otherwise it is rejected.
  const byAuthEvents = rejectionByAuthEvents(event, auth, [
    ...auth,
    ...(await createEventBeside(command.store, event)),
  ]);
  if (byAuthEvents !== undefined) return rejected("4 auth events", byAuthEvents);

  // 5. The state before it authorises it, otherwise it is rejected.
  const keys: StateKey[] = [...authTypesFor(event, event.version), ["m.room.create", ""]];
  const isOnTop = before === command.stateRoot;
  const state = await (isOnTop ? command.state(keys) : command.store.state.events(before, keys));
  const byStateBefore = isSameState(state, auth) ? undefined : rejectionByState(event, state);
  if (byStateBefore !== undefined) return rejected("5 state before", byStateBefore);
  if (!isLive) return ACCEPTED;

  // 6. The current state authorises it, otherwise it is soft-failed.
  const byCurrentState = isOnTop
    ? undefined
    : await rejectionByCurrentState(command, event, before, keys);
  if (byCurrentState !== undefined) return softFailed("6 current state", byCurrentState);

  // 7. The room's policy server signed it, if there is one, otherwise it is soft-failed.
  const byPolicyServer = await rejectionByPolicyServer(command, event, notRecommended);
  if (byPolicyServer !== undefined) return softFailed("7 policy server", byPolicyServer);
  return ACCEPTED;
}

/**
 * What an event counts as that is older than all that is known of the room, and sticky still: steps 6
 * and 7, by the current state alone. Throws LacksPolicySignature as above.
 */
export async function checkNow(
  command: RoomCommand,
  event: RoomEvent,
): Promise<StoredEvent["status"]> {
  const keys: StateKey[] = [...authTypesFor(event, event.version), ["m.room.create", ""]];
  const reason = rejectionByState(event, await command.state(keys));
  const refusal = reason ?? (await rejectionByPolicyServer(command, event, undefined));
  return refusal === undefined ? "accepted" : "soft-failed";
}

function rejected(check: PduCheck, reason: string): Verdict {
  return { status: "rejected", reason, check };
}

function softFailed(check: PduCheck, reason: string): Verdict {
  return { status: "soft-failed", reason, check };
}
