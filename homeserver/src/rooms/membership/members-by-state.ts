/**
 * PUT state of m.room.member: a change of membership, handled by the rules of the matching
 * operation.
 */
import { errors } from "../../protocol/errors.ts";
import { parseUserId } from "../../protocol/identifiers.ts";
import type { EventId, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { membershipIn } from "../../storage/rooms/members.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import type { ClientTransactionKey } from "../records/idempotency.ts";
import { memberDraft, membershipOf, requireKickable } from "../records/member-events.ts";
import { clientMemberContent } from "./member-content.ts";
import type { RoomStore } from "../state/store.ts";
import type { MemberChange, Room, RoomMembers, SendMessage, StoredEvent } from "../api/index.ts";

const MEMBERSHIPS: ReadonlySet<string> = new Set(["join", "invite", "knock", "leave", "ban"]);

/** Changes another user's membership; `check` gets the present member event and may throw. */
export type ChangeOther = (
  request: MemberChange & { readonly userId: UserId },
  membership: string,
  check: (present: StoredEvent | undefined) => void,
  transaction?: ClientTransactionKey,
) => Promise<EventId>;

export interface ByStateDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly operations: Pick<RoomMembers, "join" | "knock" | "leave">;
  readonly changeOther: ChangeOther;
  readonly invite: (
    room: Room,
    sender: UserId,
    userId: UserId,
    content: JsonObject,
    originServerTs?: number,
    transaction?: ClientTransactionKey,
  ) => Promise<EventId>;
}

export type MemberByState = (
  message: SendMessage & { readonly stateKey: string },
  transaction?: ClientTransactionKey,
) => Promise<EventId>;

export function createMemberByState(deps: ByStateDeps): MemberByState {
  const { store, local, operations } = deps;

  /** The user's current member event. */
  async function current(room: Room, userId: UserId): Promise<EventId> {
    const row = await membershipIn(store.sql, room.nid, userId);
    const member = row && (await store.events.one(row.eventNid));
    if (member === undefined) throw errors.forbidden("You are not in that room");
    return member.event.eventId;
  }

  /** Changes the user's own membership. */
  async function own(
    room: Room,
    message: SendMessage,
    content: JsonObject,
    transaction: ClientTransactionKey | undefined,
  ): Promise<EventId> {
    const { by, originServerTs } = message;
    const { membership } = content;
    const { userId } = by;
    const before = (await membershipIn(store.sql, room.nid, userId))?.membership;
    if (before === "join" && membership === "join") {
      const draft = memberDraft(userId, userId, content, originServerTs);
      return local.send(room, draft, transaction);
    }
    const change = { by, content, originServerTs };
    switch (membership) {
      case "join":
        await operations.join({ ...change, room: room.roomId });
        break;
      case "knock":
        await operations.knock({ ...change, room: room.roomId });
        break;
      default:
        if (before === "ban") throw errors.forbidden("You are banned from that room");
        await operations.leave({ ...change, roomId: room.roomId });
    }
    return current(room, userId);
  }

  return async (message, transaction) => {
    const { by, roomId, originServerTs } = message;
    const userId = parseUserId(message.stateKey);
    const content = clientMemberContent(message.content);
    const { membership } = content;
    if (typeof membership !== "string" || !MEMBERSHIPS.has(membership)) {
      throw errors.badJson("membership is join, invite, knock, leave or ban");
    }
    const isOwn = userId === by.userId;
    const change = { by, roomId, userId, content, originServerTs };
    const isEntering = membership === "join" || membership === "knock";
    if (isEntering && !isOwn) throw errors.forbidden(`Nobody can ${membership} for somebody else`);
    // Entering a room that is unknown here is handled by the operation for it.
    if (isEntering && (await store.registry.byId(roomId)) === undefined) {
      await operations[membership]({ by, content, room: roomId });
    }
    const room = await local.room(roomId);
    switch (membership) {
      case "join":
      case "knock":
        return own(room, message, content, transaction);
      case "invite":
        return deps.invite(room, by.userId, userId, content, originServerTs, transaction);
      case "leave": {
        if (isOwn) return own(room, message, content, transaction);
        const check = (present: StoredEvent | undefined) => {
          if (membershipOf(present) !== "ban") requireKickable(present);
        };
        return deps.changeOther(change, "leave", check, transaction);
      }
      default:
        return deps.changeOther(change, "ban", () => {}, transaction);
    }
  };
}
