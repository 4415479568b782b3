import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type Recorder, createRecorder } from "../load/latencies.ts";
import { type Api, createApi } from "../matrix/api.ts";
import { createRoom, roomPath, timelineOf } from "../matrix/rooms.ts";
import { type User, registerUsers, serverNameOf } from "../matrix/users.ts";
import type { Order } from "../peer/attacker.ts";
import { ATTACKS, type Attack } from "../peer/attacks.ts";
import { mebibytes } from "../report/figures.ts";
import { memoryOf } from "../targets/processes.ts";
import { type Context, type Result, type Workload, observe } from "./workload.ts";

/** Between two sends of the user whose room is left alone. */
const PAUSE_MS = 5;
const SAMPLE_MS = 250;
const CALM_MS = 2_000;

/**
 * A local user sends messages in a room of his own, one after another, first alone and then while a peer attacks: how
 * much longer an answer takes. At the end, how much memory is kept.
 */
export const hostile: Workload = {
  name: "hostile",
  about: "a user sends in a room of their own while a peer attacks in each of the known ways",
  async run(context) {
    const { target, settings, say } = context;
    const api = createApi(target.url);
    try {
      const [user] = (await registerUsers(api, 1)) as [User];
      const quiet = await createRoom(api, user);
      await beside(api, user, quiet, sleep(settings.warmUpSeconds * 1000));
      await sleep(CALM_MS);
      const idle = memoryOf(target.pids).server;
      let peak = idle.pss;
      const timer = setInterval(
        () => (peak = Math.max(peak, memoryOf(target.pids).server.pss)),
        SAMPLE_MS,
      );
      const results: Result[] = [];
      for (const attack of ATTACKS) {
        results.push(await measure(context, api, user, quiet, attack));
        say(`hostile: ${attack.name}: ${results.at(-1)!.note}`);
      }
      clearInterval(timer);
      await sleep(settings.idleSeconds * 1000);
      const kept = memoryOf(target.pids).server;
      const note = `memory of the server (PSS): ${mebibytes(idle.pss)} before, at most ${mebibytes(peak)}, ${mebibytes(kept.pss)} after ${settings.idleSeconds} s of calm`;
      say(`hostile: ${note}`);
      return [...results.slice(0, -1), withNote(results.at(-1)!, note)];
    } finally {
      api.close();
    }
  },
};

async function measure(
  context: Context,
  api: Api,
  user: User,
  quiet: string,
  attack: Attack,
): Promise<Result> {
  const { target, settings, certificates } = context;
  const roomId = await createRoom(api, user);
  const [createId = ""] = [...(await timelineOf(api, user, quiet)).keys()].slice(-1);
  const order: Order = {
    ...{ attack: attack.name, certificates, user, roomId, seconds: settings.seconds },
    ...{ url: target.url.href, federationUrl: target.federationUrl.href, ca: target.ca },
    serverName: serverNameOf(user),
    elsewhere: { roomId: quiet, createId },
  };
  const worker = new Worker(new URL("../peer/attacker.ts", import.meta.url), { workerData: order });
  try {
    await once(worker, "message");
    const alone = await beside(api, user, quiet, sleep(settings.warmUpSeconds * 1000));
    const end = await observe(context);
    const started = performance.now();
    worker.postMessage("go");
    let did = "";
    const work = once(worker, "message").then(([text]) => (did = String(text)));
    const meanwhile = await beside(api, user, quiet, work);
    const seconds = (performance.now() - started) / 1000;
    const use = await end();
    const [before, during] = [alone.latencies.summary()!, meanwhile.latencies.summary()!];
    const times = (a: number, b: number) => `${(a / b).toFixed(2)} times`;
    return {
      workload: "hostile",
      target: target.name,
      cell: attack.name,
      unit: "send",
      units: meanwhile.latencies.count,
      seconds,
      latencies: during,
      use,
      memory: undefined,
      errors: alone.errors + meanwhile.errors,
      firstError: alone.firstError ?? meanwhile.firstError,
      wrong: await check(api, user, roomId),
      note:
        `${did} in ${seconds.toFixed(0)} s; a send elsewhere takes ${times(meanwhile.mean, alone.mean)} as long ` +
        `(mean ${meanwhile.mean.toFixed(1)} ms, alone ${alone.mean.toFixed(1)}; p95 ${times(during.p95, before.p95)})`,
    };
  } finally {
    await worker.terminate();
  }
}

/** The room that was attacked can still be used. */
async function check(api: Api, user: User, roomId: string): Promise<string | undefined> {
  const { token } = user;
  const body = { msgtype: "m.text", body: "on" };
  const path = `${roomPath(roomId)}/send/m.room.message/on`;
  return api.call({ method: "PUT", path, token, body }).then(
    () => undefined,
    (error: Error) => `the room cannot be used: ${error.message}`,
  );
}

interface Sends {
  readonly latencies: Recorder;
  /** Milliseconds. */
  readonly mean: number;
  readonly errors: number;
  readonly firstError: string | undefined;
}

/** Sends, one after another, until the work is done. */
async function beside(
  api: Api,
  { token }: User,
  roomId: string,
  work: Promise<unknown>,
): Promise<Sends> {
  const latencies = createRecorder();
  const state = { isDone: false };
  const done = work.finally(() => (state.isDone = true));
  let [sum, errors] = [0, 0];
  let firstError: string | undefined;
  while (!state.isDone) {
    const before = performance.now();
    const txn = `${before}-${Math.random()}`;
    const path = `${roomPath(roomId)}/send/m.room.message/${txn}`;
    const body = { msgtype: "m.text", body: "quiet" };
    await api.call({ method: "PUT", path, token, body }).catch((error: Error) => {
      errors += 1;
      firstError ??= error.message;
    });
    const ms = performance.now() - before;
    latencies.record(ms);
    sum += ms;
    await sleep(PAUSE_MS);
  }
  await done;
  return { latencies, mean: sum / latencies.count, errors, firstError };
}

function withNote(result: Result, note: string): Result {
  return { ...result, note: `${result.note}; ${note}` };
}
