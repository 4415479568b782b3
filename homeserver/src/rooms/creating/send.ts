/** Message events, state events and redactions of local users. */
import { checkLevelsFormat } from "../../protocol/auth/index.ts";
import { errors, rejectionOf } from "../../protocol/errors.ts";
import { isEventId, isRoomAlias, serverOf } from "../../protocol/identifiers.ts";
import type { EventId, RoomAlias, RoomId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { mayBeThreadRoot, relationIn } from "../../protocol/events/relations.ts";
import type { Exclusive } from "../../storage/exclusive.ts";
import { hasAnnotation } from "../../storage/rooms/relations.ts";
import { aliasesIn, aliasesSet } from "./canonical-alias.ts";
import type { Cascades } from "./cascades.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import type { MemberByState } from "../membership/members-by-state.ts";
import { clientTransactionKey, delayedKey } from "../records/idempotency.ts";
import type { Idempotency } from "../records/idempotency.ts";
import { hidingFromOutsiders, isJoined } from "../commands/outsiders.ts";
import type { RoomStore } from "../state/store.ts";
import type { Actor, Room, RoomSend, SendMessage } from "../api/index.ts";

export interface SendDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly idempotency: Idempotency;
  /** The room of an alias, here or on another server; undefined: none. */
  readonly resolveAlias: (alias: RoomAlias) => Promise<RoomId | undefined>;
  /** Serialises equal annotations: the first is stored before the second is checked. */
  readonly exclusive: Exclusive;
  readonly cascades: Pick<Cascades, "around">;
  /** Member events sent as state are handled like invites, joins or kicks, by the same rules. */
  readonly memberByState: MemberByState;
}

export function createSend(deps: SendDeps): RoomSend {
  const { store, local, idempotency, exclusive } = deps;

  /**
   * A user can annotate an event with the same key only once. (Client-server API, "Avoiding
   * duplicate annotations".)
   */
  async function withAnnotation(
    room: Room,
    { by, type, content }: SendMessage,
    send: () => Promise<EventId>,
  ): Promise<EventId> {
    const relation = relationIn(content);
    if (relation?.relType !== "m.annotation" || relation.key === undefined) return send();
    const { eventId: target, key } = relation;
    const annotation = { target, type, sender: by.userId, key };
    return exclusive.run(`annotations ${by.userId} ${target}`, async () => {
      if (await hasAnnotation(store.sql, room.nid, annotation)) {
        throw errors.duplicateAnnotation("You have annotated that event with this key already");
      }
      return send();
    });
  }

  return {
    async message(message) {
      const { by, roomId, type, content, txnId, originServerTs, delayId, stickyMs } = message;
      const key =
        delayId === undefined
          ? clientTransactionKey(by, `send ${roomId} ${type}`, txnId)
          : delayedKey(by, delayId);
      return idempotency.run(key, async () => {
        const room = await local.room(roomId);
        return hidingFromOutsiders(store.sql, room, by.userId, async () => {
          if (type === "m.room.redaction") {
            const redaction = redactionIn(message);
            await keepSuspendedToTheirOwn(store, room, by, redaction.redacts);
            return local.redact(room, redaction, key);
          }
          await refuseNestedThread(store, room, message);
          const draft = { type, sender: by.userId, content, originServerTs, stickyMs };
          return withAnnotation(room, message, () => local.send(room, draft, key));
        });
      });
    },
    async state(message) {
      const { by, roomId, type, stateKey, content, originServerTs, delayId, stickyMs } = message;
      if (type === "m.room.create") throw errors.badJson("A room has one create event, its first");
      if (type === "m.room.member" && stickyMs !== undefined) {
        throw errors.invalidParam("A membership is no sticky event");
      }
      // Other servers would apply it, while here it would bypass the rules for redactions.
      if (type === "m.room.redaction") throw errors.badJson("A redaction is no state: see /redact");
      const key = delayId === undefined ? undefined : delayedKey(by, delayId);
      return idempotency.run(key, async () => {
        if (type === "m.room.member") return deps.memberByState(message, key);
        const room = await local.room(roomId);
        const isChecked = CHECKED.has(type) && (await isJoined(store.sql, room, by.userId));
        if (isChecked && type === "m.room.canonical_alias") await checkAliases(deps, room, content);
        if (isChecked && type === "m.room.power_levels") await checkLevels(local, room, content);
        const sender = by.userId;
        const draft = { type, stateKey, sender, content, originServerTs, stickyMs };
        return hidingFromOutsiders(store.sql, room, by.userId, () => local.send(room, draft, key));
      });
    },
    async redact(request) {
      const { by, roomId, eventId, reason, txnId, withRelTypes: relTypes = [] } = request;
      const key = clientTransactionKey(by, `redact ${roomId} ${eventId}`, txnId);
      return idempotency.run(key, async () => {
        const room = await local.room(roomId);
        const content = { ...request.content, ...(reason === undefined ? {} : { reason }) };
        const draft = { type: "m.room.redaction", sender: by.userId, content, redacts: eventId };
        return hidingFromOutsiders(store.sql, room, by.userId, async () => {
          await keepSuspendedToTheirOwn(store, room, by, eventId);
          const send = () => local.redact(room, draft, key);
          if (relTypes.length === 0) return send();
          const ownOnly = by.restriction === "suspended";
          const wish = { target: eventId, sender: by.userId, relTypes, reason, ownOnly };
          return deps.cascades.around(room, wish, send);
        });
      });
    },
  };
}

/** A redaction sent as a message names its target in the content, in every room version. */
function redactionIn({ by, type, content, originServerTs, stickyMs }: SendMessage) {
  const { redacts, ...rest } = content;
  if (!isEventId(redacts)) throw errors.badJson("content.redacts does not name an event");
  return { type, sender: by.userId, content: rest, redacts, originServerTs, stickyMs };
}

/**
 * Suspended users redact their own events alone, whatever power they have.
 * (Client-server API, "Account suspension".)
 * @throws MatrixError M_USER_SUSPENDED 403
 */
async function keepSuspendedToTheirOwn(
  store: RoomStore,
  room: Room,
  by: Actor,
  eventId: EventId,
): Promise<void> {
  if (by.restriction !== "suspended") return;
  const target = await store.events.byId(eventId);
  if (target?.roomNid === room.nid && target.event.sender === by.userId) return;
  throw errors.userSuspended();
}

/**
 * The root of a thread cannot itself relate to another event. (Client-server API, "Validation of
 * m.thread relationships".)
 */
async function refuseNestedThread(
  store: RoomStore,
  room: Room,
  { content }: SendMessage,
): Promise<void> {
  const relation = relationIn(content);
  if (relation?.relType !== "m.thread") return;
  const root = await store.events.byId(relation.eventId);
  if (root === undefined || root.roomNid !== room.nid || mayBeThreadRoot(root.event)) return;
  throw errors.unknown(
    "A thread cannot begin with an event that relates to another: name its root",
    400,
  );
}

/**
 * Types whose content is checked. Users who are not in the room get the answer of the auth rules
 * instead, which reveals nothing.
 */
const CHECKED: ReadonlySet<string> = new Set(["m.room.canonical_alias", "m.room.power_levels"]);

/**
 * Power levels that the room version does not allow are the client's mistake, whoever sends them.
 * M_BAD_JSON.
 */
async function checkLevels(local: LocalEvents, room: Room, content: JsonObject): Promise<void> {
  const create = await local.run(room, (command) => command.stateEvent("m.room.create", ""));
  const reason = rejectionOf(() => checkLevelsFormat(content, create?.event, room.version));
  if (reason !== undefined) throw errors.badJson(reason);
}

/**
 * Local aliases in m.room.canonical_alias, and newly added remote ones, must be well-formed
 * (M_INVALID_PARAM) and lead to this room (M_BAD_ALIAS). (Client-server API, PUT state.)
 */
async function checkAliases(deps: SendDeps, room: Room, content: JsonObject): Promise<void> {
  const current = await deps.local.run(room, (command) =>
    command.stateEvent("m.room.canonical_alias", ""),
  );
  const old = new Set(current === undefined ? [] : aliasesIn(current.event.content));
  for (const alias of aliasesSet(content)) {
    // A remote alias that is already in the event is not checked again.
    const isOurs = isRoomAlias(alias) && serverOf(alias) === deps.local.identity.serverName;
    if (old.has(alias) && !isOurs) continue;
    if (!isRoomAlias(alias)) throw errors.invalidParam("That is not a room alias");
    if ((await deps.resolveAlias(alias)) !== room.roomId) {
      throw errors.badAlias(`${alias} does not lead to this room`);
    }
  }
}
