import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, requestText } from "../load/connection.ts";
import { type Recorder, createRecorder } from "../load/latencies.ts";
import { parallel, range } from "../load/parallel.ts";
import { type Answer, type Api, createApi } from "../matrix/api.ts";
import { createRoom, roomPath } from "../matrix/rooms.ts";
import { registerUsers } from "../matrix/users.ts";
import { type Member, firstSync, syncPath } from "./members.ts";
import { type Context, type Result, type Workload, observe } from "./workload.ts";

const MEMBERS = 50;
const RATES = [20, 100];
const POLL_MS = 30_000;
/** What is still on its way when the last message was sent gets this long. */
const LAST_ARRIVALS_MS = 10_000;
/** How long all members get to see the message before the first one. */
const READY_MS = 30_000;

/** An open loop: messages leave at fixed times, and latency counts from the time meant. */
export const syncIdle: Workload = {
  name: "sync-idle",
  about: "50 members long-poll one room; how long from send to sight, at fixed rates",
  async run(context) {
    const api = createApi(context.target.url);
    const { clients, absent } = context.settings;
    const waiting = clients || MEMBERS;
    const users = await registerUsers(api, waiting + absent);
    const roomId = await createRoom(api, users[0]!, users.slice(1));
    const members = await parallel(users.slice(0, waiting), 4, (user) => firstSync(api, user));
    const results: Result[] = [];
    const rates = context.settings.rates.length > 0 ? context.settings.rates : RATES;
    for (const rate of rates) results.push(await wake(context, api, members, roomId, rate));
    api.close();
    return results;
  },
};

/** Of one cell: when each message was meant to leave, and who has seen it how often. */
interface Ledger {
  readonly meant: number[];
  readonly seen: Uint8Array[];
  readonly latencies: Recorder;
  /** Members that have seen the message before the first one. */
  readonly waiting: Set<number>;
  /** Members that were told of a gap in the timeline. */
  gaps: number;
  deliveries: number;
}

async function wake(
  context: Context,
  api: Api,
  members: readonly Member[],
  roomId: string,
  rate: number,
): Promise<Result> {
  const { target, settings } = context;
  const count = Math.ceil(rate * settings.seconds);
  const ledger: Ledger = {
    meant: [],
    seen: members.map(() => new Uint8Array(count)),
    latencies: createRecorder(),
    waiting: new Set(),
    gaps: 0,
    deliveries: 0,
  };
  const stop = new AbortController();
  const failures: string[] = [];
  const polls = members.map((member, index) =>
    poll(context, member, roomId, ledger, index, rate, stop.signal).catch((error: Error) => {
      if (!stop.signal.aborted) failures.push(error.message);
    }),
  );
  await untilAllWait(api, members, roomId, ledger, rate);
  const others = settings.absent > 0 ? ` of ${members.length + settings.absent}` : "";
  const cell = `${members.length}${others} members, ${rate}/s`;
  const end = await observe(context);
  const start = performance.now();
  failures.push(...(await sendAtRate(api, members, roomId, rate, count, ledger)));
  const wanted = count * members.length;
  const deadline = performance.now() + LAST_ARRIVALS_MS;
  while (ledger.deliveries < wanted && performance.now() < deadline) await sleep(5);
  const use = await end();
  stop.abort();
  await Promise.all(polls);
  return {
    workload: "sync-idle",
    target: target.name,
    cell,
    unit: "delivery",
    units: ledger.deliveries,
    seconds: (performance.now() - start) / 1000,
    latencies: ledger.latencies.summary(),
    use,
    memory: undefined,
    errors: failures.length,
    firstError: failures[0],
    wrong: wrongIn(ledger),
    note: "",
  };
}

/** A first message goes round, so that all connections are open and all members wait for more. */
async function untilAllWait(
  api: Api,
  members: readonly Member[],
  roomId: string,
  ledger: Ledger,
  rate: number,
): Promise<void> {
  await api.call({
    method: "PUT",
    path: `${roomPath(roomId)}/send/m.room.message/idle.${rate}.ready`,
    token: members[0]!.user.token,
    body: { msgtype: "m.text", body: "ready", ready: rate },
  });
  const deadline = performance.now() + READY_MS;
  while (ledger.waiting.size < members.length && performance.now() < deadline) await sleep(20);
  await sleep(500);
}

function wrongIn({ seen, gaps }: Ledger): string | undefined {
  let [missing, doubled] = [0, 0];
  for (const times of seen.flatMap((counts) => [...counts])) {
    if (times === 0) missing++;
    if (times > 1) doubled++;
  }
  if (missing + doubled + gaps === 0) return undefined;
  return `${missing} not seen, ${doubled} seen twice, ${gaps} gaps`;
}

async function sendAtRate(
  api: Api,
  members: readonly Member[],
  roomId: string,
  rate: number,
  count: number,
  ledger: Ledger,
): Promise<string[]> {
  const failures: string[] = [];
  const start = performance.now() + 10;
  const sends: Promise<unknown>[] = [];
  for (const number of range(count)) {
    const meant = start + (number * 1000) / rate;
    const wait = meant - performance.now();
    if (wait > 1) await sleep(wait);
    ledger.meant.push(meant);
    const send = api.call({
      method: "PUT",
      path: `${roomPath(roomId)}/send/m.room.message/idle.${rate}.${number}`,
      token: members[number % members.length]!.user.token,
      body: { msgtype: "m.text", body: "x".repeat(500), bench: number, rate },
    });
    sends.push(send.catch((error: Error) => failures.push(error.message)));
  }
  await Promise.all(sends);
  return failures;
}

/** Polls until the signal, and books what comes. */
async function poll(
  { target }: Context,
  member: Member,
  roomId: string,
  ledger: Ledger,
  index: number,
  rate: number,
  signal: AbortSignal,
): Promise<void> {
  const connection = createConnection(target.url);
  signal.addEventListener("abort", () => connection.close());
  const seen = ledger.seen[index]!;
  const { authorization } = member;
  while (!signal.aborted) {
    const path = syncPath(member, POLL_MS);
    const reply = await connection.exchange(
      requestText(target.url, "GET", path, { authorization }),
    );
    const now = performance.now();
    const text = reply.body.toString();
    if (reply.status !== 200) throw new Error(`sync: ${reply.status} ${text.slice(0, 200)}`);
    const answer: Answer = JSON.parse(text);
    member.since = answer.next_batch;
    const timeline = answer.rooms?.join?.[roomId]?.timeline;
    if (timeline?.limited) ledger.gaps++;
    for (const { content } of timeline?.events ?? []) {
      if (content?.ready === rate) ledger.waiting.add(index);
      if (content?.rate !== rate || typeof content.bench !== "number") continue;
      seen[content.bench]!++;
      ledger.deliveries++;
      ledger.latencies.record(now - ledger.meant[content.bench]!);
    }
  }
}
