import type { OperationId } from "@weft/spec";
import { addSignature, referredIds } from "./events.ts";
import type { Pdu } from "./events.ts";
import type { JsonObject } from "./json.ts";
import type { Peer } from "./peer.ts";
import type { PeerRoom } from "./peer-room.ts";
import type { Inbound, Reply } from "./peer-server.ts";
import { signJson } from "./signing.ts";

export type Answers = Partial<Record<OperationId, (request: Inbound) => Reply | Promise<Reply>>>;

const notFound: Reply = { status: 404, body: { errcode: "M_NOT_FOUND", error: "not here" } };

/** What a peer answers unless a test says otherwise. */
export function defaultAnswers(peer: Peer): Answers {
  const signer = { serverName: peer.serverName, key: peer.key };
  const withRoom =
    (answer: (room: PeerRoom, request: Inbound) => Reply) =>
    (request: Inbound): Reply => {
      const room = peer.rooms.get(request.path["roomId"] ?? "");
      return room === undefined ? notFound : answer(room, request);
    };
  const invite = (pdu: Pdu, version: string): Pdu => {
    const room = peer.roomOfVersion(version);
    const signed = addSignature(pdu, room.version, signer.serverName, signer.key);
    peer.invites.push({ event: signed, version, eventId: room.idOf(signed) });
    return signed;
  };
  return {
    getServerKey: () => ({ body: peer.keyDocument() }),
    getVersion: () => ({ body: { server: { name: "weft-conformance-peer", version: "1" } } }),
    sendTransaction: (request) => ({ body: { pdus: peer.receive(request.body as JsonObject) } }),
    sendInviteV2(request) {
      const body = request.body as { event: Pdu; room_version: string };
      return { body: { event: invite(body.event, body.room_version) } };
    },
    sendInviteV1: (request) => ({
      body: [200, { event: invite(request.body as unknown as Pdu, "1") }],
    }),
    makeJoin: withRoom((room, { path }) => template(room, path["userId"] ?? "", "join")),
    sendJoinV2: withRoom((room, { body, path }) => {
      const before = room.stateEvents();
      const pdu = body as unknown as Pdu;
      const id = room.add(pdu);
      if (id !== path["eventId"]) return notFound;
      const state = before.map((event) => event as JsonObject);
      return {
        body: {
          origin: signer.serverName,
          members_omitted: false,
          servers_in_room: [signer.serverName],
          auth_chain: room.authChainOf([...before, pdu]),
          state,
          event: pdu,
        },
      };
    }),
    makeLeave: withRoom((room, { path }) => template(room, path["userId"] ?? "", "leave")),
    sendLeaveV2: withRoom((room, { body }) => {
      room.add(body as unknown as Pdu);
      return { body: {} };
    }),
    ...historyAnswers(peer, withRoom),
    queryProfile: ({ query }) => {
      const profile = peer.profiles.get(query.get("user_id") ?? "");
      const field = query.get("field");
      if (profile === undefined) return notFound;
      return { body: field === null ? profile : { [field]: profile[field] } };
    },
    queryRoomDirectory: ({ query }) => {
      const alias = query.get("room_alias") ?? "";
      const room = [...peer.rooms.values()].find((candidate) => candidate.aliases.includes(alias));
      if (room === undefined) return notFound;
      return { body: { room_id: room.roomId, servers: [signer.serverName] } };
    },
    federationGetPublicRooms: () => ({ body: { chunk: peer.publicRooms } }),
    federationQueryPublicRooms: () => ({ body: { chunk: peer.publicRooms } }),
    perspectivesKeyQuery: () => ({ body: { server_keys: [] } }),
    federationGetContent: ({ path }) => {
      const media = peer.media.get(path["mediaId"] ?? "");
      return media === undefined ? notFound : { body: {}, raw: multipart(media) };
    },
  };
}

function template(room: PeerRoom, userId: string, membership: string): Reply {
  const event = room.draft({
    type: "m.room.member",
    sender: userId,
    stateKey: userId,
    content: { membership },
    more: { origin: room.signer.serverName },
  });
  return { body: { event, room_version: room.version.id } };
}

type WithRoom = (
  answer: (room: PeerRoom, request: Inbound) => Reply,
) => (request: Inbound) => Reply;

function historyAnswers(peer: Peer, withRoom: WithRoom): Answers {
  const batch = (pdus: readonly Pdu[]) => ({
    body: { origin: peer.serverName, origin_server_ts: Date.now(), pdus },
  });
  const stateAt = (room: PeerRoom, eventId: string) => {
    const event = room.events.get(eventId);
    if (event === undefined) return undefined;
    const state = room.stateEvents(room.stateBefore(referredIds(event.prev_events)));
    return { pdus: state, chain: room.authChainOf([...state, event]) };
  };
  return {
    federationGetRoomState: withRoom((room, { query }) => {
      const state = stateAt(room, query.get("event_id") ?? "");
      return state === undefined
        ? notFound
        : { body: { pdus: state.pdus, auth_chain: state.chain } };
    }),
    getRoomStateIds: withRoom((room, { query }) => {
      const state = stateAt(room, query.get("event_id") ?? "");
      const ids = (pdus: readonly Pdu[]) => pdus.map((pdu) => room.idOf(pdu));
      return state === undefined
        ? notFound
        : { body: { pdu_ids: ids(state.pdus), auth_chain_ids: ids(state.chain) } };
    }),
    getEvent({ path }) {
      for (const room of peer.rooms.values()) {
        const pdu = room.events.get(path["eventId"] ?? "");
        if (pdu !== undefined) return batch([pdu]);
      }
      return notFound;
    },
    getEventAuth: withRoom((room, { path }) => {
      const pdu = room.events.get(path["eventId"] ?? "");
      return pdu === undefined ? notFound : { body: { auth_chain: room.authChainOf([pdu]) } };
    }),
    backfillRoom: withRoom((room, { query }) =>
      batch(room.before(query.getAll("v"), Number(query.get("limit") ?? 10))),
    ),
    getMissingPreviousEvents: withRoom((room, { body }) => {
      const { earliest_events, latest_events, limit } = body as {
        earliest_events: string[];
        latest_events: string[];
        limit?: number;
      };
      const latest = latest_events.flatMap((id) =>
        referredIds(room.events.get(id)?.prev_events ?? []),
      );
      const known = new Set(earliest_events);
      const events: Pdu[] = [];
      const left = latest.filter((id) => !known.has(id));
      for (
        let id = left.shift();
        id !== undefined && events.length < (limit ?? 10);
        id = left.shift()
      ) {
        const pdu = room.events.get(id);
        if (pdu === undefined || known.has(id)) continue;
        known.add(id);
        events.unshift(pdu);
        left.push(...referredIds(pdu.prev_events));
      }
      return { body: { events } };
    }),
  };
}

/** The two parts of a media answer: metadata, then the file. ("Content Repository", server API.) */
function multipart(media: { readonly type: string; readonly bytes: Uint8Array }) {
  const boundary = "weft-conformance-boundary";
  const head =
    `--${boundary}\r\nContent-Type: application/json\r\n\r\n{}\r\n` +
    `--${boundary}\r\nContent-Type: ${media.type}\r\n\r\n`;
  const bytes = Buffer.concat([
    Buffer.from(head),
    media.bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { type: `multipart/mixed; boundary=${boundary}`, bytes };
}

/** The document in which a server publishes its keys. ("Publishing Keys", server API.) */
export function keyDocument(peer: Peer, validForMs: number): JsonObject {
  const document = {
    server_name: peer.serverName,
    valid_until_ts: Date.now() + validForMs,
    verify_keys: { [peer.key.keyId]: { key: peer.key.publicKey } },
    old_verify_keys: {},
  };
  return signJson(document, peer.serverName, peer.key);
}
