/** The server that is tested: one or two processes on one database, which can be killed after any commit. */
import { createLog } from "../../../src/log/log.ts";
import type { Log } from "../../../src/log/log.ts";
import { createMemoryWake } from "../../../src/log/wake.ts";
import type { Wake } from "../../../src/log/wake.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import type { Clock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { systemRandom } from "../../../src/platform/random.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { ServerName } from "../../../src/protocol/identifiers.ts";
import { createRooms } from "../../../src/rooms/index.ts";
import type { EventKeys } from "../../../src/federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../../../src/federation-client/types.ts";
import type { Rooms } from "../../../src/rooms/index.ts";
import { connectWriter } from "../../../src/storage/append/append.ts";
import { createLeases } from "../../../src/storage/leases.ts";
import { connect } from "../../../src/storage/sql.ts";
import type { TestDatabase } from "../../support/database.ts";
import { keyOf } from "./sealed.ts";

export const SUBJECT = "subject" as ServerName;

/** So much faster than the world goes: what waits for minutes comes in a moment. */
const SPEED = 100;

export interface Subject {
  readonly replicas: readonly Replica[];
  /** Resolves once the process that is to die so many commits from now has died and another one runs in its place. */
  dieAfter(replica: number, commits: number): Promise<void>;
  close(): Promise<void>;
}

export interface Replica {
  /** Of the process that runs now. */
  readonly rooms: Rooms;
  /** The task's outcome; undefined when the process dies before. */
  run<T>(task: (rooms: Rooms) => Promise<T>): Promise<T | undefined>;
}

interface Process {
  readonly rooms: Rooms;
  readonly death: Promise<void>;
  dieAfter(commits: number): void;
  stop(): Promise<void>;
}

/** `sent` is told of the events that the server makes itself. */
export async function createSubject(
  db: TestDatabase,
  remote: RemoteRooms,
  replicas: number,
  sent: (event: RoomEvent) => void,
): Promise<Subject> {
  const wake = createMemoryWake({ shared: replicas > 1 });
  const start = () => startProcess({ db, remote, sent, wake, isAlone: replicas === 1 });
  const processes = await Promise.all(Array.from({ length: replicas }, start));
  const graves = new Set<Process>();
  const births = new Set<Promise<void>>();
  let isClosed = false;

  async function replace(i: number, dead: Process): Promise<void> {
    if (isClosed || graves.has(dead)) return;
    graves.add(dead);
    processes[i] = await start();
  }

  return {
    replicas: processes.map((_, i) => ({
      get rooms() {
        return processes[i]!.rooms;
      },
      run: (task) => {
        const { rooms, death } = processes[i]!;
        return Promise.race([task(rooms), death.then(() => undefined)]);
      },
    })),
    async dieAfter(i, commits) {
      const dying = processes[i]!;
      dying.dieAfter(commits);
      await dying.death;
      const birth = replace(i, dying);
      births.add(birth);
      await birth;
    },
    async close() {
      isClosed = true;
      await Promise.all(births);
      await Promise.all([...processes, ...graves].map((one) => one.stop()));
    },
  };
}

async function startProcess(deps: {
  readonly db: TestDatabase;
  readonly remote: RemoteRooms;
  readonly sent: (event: RoomEvent) => void;
  readonly wake: Wake;
  readonly isAlone: boolean;
}): Promise<Process> {
  const { db, wake } = deps;
  const log = await createLog({
    ...{ sql: db.sql, writer: connectWriter(db.location), wake, clock: systemClock },
    ...{ logger: silentLogger(), serverName: SUBJECT },
  });
  const life = createLife();
  // What only one replica does at a time: its locks go with the process.
  const leases = deps.isAlone
    ? undefined
    : createLeases({ sql: connect(db.location, { max: 1 }), clock: FAST });
  const left = life.death.then(() => leases?.close());
  const rooms = createRooms({
    log: life.bounded(log),
    sql: db.sql,
    serverName: SUBJECT,
    signingKey: keyOf(SUBJECT).key,
    clock: life.clock,
    random: systemRandom,
    profiles: { get: async () => ({}) },
    remote: life.network(deps.remote),
    keyRing: KEY_RING,
    logger: silentLogger(),
    leases,
  });
  log.follow({
    phase: "readers",
    kinds: ["event"],
    take(records) {
      for (const { local, event } of records) if (local) deps.sent(event);
    },
  });
  return {
    ...{ rooms, death: life.death, dieAfter: life.dieAfter },
    async stop() {
      // It may die while it finishes what is under way.
      if (!life.isOver()) await Promise.race([rooms.stop(), life.death]);
      await (life.isOver() ? left : leases?.close());
      await log.stop();
    },
  };
}

/** For what outlives the process's own time. */
const FAST: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
};

const KEY_RING: EventKeys = {
  async keys(wanted) {
    return wanted.map(({ server, keyId }) => {
      const { key, verifyKey } = keyOf(server);
      return key.keyId === keyId ? verifyKey : undefined;
    });
  },
};

/** A process's time, commits and network: when it's over, whoever waits for one of them waits for ever. */
function createLife() {
  let left = Infinity;
  let isOver = false;
  const { promise: death, resolve: die } = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  const begun = Date.now();
  const clock: Clock = {
    now: () => begun + (Date.now() - begun) * SPEED,
    monotonic: () => performance.now() * SPEED,
    async sleep(ms, signal) {
      if (isOver) return never;
      await systemClock.sleep(ms / SPEED, signal);
      if (isOver) return never;
    },
  };
  const append: (log: Log) => Log["append"] = (log) => async (rows) => {
    if (left > 0) {
      left -= 1;
      return log.append(rows);
    }
    isOver = true;
    die();
    return never;
  };
  return {
    ...{ clock, death, isOver: () => isOver },
    dieAfter: (commits: number) => void (left = commits),
    bounded(log: Log): Log {
      const own = append(log);
      return new Proxy(log, {
        get: (target, key: keyof Log) => (key === "append" ? own : target[key]),
      });
    },
    network(remote: RemoteRooms): RemoteRooms {
      return new Proxy(remote, {
        get(target, call: keyof RemoteRooms) {
          const ask = target[call] as (...args: unknown[]) => Promise<unknown>;
          return (...args: unknown[]) => (isOver ? never : ask(...args));
        },
      });
    },
  };
}
