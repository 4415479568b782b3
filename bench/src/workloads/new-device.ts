import { parallel } from "../load/parallel.ts";
import { type Api, createApi } from "../matrix/api.ts";
import { uploadDevice } from "../matrix/keys.ts";
import { type User, logIn, registerUsers } from "../matrix/users.ts";
import { type Crowd, startCrowd } from "../peer/crowd.ts";
import { plain } from "../report/figures.ts";
import { CROWD_ADDRESSES } from "../targets/certificates.ts";
import { type Context, type Result, type Workload, observe } from "./workload.ts";

const ROOMS = 500;
const DEVICES = 2;
const JOINS_AT_ONCE = 4;
const DRAIN_MS = 300_000;

/**
 * A user in many encrypted rooms with many servers signs in on a new device and uploads its keys: how long until that
 * is answered, how many rows it left by then, and how many transactions until every server has the device's keys.
 */
export const newDevice: Workload = {
  name: "new-device",
  about: "a user in 500 encrypted rooms with 2,000 servers uploads the keys of a new device",
  async run(context) {
    const rooms = context.settings.rooms || ROOMS;
    const each = CROWD_ADDRESSES.length / ROOMS;
    const crowd = await startCrowd(context.certificates, { rooms, each });
    const api = createApi(context.target.url);
    try {
      const [user] = (await registerUsers(api, 1)) as [User];
      await enter(context, api, user, crowd);
      return [await measure(context, api, user, crowd)];
    } finally {
      api.close();
      await crowd.close();
    }
  },
};

async function enter(
  { say }: Context,
  api: Api,
  { token }: User,
  { rooms, servers }: Crowd,
): Promise<void> {
  const started = performance.now();
  await parallel(rooms, JOINS_AT_ONCE, ({ roomId, via }) =>
    api.call({
      method: "POST",
      path: `/_matrix/client/v3/join/${encodeURIComponent(roomId)}?via=${encodeURIComponent(via)}`,
      token,
      body: {},
    }),
  );
  const took = plain((performance.now() - started) / 1000);
  say(`new-device: in ${rooms.length} rooms with ${servers.length} servers after ${took} s`);
}

async function measure(
  context: Context,
  api: Api,
  user: User,
  { rooms, servers, watch }: Crowd,
): Promise<Result> {
  const { target } = context;
  const watched = { deviceId: "", have: new Set<string>(), transactions: 0 };
  watch((server, edus) => {
    watched.transactions++;
    const isIt = edus.some(({ edu_type: type, content }) => {
      const { device_id: id, keys } = content as Record<string, unknown>;
      return type === "m.device_list_update" && id === watched.deviceId && keys !== undefined;
    });
    if (isIt) watched.have.add(server);
  });
  const have = () => watched.have.size;
  // What the joins had to tell does not count.
  await quiet(() => watched.transactions);
  const end = await observe(context);
  const started = performance.now();
  const told = { signIn: 0, keys: 0, rows: 0, transactions: 0, drained: 0 };
  let missing = 0;
  for (let number = 0; number < DEVICES; number++) {
    // What was told before is over.
    await quiet(() => watched.transactions);
    const before = await target.countRows?.();
    watched.transactions = 0;
    watched.have.clear();
    const [signIn, device] = await timed(() => logIn(api, user));
    watched.deviceId = device.deviceId;
    const [keys] = await timed(() => uploadDevice(api, device));
    const after = await target.countRows?.();
    const [drained] = await timed(() => until(() => have() === servers.length));
    context.say(
      `new-device: signed in ${plain(signIn)} ms, keys ${plain(keys)} ms, drained ${plain(drained)} ms`,
    );
    missing += servers.length - have();
    told.signIn += signIn / DEVICES;
    told.keys += keys / DEVICES;
    told.rows += ((after ?? NaN) - (before ?? NaN)) / DEVICES;
    told.transactions += watched.transactions / DEVICES;
    told.drained += drained / 1000 / DEVICES;
  }
  const seconds = (performance.now() - started) / 1000;
  const use = await end();
  const note =
    `signed in ${plain(told.signIn)} ms, keys answered ${plain(told.keys)} ms, ` +
    `${plain(told.rows)} rows by then, drained after ${plain(told.drained)} s ` +
    `by ${plain(told.transactions)} transactions`;
  context.say(`new-device: ${note}`);
  return {
    workload: "new-device",
    target: target.name,
    cell: `${rooms.length} rooms, ${servers.length} servers`,
    unit: "device",
    units: DEVICES,
    seconds,
    latencies: undefined,
    use,
    memory: undefined,
    errors: 0,
    firstError: undefined,
    wrong: missing === 0 ? undefined : `${missing} servers were not told`,
    note,
  };
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const started = performance.now();
  const answer = await work();
  return [performance.now() - started, answer];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (!isSo() && performance.now() < deadline) await pause(5);
}

/** Waits until a number has stayed the same for five seconds. */
async function quiet(count: () => number): Promise<void> {
  for (let last = -1; last !== count(); await pause(5_000)) last = count();
}
