import { setTimeout as sleep } from "node:timers/promises";
import { parallel, range } from "../load/parallel.ts";
import { createRecorder } from "../load/latencies.ts";
import { openSyncingSocket, type SyncingSocket } from "../load/socket.ts";
import { type Api, createApi } from "../matrix/api.ts";
import { createRoom, roomPath } from "../matrix/rooms.ts";
import { registerUsers, type User } from "../matrix/users.ts";
import { type MemoryUse, memoryOf } from "../targets/processes.ts";
import { type Context, type Result, type Workload, observe } from "./workload.ts";

const SOCKETS = 5_000;
const IN_A_ROOM = 50;
const OPENINGS_AT_ONCE = 50;
/** As the web client asks. */
const FILTER = JSON.stringify({
  room: {
    state: { lazy_load_members: true },
    timeline: { limit: 20, lazy_load_members: true },
    include_leave: false,
  },
});
const LAST_ARRIVALS_MS = 30_000;

/** Weft's own: other servers have no such sockets. */
export const sockets: Workload = {
  name: "sockets",
  about: "5,000 users sync over sockets and nothing happens: memory; then a message in each room",
  async run(context) {
    const { target, settings, say } = context;
    const api = createApi(target.url);
    const users = await registerUsers(api, settings.clients || SOCKETS);
    const rooms = range(Math.ceil(users.length / IN_A_ROOM)).map((number) =>
      users.slice(number * IN_A_ROOM, (number + 1) * IN_A_ROOM),
    );
    const roomIds = await parallel(rooms, 2, (members) =>
      createRoom(api, members[0]!, members.slice(1)),
    );
    say(`${users.length} users in ${rooms.length} rooms`);
    await sleep(settings.idleSeconds * 1000);
    const before = memoryOf(target.pids).server;
    const started = performance.now();
    const opened = await parallel(users, OPENINGS_AT_ONCE, ({ token }) =>
      openSyncingSocket(target.url, token, FILTER),
    );
    const openSeconds = (performance.now() - started) / 1000;
    say(`${opened.length} sockets sync after ${openSeconds.toFixed(1)} s`);
    const results = [
      await idle(context, opened, before, openSeconds),
      await messages(context, api, rooms, roomIds, opened),
    ];
    for (const socket of opened) socket.close();
    api.close();
    return results;
  },
};

async function idle(
  context: Context,
  opened: readonly SyncingSocket[],
  before: MemoryUse,
  openSeconds: number,
): Promise<Result> {
  const { target, settings } = context;
  const end = await observe(context);
  await sleep(settings.idleSeconds * 1000);
  const use = await end();
  const { server, database } = memoryOf(target.pids);
  const each = (server.rss - before.rss) / opened.length;
  return {
    workload: "sockets",
    target: target.name,
    cell: `${opened.length}, ${settings.idleSeconds} s idle`,
    unit: "second",
    units: settings.idleSeconds,
    seconds: use.seconds,
    latencies: undefined,
    use,
    memory: { server, database },
    errors: 0,
    firstError: undefined,
    wrong: undefined,
    note:
      `server's RSS ${mib(before.rss)} MiB before, ${mib(server.rss)} MiB with them: ` +
      `${(each / 1024).toFixed(1)} KiB each; opened within ${openSeconds.toFixed(1)} s`,
  };
}

/** A message in each room: every member must be pushed it once. */
async function messages(
  context: Context,
  api: Api,
  rooms: readonly (readonly User[])[],
  roomIds: readonly string[],
  opened: readonly SyncingSocket[],
): Promise<Result> {
  const latencies = createRecorder();
  const sentAt = new Map<string, number>();
  const seen = opened.map(() => 0);
  let deliveries = 0;
  for (const [index, socket] of opened.entries()) {
    const roomId = roomIds[Math.floor(index / IN_A_ROOM)]!;
    socket.onBatch = (text) => {
      const count = text.split('"bench sockets"').length - 1;
      if (count === 0) return;
      seen[index]! += count;
      deliveries += count;
      latencies.record(performance.now() - sentAt.get(roomId)!);
    };
  }
  const end = await observe(context);
  const start = performance.now();
  await parallel(roomIds, 4, async (roomId, index) => {
    sentAt.set(roomId, performance.now());
    await api.call({
      method: "PUT",
      path: `${roomPath(roomId)}/send/m.room.message/sockets`,
      token: rooms[index]![0]!.token,
      body: { msgtype: "m.text", body: "bench sockets" },
    });
  });
  const deadline = performance.now() + LAST_ARRIVALS_MS;
  while (deliveries < opened.length && performance.now() < deadline) await sleep(5);
  const use = await end();
  const [missing, doubled] = [seen.filter((n) => n === 0).length, seen.filter((n) => n > 1).length];
  return {
    workload: "sockets",
    target: context.target.name,
    cell: `${roomIds.length} messages, ${opened.length} sockets`,
    unit: "delivery",
    units: deliveries,
    seconds: (performance.now() - start) / 1000,
    latencies: latencies.summary(),
    use,
    memory: undefined,
    errors: 0,
    firstError: undefined,
    wrong: missing + doubled > 0 ? `${missing} not seen, ${doubled} seen twice` : undefined,
    note: "",
  };
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
