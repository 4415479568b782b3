import { type Connection, createConnection, requestText } from "../load/connection.ts";
import { parallel, range } from "../load/parallel.ts";
import { type Api, createApi } from "../matrix/api.ts";
import { createRoom, roomPath } from "../matrix/rooms.ts";
import { type User, registerUsers } from "../matrix/users.ts";
import { type Member, firstSync, syncPath } from "./members.ts";
import { type Context, type Result, type Workload, loopFigures, measuredLoop } from "./workload.ts";

const ROOMS = 2;
const MEMBERS = 50;
const LANES_OF_ROOM = 8;

/**
 * Rounds: one message is sent to a room, then each of its members asks `/sync?timeout=0` from the token
 * before it and must get just that message. The rooms go round on their own, so that sends (one for
 * fifty syncs) and syncs overlap. The send's cost is in the figures.
 */
export const syncIncremental: Workload = {
  name: "sync-incremental",
  about: "incremental syncs with one event each, users behind a fresh message",
  async run(context) {
    const { target, settings } = context;
    const rooms = settings.rooms || ROOMS;
    const members = settings.clients || MEMBERS;
    const api = createApi(target.url);
    const users = await registerUsers(api, rooms * members);
    const circles = await parallel(range(rooms), 4, (number) =>
      openCircle(api, target.url, users.slice(number * members, (number + 1) * members)),
    );
    const result = await sync(context, circles, `${rooms} rooms of ${members}`);
    for (const circle of circles) circle.close();
    api.close();
    return [result];
  },
};

interface Circle {
  readonly members: readonly Member[];
  /** Sends the next round's message. */
  advance(): Promise<string>;
  readonly connections: readonly Connection[];
  close(): void;
}

async function openCircle(api: Api, url: URL, users: readonly User[]): Promise<Circle> {
  const [owner] = users;
  const roomId = await createRoom(api, owner!, users.slice(1));
  const members = await parallel(users, 4, (user) => firstSync(api, user));
  const connections = range(LANES_OF_ROOM).map(() => createConnection(url));
  let count = 0;
  return {
    members,
    connections,
    async advance() {
      const { event_id: id } = await api.call({
        method: "PUT",
        path: `${roomPath(roomId)}/send/m.room.message/round.${count++}`,
        token: owner!.token,
        body: { msgtype: "m.text", body: `round ${count} ${"x".repeat(500)}` },
      });
      return id;
    },
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

/** How many syncs did not hold just the round's message. */
interface Wrongs {
  count: number;
}

async function sync(context: Context, circles: readonly Circle[], cell: string): Promise<Result> {
  const { target } = context;
  const wrongs: Wrongs = { count: 0 };
  const lanes = circles.flatMap((circle) => {
    const round = createRound(circle);
    return circle.connections.map((connection) => ({ connection, round }));
  });
  const loop = await measuredLoop(context, {
    lanes: lanes.length,
    async operate(lane, startNow) {
      const { connection, round } = lanes[lane]!;
      const { member, eventId, done } = await round.next();
      startNow();
      try {
        await syncOnce(connection, target.url, member, eventId, wrongs);
      } finally {
        done();
      }
      return 1;
    },
  });
  const wrong = wrongs.count > 0 ? `${wrongs.count} syncs held something else` : undefined;
  const shared = { workload: "sync-incremental", target: target.name, cell, unit: "sync" };
  return { ...shared, ...loopFigures(loop), wrong, note: "" };
}

async function syncOnce(
  connection: Connection,
  url: URL,
  member: Member,
  eventId: string,
  wrongs: Wrongs,
): Promise<void> {
  const { status, body } = await connection.exchange(
    requestText(url, "GET", syncPath(member, 0), { authorization: member.authorization }),
  );
  const text = body.toString();
  if (status !== 200) throw new Error(`sync: ${status} ${text.slice(0, 200)}`);
  // Cheaper than parsing: the token, the message's id, and no second message.
  const batch = /"next_batch":"([^"]+)"/.exec(text)?.[1];
  if (batch === undefined) throw new Error(`sync: no next_batch in ${text.slice(0, 200)}`);
  member.since = batch;
  const messages = text.match(/"type":"m\.room\.message"/g)?.length;
  if (messages !== 1 || !text.includes(eventId)) wrongs.count++;
}

interface Turn {
  readonly member: Member;
  readonly eventId: string;
  done(): void;
}

/** Hands out the circle's members one by one; when all are done, the next message is sent. */
function createRound(circle: Circle): { next(): Promise<Turn> } {
  const { members } = circle;
  let [given, finished] = [members.length, members.length];
  let sending: Promise<string> | undefined;
  let waiting: (() => void)[] = [];

  function done(): void {
    if (++finished < members.length) return;
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  }

  return {
    async next() {
      for (;;) {
        if (given === members.length) {
          if (finished < members.length) {
            await new Promise<void>((resolve) => waiting.push(resolve));
            continue;
          }
          [given, finished] = [0, 0];
          sending = circle.advance();
        }
        const member = members[given++]!;
        return { member, eventId: await sending!, done };
      }
    },
  };
}
