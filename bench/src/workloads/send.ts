import { createConnection, requestText } from "../load/connection.ts";
import { parallel, range } from "../load/parallel.ts";
import { type Api, createApi } from "../matrix/api.ts";
import { createRoom, discrepancy, roomPath, timelineOf } from "../matrix/rooms.ts";
import { type User, registerUsers } from "../matrix/users.ts";
import { type Context, type Result, type Workload, loopFigures, measuredLoop } from "./workload.ts";

interface Shape {
  readonly name: string;
  readonly about: string;
  readonly rooms: number;
  readonly clients: number;
}

const BODY = "x".repeat(500);
const ROOMS_AT_ONCE = 8;

/** Every client sends 500-byte messages, each when the one before is acknowledged. */
function sendWorkload(shape: Shape): Workload {
  const { name } = shape;
  return {
    name,
    about: shape.about,
    async run(context) {
      const { target, settings } = context;
      const api = createApi(target.url);
      const rooms = shape.rooms === 1 ? 1 : settings.rooms || shape.rooms;
      const clients = settings.clients || shape.clients;
      const users = await registerUsers(api, Math.max(rooms, Math.min(clients, shape.clients)));
      const places = await openRooms(api, users, rooms, clients);
      try {
        return [await send(context, name, api, places)];
      } finally {
        api.close();
      }
    },
  };
}

interface Place {
  readonly user: User;
  readonly owner: User;
  readonly roomId: string;
}

/** A seat for each client; clients go round the rooms. */
async function openRooms(
  api: Api,
  users: readonly User[],
  rooms: number,
  clients: number,
): Promise<Place[]> {
  const seats = range(clients).map((client) => ({
    user: users[client % users.length]!,
    room: client % rooms,
  }));
  const ids = await parallel(range(rooms), ROOMS_AT_ONCE, (room) => {
    const owner = users[room]!;
    const members = new Set(seats.filter((seat) => seat.room === room).map(({ user }) => user));
    members.delete(owner);
    return createRoom(api, owner, [...members]);
  });
  return seats.map(({ user, room }) => ({ user, owner: users[room]!, roomId: ids[room]! }));
}

/** `urls`: clients send to one after another of these. */
async function send(
  context: Context,
  name: string,
  api: Api,
  places: readonly Place[],
  urls: readonly URL[] = [context.target.url],
): Promise<Result> {
  const { target, say } = context;
  const acknowledged = new Map<string, Set<string>>();
  for (const { roomId } of places) acknowledged.set(roomId, new Set());
  const lanes = places.map((place, index) => {
    const url = urls[index % urls.length]!;
    const connection = createConnection(url);
    const path = `${roomPath(place.roomId)}/send/m.room.message/`;
    const authorization = `Bearer ${place.user.token}`;
    let count = 0;
    const next = () => {
      const body = `{"msgtype":"m.text","body":"${index}.${count} ${BODY}"}`;
      return requestText(url, "PUT", `${path}${name}.${index}.${count++}`, {
        authorization,
        body,
      });
    };
    return { connection, next, ids: acknowledged.get(place.roomId)! };
  });

  const loop = await measuredLoop(context, {
    lanes: lanes.length,
    async operate(lane) {
      const { connection, next, ids } = lanes[lane]!;
      const { status, body } = await connection.exchange(next());
      const text = body.toString("latin1");
      if (status !== 200) throw new Error(`send: ${status} ${text.slice(0, 200)}`);
      ids.add(JSON.parse(text).event_id);
      return 1;
    },
  });
  for (const { connection } of lanes) connection.close();
  say(`${name}: checking`);
  const owners = new Map(places.map(({ roomId, owner }) => [roomId, owner]));
  const found = await parallel([...acknowledged], 4, async ([roomId, ids]) =>
    discrepancy(ids, await timelineOf(api, owners.get(roomId)!, roomId)),
  );
  const wrong = found.find((text) => text !== undefined);
  const through = urls.length === 1 ? "" : `, ${urls.length} replicas`;
  const cell = `${places.length} clients, ${acknowledged.size} rooms${through}`;
  const shared = { workload: name, target: target.name, cell, unit: "send" };
  return { ...shared, ...loopFigures(loop), wrong, note: "" };
}

export const sendOneRoom = sendWorkload({
  name: "send-one-room",
  about: "50 clients send 500-byte messages in one room",
  rooms: 1,
  clients: 50,
});

export const sendFiftyRooms = sendWorkload({
  name: "send-fifty-rooms",
  about: "100 clients send 500-byte messages in 50 rooms",
  rooms: 50,
  clients: 100,
});

/** The same room through one replica and through two: what the second costs, since they write to it in turns. */
export const sendReplicas: Workload = {
  name: "send-replicas",
  about: "20 clients send to one room, through one replica and half through each of two",
  async run(context) {
    const { target, settings } = context;
    const { secondUrl } = target;
    if (secondUrl === undefined) {
      context.say("send-replicas: left out, as the target is one process (see --target replicas:)");
      return [];
    }
    const api = createApi(target.url);
    try {
      const clients = settings.clients || 20;
      const users = await registerUsers(api, clients);
      const places = await openRooms(api, users, 1, clients);
      const one = await send(context, "send-one-replica", api, places);
      const both = await send(context, "send-replicas", api, places, [target.url, secondUrl]);
      const ratio = both.units / both.seconds / (one.units / one.seconds);
      const note = `${Math.round(ratio * 100)} % of the rate through one replica`;
      return [
        { ...one, workload: this.name },
        { ...both, note },
      ];
    } finally {
      api.close();
    }
  },
};
