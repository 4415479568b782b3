import { type Connection, createConnection, requestText } from "../load/connection.ts";
import { parallel, range } from "../load/parallel.ts";
import { type Answer, type Api, createApi } from "../matrix/api.ts";
import { type Device, uploadDevice, uploadOneTimeKeys } from "../matrix/keys.ts";
import { createRoom, discrepancy, roomPath, timelineOf } from "../matrix/rooms.ts";
import { type User, logIn, registerUsers } from "../matrix/users.ts";
import { plain } from "../report/figures.ts";
import { type Member, firstSync, syncPath } from "./members.ts";
import {
  type Context,
  type Result,
  type Workload,
  loopFigures,
  measuredLoop,
  observe,
} from "./workload.ts";

/** Members who send, ask and sync; the others have devices, and wait. */
const ACTIVE = 50;
const SENDERS = 10;
/** Users in a question for keys, in a claim and in a request with room keys, as clients make them. */
const BATCH = 100;
const ASKERS = 4;
/** About what clients keep on the server. */
const ONE_TIME_KEYS = 50;
/** Of each user's keys so many are claimed before the clock starts. */
const CLAIMED_BEFORE = 10;
const NEW_DEVICES = 20;
/** New devices before the clock starts. */
const DEVICES_BEFORE = 5;
const TYPE = "m.room.encrypted";
/** A message of about a hundred characters, as Megolm makes it; and what a room key takes for a device. */
const CIPHERTEXT = "x".repeat(400);
const ROOM_KEY = "x".repeat(900);
const UPLOADS_AT_ONCE = 8;

/** What clients do in an encrypted room with many members, each part by itself. */
export const encryptedRoom: Workload = {
  name: "encrypted-room",
  about:
    "a large encrypted room: sends, room keys for all, questions and claims, syncs, new devices",
  async run(context) {
    const api = createApi(context.target.url);
    const room = await openRoom(context, api);
    const on: On = { context, api, room, url: context.target.url };
    const results: Result[] = [];
    for (const part of [sends, queries, claims, roomKeys, syncs, newDevices]) {
      results.push(await part(on));
    }
    api.close();
    return results;
  },
};

interface Room {
  readonly roomId: string;
  readonly devices: readonly Device[];
  /** Members by hundreds, each with a device. */
  readonly batches: readonly (readonly User[])[];
}

interface On {
  readonly context: Context;
  readonly api: Api;
  readonly room: Room;
  readonly url: URL;
}

async function openRoom({ settings, say }: Context, api: Api): Promise<Room> {
  const members = Math.max(settings.encryptedMembers, BATCH);
  const started = performance.now();
  const took = () => plain((performance.now() - started) / 1000);
  const users = await registerUsers(api, members);
  say(`encrypted-room: ${members} users after ${took()} s`);
  const devices = await parallel(users, UPLOADS_AT_ONCE, async (user) => {
    const device = await uploadDevice(api, user);
    await uploadOneTimeKeys(api, device, ONE_TIME_KEYS);
    return device;
  });
  say(`encrypted-room: their keys after ${took()} s`);
  const [owner] = users as [User];
  const content = { algorithm: "m.megolm.v1.aes-sha2" };
  const state = [{ type: "m.room.encryption", state_key: "", content }];
  const roomId = await createRoom(api, owner, users.slice(1), { state });
  say(`encrypted-room: all in the room after ${took()} s`);
  const batches = range(Math.floor(members / BATCH)).map((number) =>
    users.slice(number * BATCH, (number + 1) * BATCH),
  );
  return { roomId, devices, batches };
}

const activeOf = ({ devices }: Room) => devices.slice(0, ACTIVE).map(({ user }) => user);

interface Lane {
  readonly user: User;
  readonly connection: Connection;
  turn: number;
}

interface Part {
  readonly cell: string;
  readonly unit: string;
  readonly lanes: number;
  readonly warmUpSeconds?: number;
  /** @returns how many units it did; 0: there is no more to do */
  operate(lane: Lane, number: number, startNow: () => void): Promise<number>;
  /** What is wrong afterwards. */
  check?(): Promise<string | undefined> | string | undefined;
}

/** A closed loop of members, each of whom asks again when the answer is there. */
async function loopOf({ context, room, url }: On, part: Part): Promise<Result> {
  const lanes = activeOf(room)
    .slice(0, part.lanes)
    .map((user): Lane => ({ user, connection: createConnection(url), turn: 0 }));
  const loop = await measuredLoop(context, {
    lanes: lanes.length,
    ...(part.warmUpSeconds === undefined ? {} : { warmUpSeconds: part.warmUpSeconds }),
    operate: (number, startNow) => part.operate(lanes[number]!, number, startNow),
  });
  for (const { connection } of lanes) connection.close();
  const wrong = await part.check?.();
  return { ...shared(context, room, part), ...loopFigures(loop), wrong, note: "" };
}

function shared(
  { target }: Context,
  { devices }: Room,
  { cell, unit }: Pick<Part, "cell" | "unit">,
) {
  const size = `${devices.length} members`;
  return { workload: "encrypted-room", target: target.name, cell: `${size}, ${cell}`, unit };
}

interface Call {
  readonly method: "PUT" | "POST";
  readonly path: string;
  readonly body: object;
}

async function call(url: URL, { user, connection }: Lane, request: Call): Promise<Answer> {
  const { method, path } = request;
  const authorization = `Bearer ${user.token}`;
  const body = JSON.stringify(request.body);
  const reply = await connection.exchange(requestText(url, method, path, { authorization, body }));
  const text = reply.body.toString();
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${text.slice(0, 200)}`);
  return JSON.parse(text);
}

function sends(on: On): Promise<Result> {
  const { api, room, url } = on;
  const acknowledged = new Set<string>();
  return loopOf(on, {
    ...{ cell: "messages", unit: "send", lanes: SENDERS },
    async operate(lane, number) {
      const path = `${roomPath(room.roomId)}/send/${TYPE}/sends.${number}.${lane.turn++}`;
      const content = { algorithm: "m.megolm.v1.aes-sha2", ciphertext: CIPHERTEXT };
      const body = { ...content, session_id: "bench", sender_key: "bench", device_id: "BENCH" };
      acknowledged.add((await call(url, lane, { method: "PUT", path, body })).event_id);
      return 1;
    },
    check: async () =>
      discrepancy(acknowledged, await timelineOf(api, room.devices[0]!.user, room.roomId)),
  });
}

/** The next hundred members for a lane: lanes begin at different places and go round. */
function batchFor({ batches }: Room, lane: Lane, number: number): readonly User[] {
  const begin = Math.floor((number * batches.length) / ASKERS);
  return batches[(begin + lane.turn++) % batches.length]!;
}

function queries(on: On): Promise<Result> {
  const { room, url } = on;
  return loopOf(on, {
    ...{ cell: "keys/query", unit: "device", lanes: ASKERS },
    async operate(lane, number) {
      const users = batchFor(room, lane, number);
      const body = { device_keys: Object.fromEntries(users.map(({ userId }) => [userId, []])) };
      const path = "/_matrix/client/v3/keys/query";
      const { device_keys: found } = await call(url, lane, { method: "POST", path, body });
      const all = users.every(({ userId, deviceId }) => found[userId]?.[deviceId]?.signatures);
      if (!all) throw new Error("keys/query: a device's keys were not told");
      return users.length;
    },
  });
}

function claimOf(users: readonly User[]): Call {
  const wanted = users.map(({ userId, deviceId }) => [userId, { [deviceId]: "signed_curve25519" }]);
  const body = { one_time_keys: Object.fromEntries(wanted) };
  return { method: "POST", path: "/_matrix/client/v3/keys/claim", body };
}

/** As many as there are: each member's keys are given to one asker after the other. */
async function claims(on: On): Promise<Result> {
  const { api, room, url } = on;
  const given = new Set<string>();
  let twice = 0;
  /** Returns the first user of whom no key was given. */
  const note = (users: readonly User[], { one_time_keys: keys }: Answer) => {
    for (const { userId, deviceId } of users) {
      for (const id of Object.keys(keys[userId]?.[deviceId] ?? {})) {
        const name = `${userId} ${id}`;
        if (given.has(name)) twice++;
        given.add(name);
      }
    }
    return users.find(({ userId }) => keys[userId] === undefined)?.userId;
  };
  const { token } = room.devices[0]!.user;
  const before = range(CLAIMED_BEFORE).flatMap(() => room.batches);
  await parallel(before, ASKERS, async (users) =>
    note(users, await api.call({ ...claimOf(users), token })),
  );
  let next = before.length;
  return loopOf(on, {
    ...{ cell: "keys/claim", unit: "key", lanes: ASKERS, warmUpSeconds: 0 },
    async operate(lane) {
      const { batches } = room;
      if (next === batches.length * ONE_TIME_KEYS) return 0;
      const users = batches[next++ % batches.length]!;
      const missing = note(users, await call(url, lane, claimOf(users)));
      if (missing !== undefined) throw new Error(`keys/claim: no key of ${missing}`);
      return users.length;
    },
    check: () => (twice === 0 ? undefined : `${twice} keys were given out twice`),
  });
}

/** Each asker sends the room's key to every member, as before the first message after a change. */
function roomKeys(on: On): Promise<Result> {
  const { api, room, url } = on;
  const sent = new Map<string, number>();
  return loopOf(on, {
    ...{ cell: "room keys to devices", unit: "device", lanes: ASKERS },
    async operate(lane, number) {
      const users = batchFor(room, lane, number);
      const path = `/_matrix/client/v3/sendToDevice/${TYPE}/keys.${number}.${lane.turn}`;
      const content = { algorithm: "m.olm.v1.curve25519-aes-sha2", ciphertext: ROOM_KEY };
      const messages = Object.fromEntries(
        users.map(({ userId, deviceId }) => [userId, { [deviceId]: content }]),
      );
      await call(url, lane, { method: "PUT", path, body: { messages } });
      for (const { userId } of users) sent.set(userId, (sent.get(userId) ?? 0) + 1);
      return users.length;
    },
    async check() {
      const active = activeOf(room);
      const waiting = await parallel(active, UPLOADS_AT_ONCE, (user) => messagesFor(api, user));
      const wrong = active.filter(({ userId }, at) => waiting[at] !== (sent.get(userId) ?? 0));
      return wrong.length === 0 ? undefined : `${wrong.length} members have not what was sent`;
    },
  });
}

/** How many messages wait for a user's device. */
async function messagesFor(api: Api, { token }: User): Promise<number> {
  const filter = { room: { timeline: { limit: 1 }, state: { lazy_load_members: true } } };
  const path = `/_matrix/client/v3/sync?timeout=0&filter=${encodeURIComponent(JSON.stringify(filter))}`;
  let [count, place] = [0, ""];
  for (;;) {
    const answer = await api.call({ path: `${path}${place}`, token });
    const events: Answer[] = answer.to_device?.events ?? [];
    if (events.length === 0) return count;
    count += events.filter(({ type }) => type === TYPE).length;
    place = `&since=${encodeURIComponent(answer.next_batch)}`;
  }
}

/** A member's next incremental sync. */
async function syncOnce(url: URL, connection: Connection, member: Member): Promise<string> {
  const { authorization } = member;
  const path = syncPath(member, 0);
  const { status, body } = await connection.exchange(
    requestText(url, "GET", path, { authorization }),
  );
  const text = body.toString();
  const batch = /"next_batch":"([^"]+)"/.exec(text)?.[1];
  if (status !== 200 || batch === undefined)
    throw new Error(`sync: ${status} ${text.slice(0, 200)}`);
  member.since = batch;
  return text;
}

const firstSyncs = ({ api, room }: On): Promise<Member[]> =>
  parallel(activeOf(room), UPLOADS_AT_ONCE, (user) => firstSync(api, user));

/** Rounds: a message is sent, then each active member syncs and gets it. Its cost is in the figures. */
async function syncs(on: On): Promise<Result> {
  const { api, room, url } = on;
  const members = await firstSyncs(on);
  const { token } = room.devices.at(-1)!.user;
  const body = { algorithm: "m.megolm.v1.aes-sha2", ciphertext: CIPHERTEXT };
  let [count, wrong, eventId] = [0, 0, ""];
  return loopOf(on, {
    ...{ cell: "incremental syncs", unit: "sync", lanes: 1 },
    async operate({ connection }, _number, startNow) {
      if (count % members.length === 0) {
        const path = `${roomPath(room.roomId)}/send/${TYPE}/round.${count}`;
        eventId = (await api.call({ method: "PUT", path, token, body })).event_id;
        startNow();
      }
      const text = await syncOnce(url, connection, members[count++ % members.length]!);
      if (!text.includes(eventId)) wrong++;
      return 1;
    },
    check: () => (wrong === 0 ? undefined : `${wrong} syncs lacked the message`),
  });
}

/** A member's new device uploads its keys, and the active members are told by their next syncs. */
async function newDevices(on: On): Promise<Result> {
  const { context, api, room, url } = on;
  const part = { cell: `new devices, and ${ACTIVE} who are told`, unit: "device" };
  const [{ user: owner }] = room.devices as [Device];
  const signedIn = await parallel(range(DEVICES_BEFORE + NEW_DEVICES), 1, () => logIn(api, owner));
  const members = await firstSyncs(on);
  const connection = createConnection(url);
  let [answered, untold] = [0, 0];
  const add = async (user: User) => {
    const before = performance.now();
    await uploadDevice(api, user);
    answered += (performance.now() - before) / NEW_DEVICES;
    for (const member of members) {
      const text = await syncOnce(url, connection, member);
      const changed: string[] = JSON.parse(text).device_lists?.changed ?? [];
      if (!changed.includes(owner.userId)) untold++;
    }
  };
  for (const user of signedIn.slice(0, DEVICES_BEFORE)) await add(user);
  [answered, untold] = [0, 0];
  const end = await observe(context);
  const started = performance.now();
  for (const user of signedIn.slice(DEVICES_BEFORE)) await add(user);
  const seconds = (performance.now() - started) / 1000;
  const use = await end();
  connection.close();
  return {
    ...shared(context, room, part),
    ...{ units: NEW_DEVICES, seconds, latencies: undefined, use, memory: undefined },
    ...{ errors: 0, firstError: undefined },
    wrong: untold === 0 ? undefined : `${untold} times a member was not told`,
    note: `keys answered after ${plain(answered)} ms`,
  };
}
