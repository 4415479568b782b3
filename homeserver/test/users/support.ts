import { rm } from "node:fs/promises";
import { createLog } from "../../src/log/log.ts";
import type { Log } from "../../src/log/types.ts";
import { createMemoryWake } from "../../src/log/wake.ts";
import { createManualClock, type ManualClock, systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { errors } from "../../src/protocol/errors.ts";
import type { ServerName, UserId } from "../../src/protocol/identifiers.ts";
import { connectWriter } from "../../src/storage/append/append.ts";
import type { DatabaseLocation, Sql } from "../../src/storage/sql.ts";
import type { UserHooks } from "../../src/users/common/types.ts";
import { createUsers, type Users, type UsersOptions } from "../../src/users/users.ts";
import { freshDatabase } from "../support/database.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

export const HERE = "here.test" as ServerName;
export const START = 1_700_000_000_000;
/** Cheap hashes: their strength is not what is tested. */
export const CHEAP = { memoryKib: 64, passes: 1 };

const noIdentityServers: UsersOptions["identityServers"] = {
  bind: () => Promise.reject(errors.notFound("There are no identity servers")),
  unbind: () => Promise.reject(errors.notFound("There are no identity servers")),
};

export interface TestUsers {
  users: Users;
  sql: Sql;
  location: DatabaseLocation;
  log: Log;
  clock: ManualClock;
  /** What the hooks, and readers of the log, were told, in order. */
  told: string[];
  dataDir: string;
  /** A further replica on the same database. */
  replica(options?: Partial<UsersOptions>): Promise<Users>;
  close(): Promise<void>;
}

export async function openUsers(options: Partial<UsersOptions> = {}): Promise<TestUsers> {
  const database = await freshDatabase();
  const dataDir = makeTemporaryFolder("weft-users-");
  const clock = createManualClock(START);
  const logger = silentLogger();
  const told: string[] = [];
  const { sql } = database;
  const wake = createMemoryWake({ shared: true });
  const logs: Log[] = [];
  /** The log of a replica. It runs by the real clock: what is tested by a held one is not in it. */
  async function openLog(ofReplica: Sql): Promise<Log> {
    const writer = connectWriter(database.location);
    const common = { wake, clock: systemClock, logger, serverName: HERE };
    const opened = await createLog({ sql: ofReplica, writer, ...common });
    logs.push(opened);
    return opened;
  }
  const log = await openLog(sql);
  log.follow({
    phase: "readers",
    kinds: ["device_list", "user_signature", "erasure"],
    take(records) {
      for (const record of records) {
        if (record.kind === "erasure") told.push(`erased ${record.userId}`);
        else if (record.kind === "user_signature") {
          told.push(`signed ${record.userId} ${record.targetId}`);
        } else {
          const { userId, deviceId, isRemoved } = record;
          told.push(`${isRemoved ? "removed" : "changed"} ${userId} ${deviceId}`);
        }
      }
    },
  });
  const hooks: UserHooks = {
    profileChanged: async (userId) => void told.push(`profile ${userId}`),
    leaveAllRooms: async (userId) => void told.push(`leave ${userId}`),
    remoteProfile: async (userId) => {
      if (userId === "@zoe:there.test") return { displayname: "Zoë", "m.tz": "Europe/Paris" };
      throw errors.notFound("No such user");
    },
    isReserved: (userId) => userId.startsWith("@bridge_"),
  };
  const opened: Users[] = [];
  async function open(more: Partial<UsersOptions> = {}): Promise<Users> {
    const made = await createUsers({
      sql,
      log,
      clock,
      random: systemRandom,
      logger,
      serverName: HERE,
      registration: "open",
      hooks,
      identityServers: noIdentityServers,
      passwordHashing: CHEAP,
      ...options,
      ...more,
    });
    opened.push(made);
    return made;
  }
  return {
    users: await open(),
    sql,
    location: database.location,
    log,
    clock,
    told,
    dataDir,
    async replica(more) {
      const own = database.connect();
      return open({ sql: own, log: await openLog(own), ...more });
    },
    async close() {
      await Promise.all(opened.map((users) => users.stop()));
      for (const one of logs) await one.stop();
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export const id = (localpart: string): UserId => `@${localpart}:${HERE}` as UserId;

/** The error code that a promise fails with; "nothing" when it does not. */
export async function errcodeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "nothing";
  } catch (error) {
    return (error as { errcode?: string }).errcode ?? String(error);
  }
}
