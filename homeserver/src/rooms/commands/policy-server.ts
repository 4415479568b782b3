/**
 * Policy servers: a room can require the signature of its policy server on events (server-server
 * API, "Policy Servers").
 */
import { addForeignSignature } from "../../protocol/events/build-event.ts";
import { verifyKeyFromBase64 } from "../../protocol/crypto.ts";
import type { VerifyKey } from "../../protocol/crypto.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { POLICY_KEY_ID, verifyEventSignature } from "../../protocol/events/event-signatures.ts";
import { isServerName } from "../../protocol/identifiers.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { isJsonObject } from "../../protocol/json.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { signatureOf } from "../../protocol/signed-json.ts";
import { serverIsJoined } from "../../storage/rooms/members.ts";
import type { Sql } from "../../storage/sql.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room, StoredEvent } from "../api/index.ts";

/** The part of a command that the policy check reads. */
export interface PolicyRoom {
  readonly room: Room;
  readonly store: { readonly sql: Sql };
  /** From the current state. */
  stateEvent(type: string, stateKey: string): Promise<StoredEvent | undefined>;
}

/** The room's policy server and the key that it signs events with. */
export interface Policy {
  readonly server: ServerName;
  readonly key: VerifyKey;
}

/**
 * The event lacks the signature of the room's policy server. It has to be asked for outside of the
 * mailbox.
 */
export class LacksPolicySignature extends Error {
  override name = "LacksPolicySignature";
  readonly policy: Policy;
  constructor(policy: Policy) {
    super(`the signature of ${policy.server} is missing or wrong`);
    this.policy = policy;
  }
}

/** The policy server that has to sign the event according to the current state; undefined: none. */
async function policyFor(at: PolicyRoom, event: RoomEvent): Promise<Policy | undefined> {
  if (event.type === "m.room.policy" && event.stateKey === "") return undefined;
  const stored = await at.stateEvent("m.room.policy", "");
  const policy = stored === undefined ? undefined : policyIn(stored.event.content);
  if (policy === undefined) return undefined;
  // A room cannot make just any server its policy server: the server has to be in the room.
  return (await serverIsJoined(at.store.sql, at.room.nid, policy.server)) ? policy : undefined;
}

function policyIn({ via, public_keys: keys }: JsonObject): Policy | undefined {
  if (!isServerName(via) || !isJsonObject(keys) || typeof keys.ed25519 !== "string") {
    return undefined;
  }
  try {
    return { server: via, key: verifyKeyFromBase64(keys.ed25519) };
  } catch {
    return undefined;
  }
}

/** Whether the event has a valid signature of the policy server. */
function isRecommended(event: RoomEvent, { server, key }: Policy): boolean {
  return verifyEventSignature(event, server, POLICY_KEY_ID, key);
}

/**
 * Step 7 of the checks on receipt: the reason why the room's policy server did not sign the event;
 * undefined: it did, or there is none. `notRecommended` is the server's answer; without one it
 * throws LacksPolicySignature.
 */
export async function rejectionByPolicyServer(
  at: PolicyRoom,
  event: RoomEvent,
  notRecommended: string | undefined,
): Promise<string | undefined> {
  const policy = await policyFor(at, event);
  if (policy === undefined || isRecommended(event, policy)) return undefined;
  if (notRecommended === undefined) throw new LacksPolicySignature(policy);
  return notRecommended;
}

/**
 * Asks the policy server for its signature. Throws MatrixError: the server's refusal; 502 when it
 * cannot be reached or signs wrongly; M_TOO_LARGE when the event has no space left for the
 * signature.
 */
async function askPolicyServer(
  remote: Pick<RemoteRooms, "signByPolicy">,
  policy: Policy,
  event: RoomEvent,
): Promise<RoomEvent> {
  const { server } = policy;
  const answer = await remote.signByPolicy(server, event.pdu);
  const signature = signatureOf(answer, server, POLICY_KEY_ID);
  if (signature === undefined) throw errors.unknown(`${server} gave no signature`, 502);
  const signed = addForeignSignature(event, server, POLICY_KEY_ID, signature);
  if (isRecommended(signed, policy)) return signed;
  throw errors.unknown(`The signature that ${server} gave is not by the key of the room`, 502);
}

/** The event with the policy server's signature, or the reason why there is none. */
export async function recommended(
  remote: Pick<RemoteRooms, "signByPolicy">,
  policy: Policy,
  event: RoomEvent,
): Promise<{ event: RoomEvent } | { reason: string }> {
  try {
    return { event: await askPolicyServer(remote, policy, event) };
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
    return { reason: `${policy.server} does not recommend the event: ${error.message}` };
  }
}

/**
 * Signs a local event through the room's policy server, if there is one. Throws as askPolicyServer
 * does.
 */
export type Endorse = (at: PolicyRoom, event: RoomEvent) => Promise<RoomEvent>;

export function createEndorse(remote: Pick<RemoteRooms, "signByPolicy">): Endorse {
  return async (at, event) => {
    const policy = await policyFor(at, event);
    return policy === undefined ? event : askPolicyServer(remote, policy, event);
  };
}
