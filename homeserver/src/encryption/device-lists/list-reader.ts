import type { RemoteKeys, RemoteWait } from "../../federation-client/types.ts";
import type { Log } from "../../log/types.ts";
import type { Logger } from "../../platform/logger.ts";
import { createYielder } from "../../platform/yielder.ts";
import { isTooLarge, RemoteError } from "../../federation-client/requests/remote-error.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import { isInteger, isJsonObject, type Json, type JsonObject } from "../../protocol/json.ts";
import { MAX_DEVICES, type RemoteList, remoteListOf, type ToldDevice } from "./remote-keys.ts";
import type { ReadList, RemoteLists } from "./remote-lists.ts";

/** A user of another server whose list is asked for. */
export interface Wanted {
  readonly userId: UserId;
  /** Devices that are asked for; none: all. Counts only where the list is not kept. */
  readonly deviceIds: readonly string[];
  /** The list is stored: a room is shared with the user. */
  readonly isKept: boolean;
  /** `KnownList.changes`. */
  readonly changes: number | undefined;
}

/** What a server told, and why it did not tell the rest. Users whom it does not know are missing. */
interface Reading {
  readonly lists: ReadonlyMap<UserId, RemoteList>;
  readonly error?: unknown;
}

/** Asks other servers for lists, and stores them where they are kept up to date. */
export interface ListReader {
  /**
   * Lists of one server's users: one request, or one for each hundred users. What the server answers
   * is stored also if the caller does not wait for it.
   */
  read(server: ServerName, wanted: readonly Wanted[]): Promise<Reading>;
  /** Resolves when no request is under way. */
  settled(): Promise<void>;
}

/** How long a server may take. Users wait for less. */
const ANSWER_MS = 30_000;
/** Users in one request. */
const BATCH = 100;
/** How long lists are checked without a pause. */
const STEP_MS = 5;

type Told = Omit<ReadList, "changes">;

export function createListReader(deps: {
  readonly remote: Pick<RemoteKeys, "userDevices" | "queryKeys">;
  readonly lists: RemoteLists;
  readonly log: Log;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): ListReader {
  const { remote, lists, log, logger, signal } = deps;
  /** Requests that are under way for users whose lists are kept. */
  const flights = new Map<UserId, Promise<Reading>>();
  const running = new Set<Promise<unknown>>();

  async function readOne(server: ServerName, userId: UserId, wait: RemoteWait): Promise<Told> {
    const told = await remote.userDevices(server, userId, { ...wait, maxDevices: MAX_DEVICES });
    if (told.user_id !== userId) {
      throw new RemoteError(server, undefined, undefined, `${server} told of another user`);
    }
    const list = await remoteListOf(
      userId,
      {
        devices: told.devices.map(({ device_id, keys, device_display_name }) => ({
          deviceId: device_id as string, // checked with the rest
          keys,
          displayName: device_display_name,
        })),
        masterKey: told.master_key,
        selfSigningKey: told.self_signing_key,
      },
      createYielder(STEP_MS),
    );
    const streamId = isStreamId(told.stream_id) ? told.stream_id : undefined;
    return { userId, list, streamId };
  }

  async function readSeveral(
    server: ServerName,
    wanted: readonly Wanted[],
    wait: RemoteWait,
  ): Promise<{ told: Told[]; error?: unknown }> {
    const asked = wanted.map(({ userId, deviceIds, isKept }): [string, string[]] => [
      userId,
      isKept ? [] : [...deviceIds],
    ]);
    const told = await remote.queryKeys(server, Object.fromEntries(asked), wait);
    const yielder = createYielder(STEP_MS);
    const found: Told[] = [];
    let error: unknown;
    for (const { userId, isKept } of wanted) {
      const byDevice = ofUser(told.device_keys, userId);
      const devices = devicesIn(byDevice);
      if (devices.length > MAX_DEVICES) error = tooMany(server);
      if (devices.length > MAX_DEVICES || (byDevice === undefined && !isKept)) continue;
      const masterKey = ofUser(told.master_keys, userId);
      const selfSigningKey = ofUser(told.self_signing_keys, userId);
      const list = await remoteListOf(userId, { devices, masterKey, selfSigningKey }, yielder);
      found.push({ userId, list, streamId: undefined });
    }
    return { told: found, error };
  }

  /** What the server tells of each user. One with too much to tell does not spoil the others. */
  async function readAll(
    server: ServerName,
    wanted: readonly Wanted[],
    wait: RemoteWait,
  ): Promise<{ told: Told[]; error?: unknown }> {
    const [one, more] = wanted;
    try {
      const isAlone = more === undefined && one!.isKept;
      if (isAlone) return { told: [await readOne(server, one!.userId, wait)] };
      return await readSeveral(server, wanted, wait);
    } catch (error) {
      if (more === undefined || !isTooLarge(error)) return { told: [], error };
      const middle = Math.ceil(wanted.length / 2);
      const halves = [wanted.slice(0, middle), wanted.slice(middle)];
      const parts = [];
      for (const half of halves) parts.push(await readAll(server, half, wait));
      return {
        told: parts.flatMap(({ told }) => told),
        error: parts.find((part) => part.error !== undefined)?.error,
      };
    }
  }

  /** One request; what is kept is stored before it resolves. */
  async function ask(server: ServerName, wanted: readonly Wanted[]): Promise<Reading> {
    const kept = wanted.filter(({ isKept }) => isKept);
    const wait = { timeoutMs: ANSWER_MS, signal, ofStranger: kept.length === 0 };
    const { position } = log;
    const { told, error } = await readAll(server, wanted, wait);
    if (error !== undefined) {
      logger.debug({ err: error, server }, "devices of another server's users were not read");
    }
    try {
      await keep(told, kept, position);
    } catch (err) {
      if (!signal.aborted) await lists.failed(kept);
      throw err;
    }
    return { lists: new Map(told.map(({ userId, list }) => [userId, list])), error };
  }

  async function keep(
    told: readonly Told[],
    kept: readonly Wanted[],
    position: number,
  ): Promise<void> {
    const byUser = new Map(told.map((one) => [one.userId, one]));
    const [read, failed]: [ReadList[], Wanted[]] = [[], []];
    for (const one of kept) {
      const found = byUser.get(one.userId);
      if (found === undefined) failed.push(one);
      else read.push({ ...found, changes: one.changes });
    }
    await lists.keep(read, position);
    if (!signal.aborted) await lists.failed(failed);
  }

  function start(server: ServerName, wanted: readonly Wanted[]): Promise<Reading> {
    const flight = ask(server, wanted);
    const kept = wanted.filter(({ isKept }) => isKept);
    for (const { userId } of kept) flights.set(userId, flight);
    running.add(flight);
    const over = () => {
      running.delete(flight);
      for (const { userId } of kept) if (flights.get(userId) === flight) flights.delete(userId);
    };
    flight.then(over, over);
    return flight;
  }

  return {
    async read(server, wanted) {
      const under = new Set<Promise<Reading>>();
      const missing: Wanted[] = [];
      for (const one of wanted) {
        const flight = one.isKept ? flights.get(one.userId) : undefined;
        if (flight === undefined) missing.push(one);
        else under.add(flight);
      }
      const found = new Map<UserId, RemoteList>();
      let failure: unknown;
      const add = ({ lists: read, error }: Reading) => {
        for (const [userId, list] of read) found.set(userId, list);
        failure ??= error;
      };
      for (let at = 0; at < missing.length && failure === undefined; at += BATCH) {
        add(await start(server, missing.slice(at, at + BATCH)));
      }
      for (const flight of under) add(await flight);
      return { lists: found, error: failure };
    },
    async settled() {
      await Promise.allSettled(running);
    },
  };
}

function tooMany(server: ServerName): RemoteError {
  const reason = `${server} names more than ${MAX_DEVICES} devices of a user`;
  return new RemoteError(server, undefined, undefined, reason);
}

/** Ids of lists and updates are integers that are not negative. */
export function isStreamId(value: Json | undefined): value is number {
  return isInteger(value) && value >= 0;
}

function ofUser(byUser: Json | undefined, userId: UserId): Json | undefined {
  return isJsonObject(byUser) && Object.hasOwn(byUser, userId) ? byUser[userId] : undefined;
}

function devicesIn(byDevice: Json | undefined): ToldDevice[] {
  if (!isJsonObject(byDevice)) return [];
  return Object.entries(byDevice).map(([deviceId, keys]) => ({
    deviceId,
    keys,
    displayName: isJsonObject(keys) ? nameIn(keys) : undefined,
  }));
}

function nameIn({ unsigned }: JsonObject): Json | undefined {
  return isJsonObject(unsigned) ? unsigned.device_display_name : undefined;
}
