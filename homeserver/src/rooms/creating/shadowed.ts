/**
 * What shadow-banned users send: they are told that it was sent, and it goes nowhere. What they may not
 * do anyway is refused as ever, so that they notice nothing.
 */
import { hash } from "node:crypto";
import type { EventId, RoomId } from "../../protocol/identifiers.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import { isJoined } from "../commands/outsiders.ts";
import type { RoomStore } from "../state/store.ts";
import type { Actor, RoomCreate, RoomMembers, RoomSend } from "../api/index.ts";

interface ShadowedDeps {
  readonly store: RoomStore;
  readonly local: Pick<LocalEvents, "room">;
  readonly random: Random;
}

/** Whether nobody is to get what the user sends to the room, which they are in. */
async function isLost({ store, local }: ShadowedDeps, by: Actor, roomId: RoomId): Promise<boolean> {
  if (by.isShadowBanned !== true) return false;
  return isJoined(store.sql, await local.room(roomId), by.userId);
}

/** An id that no event has; a repeated request gets the same. */
function inventedId({ random }: ShadowedDeps, by: Actor, request: readonly unknown[]): EventId {
  const [txnId] = request;
  const unique = txnId === undefined ? [random.alphanumeric(32)] : request;
  const text = JSON.stringify([by.userId, by.deviceId, ...unique]);
  return `$${hash("sha256", text, "base64url")}` as EventId;
}

export function shadowedSend(send: RoomSend, deps: ShadowedDeps): RoomSend {
  return {
    async message(message) {
      const { by, roomId, type, txnId, delayId } = message;
      if (!(await isLost(deps, by, roomId))) return send.message(message);
      return inventedId(deps, by, [txnId ?? delayId, roomId, type]);
    },
    async state(message) {
      const { by, roomId } = message;
      if (!(await isLost(deps, by, roomId))) return send.state(message);
      return inventedId(deps, by, []);
    },
    async redact(request) {
      const { by, roomId, eventId, txnId } = request;
      if (!(await isLost(deps, by, roomId))) return send.redact(request);
      return inventedId(deps, by, [txnId, roomId, eventId]);
    },
  };
}

export function shadowedMembers(members: RoomMembers, deps: ShadowedDeps): RoomMembers {
  return {
    ...members,
    async invite(request) {
      if (!(await isLost(deps, request.by, request.roomId))) await members.invite(request);
    },
  };
}

/** Their rooms are their own: nobody is invited. They take nobody along to another version. */
export function shadowedCreate(create: RoomCreate): RoomCreate {
  return {
    room(by, options) {
      if (by.isShadowBanned !== true) return create.room(by, options);
      const { invite: _nobody, ...rest } = options;
      const state = rest.initial_state?.filter(({ type }) => !INVITING.has(type));
      return create.room(by, { ...rest, ...(state && { initial_state: state }) });
    },
    async upgrade(by, ...rest) {
      if (by.isShadowBanned === true) throw errors.forbidden("Your power level is too low");
      return create.upgrade(by, ...rest);
    },
  };
}

const INVITING = new Set(["m.room.member", "m.room.third_party_invite"]);
