import { createConnection, requestText } from "../load/connection.ts";
import { parallel, range } from "../load/parallel.ts";
import { createApi } from "../matrix/api.ts";
import { createRoom, roomPath } from "../matrix/rooms.ts";
import { registerUsers } from "../matrix/users.ts";
import { type Workload, loopFigures, measuredLoop } from "./workload.ts";

const ROOMS = 200;
/** Of each room, unless `--clients` says otherwise. */
const MEMBERS = 3;
const MESSAGES = 10;

/** One user after another's rooms: what a new device waits for. */
export const initialSync: Workload = {
  name: "initial-sync",
  about: "initial syncs, one at a time, of a user in 200 rooms of three members and ten messages",
  async run(context) {
    const { target, settings, say } = context;
    const api = createApi(target.url);
    const rooms = settings.rooms || ROOMS;
    const users = await registerUsers(api, settings.clients || MEMBERS);
    const [owner, ...others] = users;
    say(`initial-sync: filling ${rooms} rooms`);
    await parallel(range(rooms), 16, async () => {
      const roomId = await createRoom(api, owner!, others);
      for (const number of range(MESSAGES)) {
        await api.call({
          method: "PUT",
          path: `${roomPath(roomId)}/send/m.room.message/first.${number}`,
          token: users[number % users.length]!.token,
          body: { msgtype: "m.text", body: `${number} ${"x".repeat(500)}` },
        });
      }
    });

    const connection = createConnection(target.url);
    const authorization = `Bearer ${others[0]!.token}`;
    let [asked, bytes, wrongs] = [0, 0, 0];
    const loop = await measuredLoop(context, {
      lanes: 1,
      warmUpSeconds: Math.min(1, settings.warmUpSeconds),
      async operate() {
        // A filter that never was asked with before: no server answers from its last answer.
        const filter = {
          room: {
            timeline: { limit: 20, not_types: [`bench.${asked++}`] },
            state: { lazy_load_members: true },
          },
        };
        const path = `/_matrix/client/v3/sync?timeout=0&filter=${encodeURIComponent(JSON.stringify(filter))}`;
        const reply = await connection.exchange(
          requestText(target.url, "GET", path, { authorization }),
        );
        if (reply.status !== 200) throw new Error(`sync: ${reply.status}`);
        bytes = reply.body.length;
        if (!holds(reply.body.toString(), rooms)) wrongs++;
        return 1;
      },
    });
    connection.close();
    api.close();
    const wrong = wrongs > 0 ? `${wrongs} answers lacked rooms or messages` : undefined;
    const shared = {
      workload: "initial-sync",
      target: target.name,
      cell: `${rooms} rooms of ${users.length}`,
    };
    const note = `${(bytes / 1e6).toFixed(2)} MB an answer`;
    return [{ ...shared, unit: "sync", ...loopFigures(loop), wrong, note }];
  },
};

function holds(text: string, rooms: number): boolean {
  const messages = text.match(/"type":"m\.room\.message"/g)?.length ?? 0;
  return messages === rooms * MESSAGES;
}
