/** make_* and send_*: users of other servers join, leave and knock through this one. */
import { addSignature } from "../../protocol/events/build-event.ts";
import { buildAllowed, templateOf } from "../commands/local-drafts.ts";
import { errors } from "../../protocol/errors.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { isUserId, serverOf } from "../../protocol/identifiers.ts";
import type { EventId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { joinedServers } from "../../storage/rooms/members.ts";
import type { FederationAccess } from "./federation-access.ts";
import type { Ingest } from "../receiving/ingest.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import { memberDraft } from "../records/member-events.ts";
import { authoriseJoin } from "../membership/restricted-joins.ts";
import { membersNeeded } from "./members-needed.ts";
import type { StateAnswers } from "./state-answers.ts";
import type { RoomStore } from "../state/store.ts";
import { STRIPPED_TYPES, withinLimits } from "../state/stripped-state.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RoomFederation } from "../api/federation.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";
import type { RoomCommand } from "../commands/room-command.ts";

export interface ServeMembersDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly ingest: Ingest;
  readonly access: FederationAccess;
  readonly keyRing: EventKeys;
  readonly answers: StateAnswers;
}

type Served = Pick<
  RoomFederation,
  "makeJoin" | "sendJoin" | "makeLeave" | "sendLeave" | "makeKnock" | "sendKnock"
>;

export function createServeMembers(deps: ServeMembersDeps): Served {
  const { store, local, access, keyRing, answers } = deps;
  const { serverName, signingKey } = local.identity;

  return {
    async makeJoin(origin, roomId, userId, versions) {
      const room = await access.wholeRoom(roomId);
      requireOwn(origin, userId);
      if (!versions.includes(room.version.id))
        throw errors.incompatibleRoomVersion(room.version.id);
      return template(room, userId, "join");
    },
    async makeLeave(origin, roomId, userId) {
      const room = await access.wholeRoom(roomId);
      requireOwn(origin, userId);
      return template(room, userId, "leave");
    },
    async makeKnock(origin, roomId, userId, versions) {
      const room = await access.wholeRoom(roomId);
      requireOwn(origin, userId);
      if (!versions.includes(room.version.id))
        throw errors.incompatibleRoomVersion(room.version.id);
      return template(room, userId, "knock");
    },
    async sendJoin(origin, roomId, eventId, pdu, omitMembers = false) {
      const room = await access.wholeRoom(roomId);
      const event = await memberEvent(origin, room, eventId, pdu, "join");
      const authorisingUser = event.content.join_authorised_via_users_server;
      const isOurs = isUserId(authorisingUser) && serverOf(authorisingUser) === serverName;
      if (isOurs) await checkAuthorised(room, event);
      const signed = isOurs ? addSignature(event, serverName, signingKey) : event;
      const servers = await joinedServers(store.sql, room.nid);
      const placed = await place(origin, room, signed);
      const onlyMembers = omitMembers ? await membersNeeded(store, room, placed) : undefined;
      const alsoChainOf = [placed.nid];
      const nids = await answers.nids(room, placed.stateBefore, { onlyMembers, alsoChainOf });
      const head = {
        origin: serverName,
        event: signed.pdu,
        members_omitted: nids.membersOmitted,
        servers_in_room: servers,
      };
      return { head, ...answers.texts(nids, origin) };
    },
    async sendLeave(origin, roomId, eventId, pdu) {
      const room = await access.wholeRoom(roomId);
      await place(origin, room, await memberEvent(origin, room, eventId, pdu, "leave"));
    },
    async sendKnock(origin, roomId, eventId, pdu) {
      const room = await access.wholeRoom(roomId);
      await place(origin, room, await memberEvent(origin, room, eventId, pdu, "knock"));
      const keys = STRIPPED_TYPES.map((type) => [type, ""] as const);
      const shown = await local.run(room, (command) => command.state(keys));
      return { knock_room_state: withinLimits([...shown.values()].map(({ event }) => event.pdu)) };
    },
  };

  function requireOwn(origin: ServerName, userId: UserId): void {
    if (serverOf(userId) !== origin) throw errors.forbidden("The user is not of your server");
  }

  /** The event that the other server shall sign, if it is allowed. */
  async function template(room: Room, userId: UserId, membership: string): Promise<JsonObject> {
    return local.run(room, async (command) => {
      const content: JsonObject = { membership };
      if (membership === "join") {
        const authorisingUser = await authorisingUserFor(command, userId);
        if (authorisingUser !== undefined)
          content.join_authorised_via_users_server = authorisingUser;
      }
      const draft = memberDraft(userId, userId, content);
      const { authEvents } = await buildAllowed(command, draft);
      return { room_version: room.version.id, event: templateOf(command, draft, authEvents) };
    });
  }

  async function authorisingUserFor(
    command: RoomCommand,
    userId: UserId,
  ): Promise<UserId | undefined> {
    const authorisation = await authoriseJoin(store, command, serverName, userId);
    switch (authorisation.kind) {
      case "not-needed":
        return undefined;
      case "allowed":
        return authorisation.authorisingUser;
      case "no-authorising-user":
        throw errors.unableToGrantJoin("No user of this server can vouch for the join");
      case "refused":
        if (authorisation.unknown) {
          throw errors.unableToAuthoriseJoin("This server is not in the rooms that allow the join");
        }
        throw errors.forbidden("The user is in none of the rooms that allow the join");
    }
  }

  /** Our signature vouches for the allow rules: they are checked again. */
  async function checkAuthorised(room: Room, event: RoomEvent): Promise<void> {
    await local.run(room, (command) => authorisingUserFor(command, event.stateKey as UserId));
  }

  /** The other server's signed event, if it is what the path says. */
  async function memberEvent(
    origin: ServerName,
    room: Room,
    eventId: EventId,
    pdu: JsonObject,
    membership: string,
  ): Promise<RoomEvent> {
    const [verified] = await verifyPdus(keyRing, [pdu], room.version, serverName);
    const event = verified?.event;
    if (event === undefined) throw errors.invalidParam(verified?.reason ?? "The event is wrong");
    if (event.eventId !== eventId || event.roomId !== room.roomId) {
      throw errors.invalidParam("The event is not the one in the path");
    }
    if (
      event.type !== "m.room.member" ||
      event.content.membership !== membership ||
      event.stateKey !== event.sender
    ) {
      throw errors.invalidParam(`The event is not a ${membership} of its sender`);
    }
    if (serverOf(event.sender) !== origin) {
      throw errors.invalidParam("The event's sender is not of the server that sends it");
    }
    return event;
  }

  async function place(origin: ServerName, room: Room, event: RoomEvent): Promise<StoredEvent> {
    const result = (await deps.ingest.batch(origin, room, [event], { forward: true })).get(
      event.eventId,
    );
    if (result === undefined || "error" in result) {
      throw errors.badState(result?.error ?? "The event could not be placed");
    }
    const { stored, reason } = result.placed;
    if (stored.status !== "accepted") throw errors.forbidden(reason ?? "The event is not allowed");
    return stored;
  }
}
