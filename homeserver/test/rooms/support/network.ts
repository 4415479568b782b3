import type { RemoteRooms } from "../../../src/federation-client/types.ts";
import { MatrixError } from "../../../src/protocol/errors.ts";
import type { ServerName } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Rooms } from "../../../src/rooms/index.ts";
import { takeLists, partsOf, wire } from "./wire.ts";

const pdus = (texts: string[]) => texts.map((text) => JSON.parse(text) as JsonObject);

/**
 * The network as one server sees it: straight into the others' federation functions.
 *
 * `roomsOf`: those of a server that is called; it throws when that can't be reached.
 */
export function networkOf(
  from: ServerName,
  roomsOf: (name: ServerName, call: keyof RemoteRooms) => Rooms,
): RemoteRooms {
  const at = (name: ServerName, call: keyof RemoteRooms) => roomsOf(name, call).federation;
  return {
    makeJoin: async (to, ...rest) => at(to, "makeJoin").makeJoin(from, ...rest),
    async sendJoin(to, { roomId, eventId, pdu, omitMembers }, take) {
      const { sendJoin } = at(to, "sendJoin");
      const answer = await sendJoin(from, roomId, eventId, wire(pdu), omitMembers);
      await take(partsOf(wire(answer.head)));
      await takeLists(take, { auth_chain: answer.authChain, state: answer.pdus });
    },
    makeLeave: async (to, ...rest) => at(to, "makeLeave").makeLeave(from, ...rest),
    sendLeave: async (to, ...rest) => at(to, "sendLeave").sendLeave(from, ...wire(rest)),
    makeKnock: async (to, ...rest) => at(to, "makeKnock").makeKnock(from, ...rest),
    sendKnock: async (to, ...rest) =>
      wire(await at(to, "sendKnock").sendKnock(from, ...wire(rest))),
    invite: async (to, roomId, eventId, body) =>
      wire({
        event: await at(to, "invite").invite(from, roomId, eventId, {
          event: wire(body.event),
          roomVersion: body.room_version,
          inviteRoomState: wire(body.invite_room_state),
        }),
      }),
    async event(to, eventId) {
      return { pdus: pdus([await at(to, "event").event(from, eventId)]) };
    },
    async stateIds(to, roomId, eventId) {
      const { pduIds, authChainIds } = await at(to, "stateIds").stateIds(from, roomId, eventId);
      return { pdu_ids: pduIds, auth_chain_ids: authChainIds };
    },
    async state(to, roomId, eventId, take) {
      const answer = await at(to, "state").state(from, roomId, eventId);
      await takeLists(take, { auth_chain: answer.authChain, pdus: answer.pdus });
    },
    async joinedState(to, roomId, eventId, take) {
      const answer = await at(to, "state").state(from, roomId, eventId);
      await takeLists(take, { auth_chain: answer.authChain, pdus: answer.pdus });
    },
    async eventAuth(to, roomId, eventId) {
      return { auth_chain: pdus(await at(to, "eventAuth").eventAuth(from, roomId, eventId)) };
    },
    async missingEvents(to, roomId, body) {
      const events = await at(to, "missingEvents").missingEvents(from, roomId, {
        earliest: body.earliest_events,
        latest: body.latest_events,
        limit: body.limit,
        minDepth: body.min_depth ?? 0,
      });
      return { events: pdus(events) };
    },
    async backfill(to, roomId, ids, limit) {
      return { pdus: pdus(await at(to, "backfill").backfill(from, roomId, ids, limit)) };
    },
    async timestampToEvent(to, roomId, ts, dir) {
      const found = await at(to, "timestampToEvent").closestTo(from, roomId, { ts, dir });
      return { event_id: found.eventId, origin_server_ts: found.originServerTs };
    },
    async signByPolicy(to) {
      at(to, "signByPolicy");
      throw new MatrixError(404, "M_UNRECOGNIZED", "This is no policy server");
    },
    async directory(to, alias) {
      const { directory } = roomsOf(to, "directory");
      const found = await directory.resolveLocal(alias as never);
      if (found === undefined) throw new MatrixError(404, "M_NOT_FOUND", "no such alias");
      return { room_id: found.roomId, servers: found.servers };
    },
  };
}
