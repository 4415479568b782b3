/**
 * Stripped state sent by another server for a room that this server is not in: with an invite, or
 * after a knock.
 */
import { strippedState } from "../../protocol/events/client-event.ts";
import { errors } from "../../protocol/errors.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { isUserId } from "../../protocol/identifiers.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import { canonicalJsonLoose, forbiddenIn, isJsonObject } from "../../protocol/json.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import { STRIPPED_TYPES, withinLimits } from "../state/stripped-state.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";

/** Further entries are ignored, since each may cost a request for a key. */
const MAX_ENTRIES = 32;

/** The origin of stripped state. */
export interface Showing {
  readonly roomId: RoomId;
  readonly version: RoomVersion;
  /** The inviter, whose member event is included. */
  readonly inviter?: UserId | undefined;
}

/**
 * The stripped state for our user's clients: one event of each of STRIPPED_TYPES, in their order,
 * as far as they fit. In room versions that require it, entries must be properly signed PDUs of the
 * room; others are left out.
 */
export async function shownByOther(
  keyRing: EventKeys,
  entries: readonly Json[],
  showing: Showing,
): Promise<JsonObject[]> {
  if (!showing.version.invitesShowPdus) return fitting(entries.slice(0, MAX_ENTRIES), showing);
  const { good } = await checked(keyRing, entries, showing);
  return fitting(good.map(strippedState), showing);
}

/**
 * The same for an invite: in room versions that require checked entries, a bad entry or a missing
 * create event refuses the invite. Throws M_INVALID_PARAM 400. (Server-server API, PUT /invite.)
 */
export async function shownByInvite(
  keyRing: EventKeys,
  entries: readonly Json[],
  showing: Showing,
): Promise<JsonObject[]> {
  if (!showing.version.invitesShowPdus) return shownByOther(keyRing, entries, showing);
  if (entries.length > MAX_ENTRIES) {
    throw errors.invalidParam(`invite_room_state has over ${MAX_ENTRIES} entries`);
  }
  const { good, bad } = await checked(keyRing, entries, showing);
  if (bad !== undefined) throw errors.invalidParam(`invite_room_state holds a bad event: ${bad}`);
  if (!good.some(({ type, stateKey }) => type === "m.room.create" && stateKey === "")) {
    throw errors.invalidParam("invite_room_state lacks the create event");
  }
  return fitting(good.map(strippedState), showing);
}

/** The entries that are valid PDUs of the room, and the first problem found. */
async function checked(
  keyRing: EventKeys,
  entries: readonly Json[],
  { roomId, version }: Showing,
): Promise<{ good: RoomEvent[]; bad: string | undefined }> {
  const good: RoomEvent[] = [];
  let bad: string | undefined;
  const looked = entries.slice(0, MAX_ENTRIES);
  for (const [at, verified] of (await verifyPdus(keyRing, looked, version)).entries()) {
    const { event, reason } = verified;
    if (event === undefined) bad ??= reason;
    else if (event.roomId !== roomId) bad ??= "it is of another room";
    else if (event.stateKey === undefined) bad ??= "it is no state";
    else if (verified.isRedacted === true && !isRedactedForm(looked[at], event)) {
      bad ??= "its content hash is wrong";
    } else good.push(event);
  }
  return { good, bad };
}

/**
 * State that was redacted in its room keeps the hash of its original content: it is accepted when
 * its content is exactly what a redaction leaves.
 */
function isRedactedForm(entry: Json | undefined, redacted: RoomEvent): boolean {
  if (!isJsonObject(entry)) return false;
  return canonicalJsonLoose(entry.content ?? {}) === canonicalJsonLoose(redacted.content);
}

/** The first event of each type, as far as they fit. */
function fitting(entries: readonly Json[], { inviter }: Showing): JsonObject[] {
  const found = new Map<string, JsonObject>();
  for (const entry of entries) {
    const event = strip(entry);
    if (event === undefined) continue;
    const { type, state_key: stateKey } = event;
    const isInviter = type === "m.room.member" && stateKey === inviter;
    const isShown = stateKey === "" && STRIPPED_TYPES.some((one) => one === type);
    if ((isShown || isInviter) && !found.has(type)) found.set(type, event);
  }
  const order = [...STRIPPED_TYPES.slice(0, 1), "m.room.member", ...STRIPPED_TYPES.slice(1)];
  return withinLimits(
    order.flatMap((type) => {
      const event = found.get(type);
      return event === undefined ? [] : [event];
    }),
  );
}

interface Stripped extends JsonObject {
  readonly type: string;
  readonly state_key: string;
}

/** The four keys of stripped state; undefined for entries that are no state events. */
function strip(entry: Json): Stripped | undefined {
  if (!isJsonObject(entry) || forbiddenIn(entry) !== undefined) return undefined;
  const { type, state_key, content, sender } = entry;
  if (typeof type !== "string" || typeof state_key !== "string") return undefined;
  if (!isJsonObject(content) || !isUserId(sender)) return undefined;
  return { type, state_key, content, sender };
}
