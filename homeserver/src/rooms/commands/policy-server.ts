/** Policy servers: events bear the signature of the one that the room has (server-server API, "Policy Servers"). */
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

/** A room as it stands where an event is about to be added: what a command works on. */
export interface PolicyRoom {
  readonly room: Room;
  readonly store: { readonly sql: Sql };
  /** Of the current state. */
  stateEvent(type: string, stateKey: string): Promise<StoredEvent | undefined>;
}

/** The room's policy server and the key that it signs events with. */
export interface Policy {
  readonly server: ServerName;
  readonly key: VerifyKey;
}

/** An event lacks the signature of the room's policy server: it's to be asked for, away from the mailbox. */
export class LacksPolicySignature extends Error {
  override name = "LacksPolicySignature";
  readonly policy: Policy;
  constructor(policy: Policy) {
    super(`the signature of ${policy.server} is missing or wrong`);
    this.policy = policy;
  }
}

/** The policy server that has to sign the event, as the current state has it; undefined: none. */
export async function policyFor(at: PolicyRoom, event: RoomEvent): Promise<Policy | undefined> {
  if (event.type === "m.room.policy" && event.stateKey === "") return undefined;
  const stored = await at.stateEvent("m.room.policy", "");
  const policy = stored === undefined ? undefined : policyIn(stored.event.content);
  if (policy === undefined) return undefined;
  // A room can't press a server into its service: it has to be in there.
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

/** Whether the policy server's signature is there and right. */
export function isRecommended(event: RoomEvent, { server, key }: Policy): boolean {
  return verifyEventSignature(event, server, POLICY_KEY_ID, key);
}

/**
 * Asks the policy server for its signature. Throws MatrixError: what it refuses with, 502 when it can't be reached or
 * its signature is wrong, M_TOO_LARGE when the event can't bear it.
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

/** The event with the policy server's signature, or why it has none. */
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

/** Has an event of this server signed where the room has a policy server. Throws as askPolicyServer. */
export type Endorse = (at: PolicyRoom, event: RoomEvent) => Promise<RoomEvent>;

export function createEndorse(remote: Pick<RemoteRooms, "signByPolicy">): Endorse {
  return async (at, event) => {
    const policy = await policyFor(at, event);
    return policy === undefined ? event : askPolicyServer(remote, policy, event);
  };
}
