import type { IncomingMessage, ServerResponse } from "node:http";
import { createConnection, requestText } from "../load/connection.ts";
import { parallel, range } from "../load/parallel.ts";
import { type Answer, type Api, createApi } from "../matrix/api.ts";
import { type User, registerUsers, serverNameOf } from "../matrix/users.ts";
import { type Peer, startPeer } from "../peer/peer.ts";
import { type Context, type Result, type Workload, loopFigures, measuredLoop } from "./workload.ts";

const CLIENTS = 50;
/** As the key of a room goes out: to some devices of several users in one request. */
const SHAPES = [1, 20];
/** About what a room key takes when it is encrypted for a device. */
const BODY = "x".repeat(900);
const DRAIN_MS = 120_000;
const TYPE = "m.room.encrypted";
/** EDUs in a transaction: the most that the protocol allows. */
const IN_TRANSACTION = 100;
/** Signed before the clock starts. */
const TRANSACTIONS = 1_500;

/** Messages to devices: of the own server until each was synced, and to and from another server until it arrived. */
export const toDevice: Workload = {
  name: "to-device",
  about: "50 clients send messages to devices: own server, one and 20 a request; out; in",
  async run(context) {
    const api = createApi(context.target.url);
    const registered = await registerUsers(api, context.settings.clients || CLIENTS);
    const users = await parallel(registered, 8, async (user) => {
      const seat = { ...user, since: undefined };
      await drain(api, seat, newCount());
      return seat;
    });
    const peer = await startPeer(context.certificates);
    try {
      const results: Result[] = [];
      for (const many of SHAPES) results.push(await toOwn(context, api, users, many));
      results.push(await toPeer(context, users, peer));
      results.push(await fromPeer(context, api, users, peer));
      return results;
    } finally {
      await peer.close();
      api.close();
    }
  },
};

/** A user who syncs: from where on. */
interface Seat extends User {
  since: string | undefined;
}

/** What was sent, and how often each came. */
interface Count {
  sent: number;
  readonly come: Map<number, number>;
}

const newCount = (): Count => ({ sent: 0, come: new Map() });

function book({ come }: Count, number: number): void {
  come.set(number, (come.get(number) ?? 0) + 1);
}

function wrongIn({ sent, come }: Count): string | undefined {
  const twice = [...come.values()].filter((times) => times > 1).length;
  if (come.size === sent && twice === 0) return undefined;
  return `${sent - come.size} of ${sent} never came, ${twice} twice`;
}

interface Sending {
  readonly context: Context;
  readonly users: readonly User[];
  /** The content of each message beside its number, for the lane's n-th request. */
  recipients(lane: number, turn: number): readonly (readonly [string, string])[];
  readonly count: Count;
  settle(): Promise<void>;
}

/** Each client sends its next request when the one before is answered. */
async function send(name: string, { context, users, recipients, count, settle }: Sending) {
  const { url } = context.target;
  const run = `${name}.${Date.now()}`;
  const lanes = users.map(({ token }) => ({
    connection: createConnection(url),
    authorization: `Bearer ${token}`,
    turn: 0,
  }));
  const loop = await measuredLoop(context, {
    lanes: lanes.length,
    async operate(number) {
      const lane = lanes[number]!;
      const turn = lane.turn++;
      const to = recipients(number, turn);
      const first = count.sent;
      count.sent += to.length;
      const messages: Record<string, Record<string, object>> = {};
      for (const [index, [userId, deviceId]] of to.entries())
        (messages[userId] ??= {})[deviceId] = { bench: first + index, body: BODY };
      const path = `/_matrix/client/v3/sendToDevice/${TYPE}/${run}.${number}.${turn}`;
      const { authorization } = lane;
      const body = JSON.stringify({ messages });
      const reply = await lane.connection.exchange(
        requestText(url, "PUT", path, { authorization, body }),
      );
      if (reply.status !== 200) throw new Error(`${reply.status} ${reply.body.toString()}`);
      return to.length;
    },
    settle,
  });
  for (const { connection } of lanes) connection.close();
  return loop;
}

/** The clock stops when every device has synced all that it was sent. */
async function toOwn(
  context: Context,
  api: Api,
  users: readonly Seat[],
  many: number,
): Promise<Result> {
  const count = newCount();
  const settle = async () => {
    await parallel(users, 8, (user) => drain(api, user, count));
  };
  const loop = await send(`own${many}`, {
    context,
    users,
    count,
    settle,
    recipients: (lane, turn) =>
      range(many).map((index) => {
        const { userId, deviceId } = users[(lane + turn + 1 + index) % users.length]!;
        return [userId, deviceId];
      }),
  });
  return result(context, `own server, ${many} a request`, loop, wrongIn(count));
}

/** Syncs until nothing more comes. */
async function drain(api: Api, seat: Seat, count: Count): Promise<void> {
  for (;;) {
    const place = seat.since === undefined ? "" : `&since=${encodeURIComponent(seat.since)}`;
    const path = `/_matrix/client/v3/sync?timeout=0${place}`;
    const answer: Answer = await api.call({ path, token: seat.token });
    const events: Answer[] = answer.to_device?.events ?? [];
    for (const { content } of events) book(count, content.bench);
    seat.since = answer.next_batch as string;
    if (events.length === 0) return;
  }
}

/** To devices of another server. The clock stops when its transactions have brought all of them. */
async function toPeer(context: Context, users: readonly User[], peer: Peer): Promise<Result> {
  const count = newCount();
  let transactions = 0;
  peer.host({
    answer(request, response) {
      if (!(request.url ?? "").startsWith("/_matrix/federation/v1/send/")) return false;
      transactions++;
      void take(request, response, count);
      return true;
    },
  });
  const loop = await send("out", {
    context,
    users,
    count,
    settle: () => until(() => count.come.size >= count.sent),
    recipients: (lane, turn) => [[`@${lane}:${peer.serverName}`, `DEVICE${turn % 10}`]],
  });
  const note = `${transactions} transactions`;
  return result(context, "to another server, 1 a request", loop, wrongIn(count), note);
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  count: Count,
): Promise<void> {
  let text = "";
  for await (const part of request) text += String(part);
  for (const { edu_type: type, content } of JSON.parse(text).edus ?? []) {
    if (type !== "m.direct_to_device") continue;
    for (const devices of Object.values<Answer>(content.messages))
      for (const message of Object.values<Answer>(devices)) book(count, message.bench);
  }
  response.writeHead(200, { "content-type": "application/json" }).end('{"pdus":{}}');
}

/** Transactions of a hundred EDUs each, one at a time. The clock stops when every device has synced its own. */
async function fromPeer(
  context: Context,
  api: Api,
  users: readonly Seat[],
  peer: Peer,
): Promise<Result> {
  const { target } = context;
  const count = newCount();
  const destination = serverNameOf(users[0]!);
  const run = Date.now();
  const transactions = range(TRANSACTIONS).map((number) => {
    const edus = range(IN_TRANSACTION).map((index) => {
      const bench = number * IN_TRANSACTION + index;
      const { userId, deviceId } = users[bench % users.length]!;
      const messages = { [userId]: { [deviceId]: { bench, body: BODY } } };
      const sender = `@sender:${peer.serverName}`;
      const content = { sender, type: TYPE, message_id: `${run}.${bench}`, messages };
      return { edu_type: "m.direct_to_device", content };
    });
    const body = { origin: peer.serverName, origin_server_ts: run, pdus: [], edus };
    const path = `/_matrix/federation/v1/send/${run}.${number}`;
    return peer.signedPut(target.federationUrl, destination, path, body);
  });
  const connection = createConnection(target.federationUrl, { ca: target.ca });
  const loop = await measuredLoop(context, {
    lanes: 1,
    warmUpSeconds: 0,
    async operate() {
      const bytes = transactions[count.sent / IN_TRANSACTION];
      if (bytes === undefined) return 0;
      const { status, body } = await connection.exchange(bytes);
      if (status !== 200) throw new Error(`transaction: ${status} ${body.toString()}`);
      count.sent += IN_TRANSACTION;
      return IN_TRANSACTION;
    },
    settle: async () => {
      await until(async () => {
        await parallel(users, 8, (user) => drain(api, user, count));
        return count.come.size >= count.sent;
      });
    },
  });
  connection.close();
  return result(context, "from another server, 100 a transaction", loop, wrongIn(count));
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (!(await isSo()) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

function result(
  { target }: Context,
  cell: string,
  loop: Parameters<typeof loopFigures>[0],
  wrong: string | undefined,
  note = "",
): Result {
  const shared = { workload: "to-device", target: target.name, cell, unit: "message" };
  return { ...shared, ...loopFigures(loop), wrong, note };
}
