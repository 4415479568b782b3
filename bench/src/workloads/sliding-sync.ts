import { createConnection, requestText } from "../load/connection.ts";
import { parallel, range } from "../load/parallel.ts";
import { createApi } from "../matrix/api.ts";
import { createRoom, roomPath } from "../matrix/rooms.ts";
import { registerUsers } from "../matrix/users.ts";
import { loopFigures, measuredLoop, type Result, type Workload } from "./workload.ts";

const ROOMS = 4000;
const PATH = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
/** Rooms that are on a screen. */
const SHOWN = 20;

/** What Element X asks of its list of rooms. */
const WANTED = {
  timeline_limit: 1,
  required_state: [
    ["m.room.name", ""],
    ["m.room.encryption", ""],
    ["m.room.member", "$LAZY"],
    ["m.room.member", "$ME"],
    ["m.room.create", ""],
    ["m.room.power_levels", ""],
  ],
  filters: { not_room_types: ["m.space"] },
};
const EXTENSIONS = { account_data: {}, receipts: {}, typing: {}, to_device: {}, e2ee: {} };

/** A user in thousands of rooms: the first answer, and what a message brings. */
export const slidingSync: Workload = {
  name: "sliding-sync",
  about: "a user in 4,000 rooms: first answers of 20 rooms, then of each message in one of all",
  async run(context) {
    const { target, settings, say } = context;
    const api = createApi(target.url);
    const count = settings.rooms || ROOMS;
    const [owner, reader] = await registerUsers(api, 2);
    say(`sliding-sync: filling ${count} rooms`);
    const rooms = await parallel(range(count), 8, (number) =>
      createRoom(api, owner!, [reader!], {
        state: [{ type: "m.room.name", state_key: "", content: { name: `Room ${number}` } }],
      }),
    );
    const connection = createConnection(target.url);
    const ask = async (last: number, connId: string, pos?: string) => {
      const query = pos === undefined ? "" : `?timeout=0&pos=${encodeURIComponent(pos)}`;
      const extensions = Object.fromEntries(
        Object.keys(EXTENSIONS).map((name) => [name, { enabled: true }]),
      );
      const lists = { all: { ...WANTED, ranges: [[0, last]] } };
      const body = JSON.stringify({ conn_id: connId, lists, extensions });
      const authorization = `Bearer ${reader!.token}`;
      const reply = await connection.exchange(
        requestText(target.url, "POST", PATH + query, { authorization, body }),
      );
      if (reply.status !== 200) throw new Error(`sliding sync: ${reply.status}`);
      return { bytes: reply.body.length, answer: JSON.parse(reply.body.toString()) as Answer };
    };

    const results: Result[] = [];
    let [bytes, wrongs] = [0, 0];
    const add = async (cell: string, note: () => string, operate: Operate) => {
      wrongs = 0;
      const loop = await measuredLoop(context, {
        lanes: 1,
        warmUpSeconds: Math.min(1, settings.warmUpSeconds),
        async operate(_lane, startNow) {
          if (!(await operate(startNow))) wrongs += 1;
          return 1;
        },
      });
      const wrong = wrongs > 0 ? `${wrongs} answers lacked rooms or messages` : undefined;
      const shared = { workload: "sliding-sync", target: target.name, cell };
      results.push({ ...shared, unit: "sync", ...loopFigures(loop), wrong, note: note() });
    };
    const before = performance.now();
    await ask(SHOWN - 1, "first");
    const cold = (performance.now() - before).toFixed(0);
    const noteOfFirst = () =>
      `${(bytes / 1e3).toFixed(0)} kB an answer; the very first in ${cold} ms`;
    await add(`first of ${count} rooms`, noteOfFirst, async () => {
      const first = await ask(SHOWN - 1, "first");
      bytes = first.bytes;
      return Object.keys(first.answer.rooms).length === Math.min(SHOWN, count);
    });
    let { pos } = (await ask(SHOWN - 1, "all")).answer;
    const began = performance.now();
    let told = SHOWN;
    for (let last = SHOWN; told < count && last < count + SHOWN; last = Math.min(2 * last, count)) {
      const grown = await ask(last, "all", pos);
      told += Object.keys(grown.answer.rooms).length;
      pos = grown.answer.pos;
      if (last === count) break;
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    let sent = 0;
    const noteOfNews = () => `all rooms in ${seconds} s before; the CPU is that of the sends, too`;
    await add(`a message in ${count} rooms`, noteOfNews, async (startNow) => {
      const roomId = rooms[sent % rooms.length]!;
      const { event_id: id } = await api.call({
        method: "PUT",
        path: `${roomPath(roomId)}/send/m.room.message/sliding.${sent++}`,
        token: owner!.token,
        body: { msgtype: "m.text", body: "news" },
      });
      startNow();
      const news = await ask(count, "all", pos);
      pos = news.answer.pos;
      const timeline = news.answer.rooms[roomId]?.timeline ?? [];
      return timeline.some((event) => event.event_id === id);
    });
    connection.close();
    api.close();
    return results;
  },
};

interface Answer {
  readonly pos: string;
  readonly rooms: Record<string, { readonly timeline?: readonly { event_id: string }[] }>;
}

type Operate = (startNow: () => void) => Promise<boolean>;
