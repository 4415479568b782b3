/** Device lists of one server on a database, which asks a server that the test plays. */
import { afterEach, beforeEach } from "vitest";
import { createDeviceLists, type DeviceLists } from "../../src/encryption/device-lists/index.ts";
import { AnswerTooLarge } from "../../src/federation-client/reading/read-body.ts";
import { RemoteError } from "../../src/federation-client/requests/remote-error.ts";
import type { RemoteKeys, ToldDeviceList } from "../../src/federation-client/types.ts";
import type { LogRecord } from "../../src/log/types.ts";
import { createManualClock, type ManualClock, systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createSeededRandom } from "../../src/platform/random.ts";
import type { ServerName, UserId } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { createLeases, type Leases } from "../../src/storage/leases.ts";
import { hear, makeRoom, openLog, SERVER, type TestLog } from "../log/support.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { until } from "../support/wait.ts";

export const THERE = "there.example" as ServerName;
export const ALICE = `@alice:${SERVER}` as UserId;
export const BOB = `@bob:${THERE}` as UserId;

export let on: TestLog;
export let lists: DeviceLists;
export let clock: ManualClock;
/** Users whose lists local users were told of. */
export let told: string[];
/** What the other server was asked. */
export let asked: string[];
/** What the other server answers. */
export const there: {
  userDevices(userId: string): Promise<ToldDeviceList>;
  queryKeys(wanted: Record<string, string[]>): Promise<JsonObject>;
} = { userDevices: notThere, queryKeys: notThere };
let database: TestDatabase;
let awake: (server: ServerName) => void;

beforeEach(async () => {
  database = await freshDatabase();
  on = await openLog(database.location);
  clock = createManualClock();
  [told, asked] = [[], []];
  Object.assign(there, { userDevices: notThere, queryKeys: notThere });
  hear(on.log, (records) => told.push(...records.flatMap(listIn)));
  start();
});

afterEach(async () => {
  await lists.stop();
  await on.stop();
  await database.close();
});

export function start(): void {
  lists = anotherOf(undefined);
}

/** What another replica of the server has of it. */
export function replica(): { lists: DeviceLists; close(): Promise<void> } {
  const leases = createLeases({ sql: database.connect({ max: 1 }), clock: systemClock });
  const own = anotherOf(leases);
  return {
    lists: own,
    async close() {
      await own.stop();
      await leases.close();
    },
  };
}

function anotherOf(leases: Leases | undefined): DeviceLists {
  return createDeviceLists({
    ...{ sql: on.sql, log: on.log, clock, random: createSeededRandom(1), logger: silentLogger() },
    serverName: SERVER,
    leases,
    remote: peer,
    backoff: {
      waitMs: () => 0,
      onAwake(listener) {
        awake = listener;
        return () => undefined;
      },
    },
  });
}

/** The other server is reachable again. */
export const isBack = (): void => awake(THERE);

const peer: RemoteKeys = {
  userDevices(_server, userId) {
    asked.push(`devices ${userId}`);
    return there.userDevices(userId);
  },
  queryKeys(_server, wanted) {
    asked.push(`query ${Object.keys(wanted).join(" ")}`);
    return there.queryKeys(wanted);
  },
  claimKeys: notThere,
};

export function notThere(): Promise<never> {
  return Promise.reject(new RemoteError(THERE, undefined, undefined, "away"));
}

/** The other server tells more than this one reads. */
export function tooLarge(): RemoteError {
  const error = new RemoteError(THERE, undefined, undefined, "too much");
  return Object.assign(error, { cause: new AnswerTooLarge("too much") });
}

function listIn(record: LogRecord): string[] {
  return record.kind === "device_list" ? [record.userId] : [];
}

/** A room of these users. */
export async function roomOf(...userIds: readonly string[]): Promise<number> {
  const { nid } = await makeRoom(on.sql, `room${Math.random()}`);
  for (const userId of userIds) await join(nid, userId);
  return nid;
}

export async function join(nid: number, userId: string): Promise<void> {
  const server = userId.slice(userId.indexOf(":") + 1);
  await on.sql`
    INSERT INTO memberships (room_nid, user_id, server, membership, event_nid, position)
    VALUES (${nid}, ${userId}, ${server}, 'join', 1, ${on.log.position})`;
}

export async function leave(nid: number, userId: string): Promise<void> {
  await on.sql`
    UPDATE memberships SET membership = 'leave', position = ${on.log.position}
    WHERE room_nid = ${nid} AND user_id = ${userId}`;
}

/** Something happens in the log that concerns nobody here. */
export async function passes(): Promise<void> {
  await on.log.append({
    records: [{ kind: "device_list", userId: `@x:${SERVER}`, deviceId: "X", isRemoved: false }],
  });
}

/** Bob's server tells of these devices from now on. */
export function bobHas(
  streamId: number,
  devices: Readonly<Record<string, JsonObject>>,
  more = {},
): void {
  const list = Object.entries(devices).map(([device_id, keys]) => ({ device_id, keys }));
  const answer = { user_id: BOB, stream_id: streamId, devices: list, ...more };
  there.userDevices = async () => answer;
}

export const known = async () => (await lists.lists.look([BOB])).get(BOB)!;

/** What is stored of bob: the ids of his devices. */
export async function stored(): Promise<string[]> {
  const list = (await lists.lists.load([BOB])).get(BOB);
  return list?.devices.map(({ deviceId }) => deviceId) ?? [];
}

/** A user's question: bob's devices as his server tells them now. */
export async function read(before?: { readonly changes: number | undefined }): Promise<string[]> {
  const { changes } = before ?? (await known());
  const wanted = { userId: BOB, deviceIds: [], isKept: true, changes };
  const { lists: found, error } = await lists.reader.read(THERE, [wanted]);
  if (error !== undefined) throw error as Error;
  return found.get(BOB)!.devices.map(({ deviceId }) => deviceId);
}

/** Lets time go by until something is so. */
export async function untilLater(stepMs: number, holds: () => Promise<boolean>): Promise<void> {
  await until(async () => {
    if (await holds()) return true;
    clock.advance(stepMs);
    return false;
  });
}

/** An update of bob's list arrives. */
export function update(
  stream_id: number,
  prev_id: number[],
  device_id: string,
  more: JsonObject = {},
) {
  return lists.updates.device(THERE, { user_id: BOB, device_id, stream_id, prev_id, ...more });
}
