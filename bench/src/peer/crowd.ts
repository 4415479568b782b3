import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import { type Server, createServer } from "node:net";
import { CROWD_ADDRESSES, CROWD_NAMES, type Certificates } from "../targets/certificates.ts";
import { type SealedEvent, type Value, type ValueObject, newKey, seal, signed } from "./events.ts";

/** Many homeservers in name, all of this process and with one key, in rooms of a few each. */
export interface Crowd {
  readonly rooms: readonly CrowdRoom[];
  readonly servers: readonly string[];
  /** Called with what each transaction brings. */
  watch(received: (server: string, edus: readonly ValueObject[]) => void): void;
  close(): Promise<void>;
}

interface CrowdRoom {
  readonly roomId: string;
  /** Who it can be joined through. */
  readonly via: string;
}

interface Room extends CrowdRoom {
  readonly state: readonly SealedEvent[];
  readonly authEvents: readonly string[];
}

const VERSION = "11";
const DAY_MS = 24 * 3600_000;

/** Rooms of which each has `each` servers that no other has. */
export async function startCrowd(
  { crowd }: Certificates,
  counts: { readonly rooms: number; readonly each: number },
): Promise<Crowd> {
  const key = newKey();
  const https = crowd.map((pair) =>
    createHttps(pair, (request, response) => void answer(request, response)),
  );
  const addresses = CROWD_ADDRESSES.slice(0, counts.rooms * counts.each);
  const listeners: Server[] = [];
  let port = 0;
  for (const [number, address] of addresses.entries()) {
    const server = https[Math.floor(number / CROWD_NAMES)]!;
    const listener = createServer((socket) => server.emit("connection", socket));
    listener.listen(port, address);
    await once(listener, "listening");
    port = (listener.address() as { port: number }).port;
    listeners.push(listener);
  }
  const servers = addresses.map((address) => `${address}:${port}`);
  const rooms = Array.from({ length: counts.rooms }, (_, number) =>
    makeRoom(servers.slice(number * counts.each, (number + 1) * counts.each), number),
  );
  const byId = new Map(rooms.map((room) => [room.roomId, room]));
  let received: (server: string, edus: readonly ValueObject[]) => void = () => {};

  function makeRoom(members: readonly string[], number: number): Room {
    const [host] = members as [string];
    const owner = `@owner:${host}`;
    const roomId = `!crowd${number}x${Date.now()}:${host}`;
    const state: SealedEvent[] = [];
    const add = (
      [type, stateKey, content]: readonly [string, string, ValueObject],
      [sender, server]: readonly [string, string],
      auth: string[],
    ) => {
      const template: ValueObject = {
        ...{ type, state_key: stateKey, room_id: roomId, sender, content },
        depth: state.length + 1,
        origin_server_ts: Date.now(),
        prev_events: state.slice(-1).map(({ id }) => id),
        auth_events: auth,
      };
      state.push(seal(template, server, key));
      return state.at(-1)!.id;
    };
    const by = [owner, host] as const;
    const create = add(["m.room.create", "", { room_version: VERSION }], by, []);
    const joined = add(["m.room.member", owner, { membership: "join" }], by, [create]);
    const users = { users: { [owner]: 100 } };
    const levels = add(["m.room.power_levels", "", users], by, [create, joined]);
    const auth = [create, levels, joined];
    const rules = add(["m.room.join_rules", "", { join_rule: "public" }], by, auth);
    const encryption = { algorithm: "m.megolm.v1.aes-sha2" };
    add(["m.room.encryption", "", encryption], by, auth);
    const authEvents = [create, levels, rules];
    for (const server of members.slice(1)) {
      const member = `@member:${server}`;
      add(["m.room.member", member, { membership: "join" }], [member, server], authEvents);
    }
    return { roomId, via: host, state, authEvents };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const server = request.headers.host ?? "";
    const [path = ""] = (request.url ?? "").split("?");
    const body = await readBody(request);
    const found = contentFor(server, path.split("/").map(decodeURIComponent), body);
    const text = JSON.stringify(
      found ?? { errcode: "M_NOT_FOUND", error: "There is nothing here" },
    );
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" }).end(text);
  }

  function contentFor(
    server: string,
    [, , , version, call, first = "", second = ""]: readonly string[],
    body: string,
  ): ValueObject | undefined {
    const room = byId.get(first);
    switch (call) {
      case "server":
        return serverKeys(server);
      case "make_join":
        return room && template(room, second);
      case "send_join":
        return room && version === "v2" ? whole(room) : undefined;
      case "send": {
        const { edus = [] } = JSON.parse(body) as { edus?: ValueObject[] };
        received(server, edus);
        return { pdus: {} };
      }
      case "user":
        return first === "devices"
          ? { user_id: second, stream_id: 1, devices: [] }
          : { device_keys: {} };
      default:
        return undefined;
    }
  }

  function serverKeys(server: string): ValueObject {
    const object: ValueObject = {
      server_name: server,
      valid_until_ts: Date.now() + DAY_MS,
      verify_keys: { [key.id]: { key: key.publicKey } },
      old_verify_keys: {},
    };
    return signed(object, server, key);
  }

  return {
    rooms,
    servers,
    watch(listener) {
      received = listener;
    },
    async close() {
      const closed = listeners.map((listener) => once(listener.close(), "close"));
      for (const server of https) server.closeAllConnections();
      await Promise.all(closed);
    },
  };
}

function template({ roomId, state, authEvents }: Room, sender: string): ValueObject {
  const event: ValueObject = {
    ...{ type: "m.room.member", state_key: sender, sender, room_id: roomId },
    content: { membership: "join" },
    depth: state.length + 1,
    origin_server_ts: Date.now(),
    prev_events: [state.at(-1)!.id],
    auth_events: [...authEvents],
  };
  return { room_version: VERSION, event };
}

function whole({ state, via }: Room): ValueObject {
  const pdus: Value[] = state.map(({ pdu }) => pdu);
  return { origin: via, state: pdus, auth_chain: pdus.slice(0, 4), members_omitted: false };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
