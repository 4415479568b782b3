import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { requestText } from "../load/connection.ts";
import { type Api, createApi } from "../matrix/api.ts";
import type { Certificates } from "../targets/certificates.ts";
import {
  type PeerKey,
  type ValueObject,
  canonical,
  idOf,
  newKey,
  seal,
  signature,
  signed,
} from "./events.ts";

/** What a peer answers besides its keys and transactions. */
export interface Answers {
  /** False: the request is about something else. */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
}

/** A homeserver in name: it serves its key, joins rooms and sends transactions. */
export interface Peer {
  /** `localhost:PORT` */
  readonly serverName: string;
  readonly key: PeerKey;
  /** The X-Matrix header for a request to `destination`. */
  authorization(request: SignedRequest): string;
  /** The bytes of a signed PUT. */
  signedPut(origin: URL, destination: string, path: string, content: ValueObject): Buffer;
  /** Joins a public room with make_join and send_join. */
  join(where: Resident, roomId: string, localpart: string): Promise<Seat>;
  /** From now on the peer answers this, a room that can be joined through it for example. */
  host(answers: Answers): void;
  close(): Promise<void>;
}

interface SignedRequest {
  readonly method: string;
  readonly uri: string;
  readonly destination: string;
  readonly content?: ValueObject;
}

/** The server that is joined through. */
export interface Resident {
  readonly serverName: string;
  readonly federationUrl: URL;
  readonly ca: string | undefined;
}

/** Where the peer's user stands in a room: what its next event is built on. */
export interface Seat {
  readonly roomId: string;
  readonly userId: string;
  readonly authEvents: readonly string[];
  readonly joinId: string;
  readonly depth: number;
}

const DAY_MS = 24 * 3600_000;

export async function startPeer({ cert, key: tlsKey }: Certificates): Promise<Peer> {
  const key = newKey();
  let serverName = "";
  let hosted: Answers | undefined;
  const server = createServer({ cert, key: tlsKey }, (request, response) => {
    if (hosted?.answer(request, response) === true) request.resume();
    else answer(request, response, () => serverKeys(serverName, key));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  serverName = `localhost:${typeof address === "object" && address ? address.port : 0}`;

  function authorization({ method, uri, destination, content }: SignedRequest): string {
    const covered: ValueObject = { method, uri, origin: serverName, destination };
    if (content !== undefined) covered["content"] = content;
    const sig = signature(canonical(covered), key);
    return `X-Matrix origin="${serverName}",destination="${destination}",key="${key.id}",sig="${sig}"`;
  }

  return {
    serverName,
    key,
    authorization,
    signedPut(origin, destination, uri, content) {
      const header = authorization({ method: "PUT", uri, destination, content });
      const body = JSON.stringify(content);
      return Buffer.from(requestText(origin, "PUT", uri, { authorization: header, body }));
    },
    async join(where, roomId, localpart) {
      const api = createApi(where.federationUrl, where.ca);
      try {
        const userId = `@${localpart}:${serverName}`;
        return await join(api, where.serverName, roomId, userId, {
          serverName,
          key,
          authorization,
        });
      } finally {
        api.close();
      }
    },
    host(answers) {
      hosted = answers;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

type Self = Pick<Peer, "serverName" | "key" | "authorization">;

async function join(
  api: Api,
  destination: string,
  roomId: string,
  userId: string,
  self: Self,
): Promise<Seat> {
  const place = `${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}`;
  const ask = `/_matrix/federation/v1/make_join/${place}?ver=11&ver=12`;
  const asked = self.authorization({ method: "GET", uri: ask, destination });
  const { event: template } = await api.call({ path: ask, authorization: asked });
  const { id, pdu } = seal(
    { ...template, origin_server_ts: Date.now() },
    self.serverName,
    self.key,
  );

  const uri = `/_matrix/federation/v2/send_join/${encodeURIComponent(roomId)}/${id}`;
  const authorization = self.authorization({ method: "PUT", uri, destination, content: pdu });
  const sent = await api.call({ method: "PUT", path: uri, authorization, body: pdu });

  const state = sent.state as ValueObject[];
  const ofType = (type: string) => state.find((event) => event["type"] === type);
  // From version 12 on the room's id is the create event's, and auth_events leave it out.
  const create = roomId.includes(":") ? ofType("m.room.create") : undefined;
  const authEvents = [create, ofType("m.room.power_levels")].flatMap((event) =>
    event ? [idOf(event)] : [],
  );
  return {
    roomId,
    userId,
    authEvents: [...authEvents, id],
    joinId: id,
    depth: pdu["depth"] as number,
  };
}

function serverKeys(serverName: string, key: PeerKey): ValueObject {
  const object: ValueObject = {
    server_name: serverName,
    valid_until_ts: Date.now() + DAY_MS,
    verify_keys: { [key.id]: { key: key.publicKey } },
    old_verify_keys: {},
  };
  return signed(object, serverName, key);
}

/** Keys are served, transactions swallowed; of anything else there is nothing. */
function answer(request: IncomingMessage, response: ServerResponse, keys: () => ValueObject): void {
  request.resume();
  const url = request.url ?? "";
  const body = url.startsWith("/_matrix/key/v2/server")
    ? keys()
    : url.startsWith("/_matrix/federation/v1/send/")
      ? { pdus: {} }
      : undefined;
  const text = JSON.stringify(body ?? { errcode: "M_NOT_FOUND", error: "There is nothing here" });
  response.writeHead(body ? 200 : 404, { "content-type": "application/json" }).end(text);
}
