/** Servers with a room engine on a database of their own, for tests. */
import type { RoomTurns } from "../../../src/cluster/room-turns.ts";
import { createLog } from "../../../src/log/log.ts";
import type { Log } from "../../../src/log/log.ts";
import type { EventRecord } from "../../../src/log/types.ts";
import { createMemoryWake } from "../../../src/log/wake.ts";
import type { Wake } from "../../../src/log/wake.ts";
import type { RetentionRules } from "../../../src/rooms/visibility/retention-rules.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import type { Clock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { systemRandom } from "../../../src/platform/random.ts";
import { signingKeyFromSeed, verifyKeyFromBase64 } from "../../../src/protocol/crypto.ts";
import type { SigningKey, VerifyKey } from "../../../src/protocol/crypto.ts";
import { MatrixError } from "../../../src/protocol/errors.ts";
import { serverOf } from "../../../src/protocol/identifiers.ts";
import type { ServerName, UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { createRooms } from "../../../src/rooms/index.ts";
import type { IgnoredBy } from "../../../src/rooms/visibility/without-ignored.ts";
import type { EventKeys } from "../../../src/federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../../../src/federation-client/types.ts";
import type { Actor, MemberProfiles, Rooms } from "../../../src/rooms/index.ts";
import { connectWriter } from "../../../src/storage/append/append.ts";
import { freshDatabase } from "../../support/database.ts";
import type { TestDatabase } from "../../support/database.ts";
import { mortalLog } from "./mortal-log.ts";
import { networkOf } from "./network.ts";
import { wire } from "./wire.ts";

export interface TestServer {
  readonly name: ServerName;
  readonly rooms: Rooms;
  readonly log: Log;
  readonly wake: Wake;
  readonly db: TestDatabase;
  readonly key: SigningKey;
  readonly verifyKey: VerifyKey;
  user(localpart: string): Actor;
  close(): Promise<void>;
  /** From now on so many commits are made, and then none: resolves when one is wanted. */
  dieAfter(commits: number): Promise<void>;
}

interface ServerOptions {
  /** Everybody is called by their localpart, unless they say otherwise. */
  readonly profiles?: MemberProfiles;
  readonly clock?: Clock;
  /** Nobody ignores anybody, unless it says so. */
  readonly ignoredBy?: IgnoredBy;
  /** Messages are kept for ever, unless it says otherwise. */
  readonly retention?: RetentionRules;
}

/** Servers that reach one another by function calls; `cut` makes two of them deaf to each other. */
export interface World {
  server(name: string, options?: ServerOptions): Promise<TestServer>;
  /** Another process of the same server, on its database; `isInstead`: others talk to it from now on. */
  replica(of: TestServer, how?: { readonly isInstead: boolean }): Promise<TestServer>;
  /** The server answers a call of others like this from now on; `honest` gives its true answer. */
  pretend<C extends keyof RemoteRooms>(
    server: TestServer,
    call: C,
    answer: (
      honest: () => ReturnType<RemoteRooms[C]>,
      ...asked: Tail<Parameters<RemoteRooms[C]>>
    ) => Promise<unknown>,
  ): void;
  /** Delivers what the servers' users sent, until nothing is left (but between those that are cut off). */
  flush(): Promise<void>;
  /** Does something of which no other server hears. */
  lose(task: () => Promise<unknown>): Promise<void>;
  cut(a: TestServer, b: TestServer): void;
  heal(): void;
  /** The server's key is good for nothing that was sent after this moment, ms since 1970. */
  expire(server: TestServer, at: number): void;
  /** Forgets calls, cuts, pretences, expired keys and what is on its way. */
  reset(): void;
  /** Calls of the network so far, by name. */
  readonly calls: Map<string, number>;
  close(): Promise<void>;
}

/** `turns`: whose turn it is among the replicas of a server; made for each server and replica. */
export function createWorld(turns?: (name: string) => Promise<RoomTurns>): World {
  const servers = new Map<string, TestServer>();
  const cuts = new Set<string>();
  const expired = new Map<string, number>();
  const calls = new Map<string, number>();
  /** "server call" → what it answers instead. */
  const pretences = new Map<string, Pretence>();
  /** "from to" → PDUs on their way. */
  const queues = new Map<string, JsonObject[]>();

  function isCut(a: string, b: string): boolean {
    return cuts.has([a, b].toSorted().join());
  }

  async function flush(): Promise<void> {
    for (let sent = true; sent;) {
      sent = false;
      for (const [key, pdus] of queues) {
        const [from, to] = key.split(" ") as [ServerName, ServerName];
        if (pdus.length === 0 || isCut(from, to)) continue;
        sent = true;
        const batch = pdus.splice(0, 50);
        await servers.get(to)?.rooms.federation.receive(from, wire(batch));
      }
    }
  }

  const keyRing: EventKeys = {
    async keys(wanted) {
      return wanted.map(({ server, keyId, validAt }) => {
        const known = servers.get(server);
        if (validAt > (expired.get(server) ?? Infinity)) return undefined;
        return known?.key.keyId === keyId ? known.verifyKey : undefined;
      });
    },
  };

  const replicas: TestServer[] = [];

  async function server(name: string, options?: ServerOptions): Promise<TestServer> {
    const wake = createMemoryWake({ shared: true });
    const made = await open(name, await freshDatabase(), wake, options);
    servers.set(name, made);
    return made;
  }

  async function open(
    name: string,
    db: TestDatabase,
    wake: Wake,
    { profiles = NAMED, clock = systemClock, ignoredBy = nobody, retention }: ServerOptions = {},
  ): Promise<TestServer> {
    const key = signingKeyFromSeed("ed25519:test", Buffer.alloc(32, name));
    const serverName = name as ServerName;
    const log = await createLog({
      sql: db.sql,
      writer: connectWriter(db.location),
      wake,
      clock: systemClock,
      logger: silentLogger(),
      serverName,
    });
    const { mortal, dieAfter, isDead } = mortalLog(log);
    const roomTurns = await turns?.(name);
    const rooms = createRooms({
      log: mortal,
      sql: db.sql,
      serverName,
      signingKey: key,
      clock,
      random: systemRandom,
      profiles,
      remote: pretending(networkOf(serverName, reachable(serverName))),
      keyRing,
      ...{ ignoredBy, retention },
      logger: silentLogger(),
      turns: roomTurns,
    });
    const made: TestServer = {
      name: serverName,
      rooms,
      log,
      wake,
      db,
      key,
      verifyKey: verifyKeyFromBase64(key.publicKeyBase64),
      dieAfter,
      user: (localpart) => ({ userId: `@${localpart}:${name}` as UserId, deviceId: "DEVICE" }),
      async close() {
        // The dead wait for what never comes.
        if (!isDead()) await rooms.stop();
        await roomTurns?.close();
        await log.stop();
      },
    };
    const queueUp = (records: readonly EventRecord[]) => {
      for (const record of records) {
        if (!(record.local ? !record.handedOver : record.forwarded)) continue;
        for (const other of servers.keys()) {
          if (other === name || other === serverOf(record.event.sender)) continue;
          const key = `${name} ${other}`;
          const queue = queues.get(key) ?? [];
          queue.push(record.event.pdu);
          queues.set(key, queue);
        }
      }
    };
    log.follow({ phase: "readers", kinds: ["event"], take: queueUp });
    return made;
  }

  const reachable = (from: ServerName) => (name: ServerName, call: keyof RemoteRooms) => {
    calls.set(call, (calls.get(call) ?? 0) + 1);
    const target = servers.get(name);
    if (target === undefined || isCut(from, name)) {
      throw new MatrixError(502, "M_UNKNOWN", `${name} can not be reached`);
    }
    return target.rooms;
  };

  function pretending(network: RemoteRooms): RemoteRooms {
    return new Proxy(network, {
      get(target, call: keyof RemoteRooms) {
        const honest = target[call] as (...args: unknown[]) => Promise<unknown>;
        return (to: string, ...rest: unknown[]) => {
          const pretence = pretences.get(`${to} ${call}`);
          const ask = async () => honest(to, ...rest);
          return pretence === undefined ? ask() : pretence(ask, ...rest);
        };
      },
    });
  }

  return {
    server,
    async replica(of, { isInstead } = { isInstead: false }) {
      const made = await open(of.name, of.db, of.wake);
      replicas.push(isInstead ? of : made);
      if (isInstead) servers.set(of.name, made);
      return made;
    },
    flush,
    async lose(task) {
      await flush();
      await task();
      for (const queue of queues.values()) queue.length = 0;
    },
    calls,
    cut: (a, b) => cuts.add([a.name, b.name].toSorted().join()),
    heal: () => cuts.clear(),
    pretend: (of, call, answer) => pretences.set(`${of.name} ${call}`, answer as Pretence),
    expire: (of, at) => expired.set(of.name, at),
    reset() {
      cuts.clear();
      expired.clear();
      pretences.clear();
      calls.clear();
      for (const queue of queues.values()) queue.length = 0;
    },
    async close() {
      await Promise.all([...servers.values(), ...replicas].map((one) => one.close()));
      await Promise.all([...servers.values()].map((one) => one.db.close()));
    },
  };
}

type Tail<T extends readonly unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;
type Pretence = (honest: () => Promise<unknown>, ...asked: unknown[]) => Promise<unknown>;

const NAMED: MemberProfiles = {
  get: async (userId) => ({ displayname: userId.slice(1, userId.indexOf(":")) }),
};
const nobody: IgnoredBy = async () => new Set();
