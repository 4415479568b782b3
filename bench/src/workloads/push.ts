import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createConnection, requestText } from "../load/connection.ts";
import { type Api, createApi } from "../matrix/api.ts";
import { createRoom, roomPath } from "../matrix/rooms.ts";
import { registerUsers, type User } from "../matrix/users.ts";
import { type Context, loopFigures, measuredLoop, type Result, type Workload } from "./workload.ts";

const MEMBERS = 500;
const PUSHERS = 3;
const WITHIN_MS = 30_000;

/** One message after another, in a room of few and one of many: until three members' gateways have it. */
export const push: Workload = {
  name: "push",
  about: "from a send to the push gateway of three members, in rooms of 4 and of 500",
  async run(context) {
    const api = createApi(context.target.url);
    const gateway = await startGateway();
    const users = await registerUsers(api, Math.max(context.settings.clients || MEMBERS, 8));
    try {
      const results: Result[] = [];
      for (const members of [users.slice(0, PUSHERS + 1), users]) {
        results.push(await sends(context, api, gateway, members));
      }
      return results;
    } finally {
      await gateway.close();
      api.close();
    }
  },
};

type Gateway = Awaited<ReturnType<typeof startGateway>>;

/** Counts what comes, by the messages' numbers. */
async function startGateway() {
  const come = new Map<string, number>();
  let told = () => {};
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { content } = JSON.parse(body).notification;
      if (content?.body !== undefined) come.set(content.body, (come.get(content.body) ?? 0) + 1);
      told();
      response.writeHead(200, { "content-type": "application/json" }).end('{"rejected":[]}');
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/_matrix/push/v1/notify`,
    come,
    /** Resolves when a message has come so often. */
    async all(message: string, times: number): Promise<void> {
      const late = AbortSignal.timeout(WITHIN_MS);
      while ((come.get(message) ?? 0) < times) {
        late.throwIfAborted();
        await new Promise<void>((resolve) => {
          told = resolve;
          late.addEventListener("abort", () => resolve(), { once: true });
        });
      }
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

async function setPusher(api: Api, { token, userId }: User, url: string): Promise<void> {
  const pusher = { kind: "http", app_id: "org.example.bench", pushkey: userId, lang: "en" };
  const names = { app_display_name: "bench", device_display_name: "bench" };
  const body = { ...pusher, ...names, data: { url } };
  await api.call({ method: "POST", path: "/_matrix/client/v3/pushers/set", token, body });
}

async function sends(
  context: Context,
  api: Api,
  gateway: Gateway,
  members: readonly User[],
): Promise<Result> {
  const { target } = context;
  const [sender, ...others] = members as [User, ...User[]];
  for (const user of others.slice(0, PUSHERS)) await setPusher(api, user, gateway.url);
  const roomId = await createRoom(api, sender, others);
  const connection = createConnection(target.url);
  const authorization = `Bearer ${sender.token}`;
  const sent: string[] = [];
  const before = await target.countRows?.();
  const loop = await measuredLoop(context, {
    lanes: 1,
    async operate() {
      const message = `${roomId} ${sent.length}`;
      sent.push(message);
      const path = `${roomPath(roomId)}/send/m.room.message/${sent.length}`;
      const body = JSON.stringify({ msgtype: "m.text", body: message });
      const answered = connection.exchange(
        requestText(target.url, "PUT", path, { authorization, body }),
      );
      await Promise.all([answered, gateway.all(message, PUSHERS)]);
      const { status, body: reply } = await answered;
      if (status !== 200) throw new Error(`${status} ${reply.toString()}`);
      return 1;
    },
  });
  connection.close();
  const after = await target.countRows?.();
  const twice = sent.filter((message) => (gateway.come.get(message) ?? 0) > PUSHERS).length;
  const rows = before === undefined ? undefined : (after! - before) / sent.length;
  return {
    ...{ workload: "push", target: target.name, cell: `a room of ${members.length}` },
    ...{ unit: "message", ...loopFigures(loop) },
    wrong: twice === 0 ? undefined : `${twice} of ${sent.length} came twice`,
    note: rows === undefined ? "" : `${rows.toFixed(2)} rows a message`,
  };
}
