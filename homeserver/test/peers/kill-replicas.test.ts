import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../support/ports.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { type Body, register, type Served, type TestUser, userOf } from "../support/user.ts";
import { type Balancer, createBalancer } from "./support/balancer.ts";
import { hasDebianPostgres, startDebianPostgres } from "./support/debian-postgres.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { wrongIn } from "./support/wrong.ts";
import { bodiesIn, copyRoom } from "./support/room-copy.ts";
import { eventually, inTime } from "../support/wait.ts";
import { pause, someMoment } from "../support/pace.ts";

/** WEFT_TEST_KILLS=100 for more; then the time from a send until it is seen is judged, too. */
const KILLS = Number(process.env["WEFT_TEST_KILLS"] ?? 4);
const IS_LONG = process.env["WEFT_TEST_KILLS"] !== undefined;
/** Talkers at each server, and messages whose way to the other replica is timed. */
const TALKERS = 3;
const TIMED = IS_LONG ? 500 : 50;
const SEEN_WITHIN_MS = 50;
const NAMES = ["one", "two", "three"] as const;
const RETRY_MS = 100;
/** Of a user in a room. */
const TAGS = 20;
/** A request that is answered later than this was lost. */
const ANSWER_MS = 60_000;
/** A server of which both replicas are killed and started again, on a busy machine. */
const ANSWERED_MS = 180_000;
/** Three servers that have heard all of one another. */
const EQUAL_MS = 180_000;

type Postgres = Awaited<ReturnType<typeof startDebianPostgres>>;

/** A server of one replica or more on one database, reached through a round robin. */
interface Server extends Served {
  readonly serverName: string;
  readonly replicas: readonly WeftProcess[];
  readonly databaseUrl: string;
}

describe.skipIf(!hasRedis || !hasDebianPostgres)(
  "three servers that federate, two of them of two replicas behind a round robin",
  () => {
    let network: Network;
    let redis: TestRedis[] = [];
    let databases: Postgres[] = [];
    const balancers: Balancer[] = [];
    let servers: Server[] = [];
    let users: TestUser[];
    const rooms: string[] = [];
    /** How often which status was answered. */
    const statuses = new Map<number, number>();
    const faults: string[] = [];

    beforeAll(async () => {
      network = await createNetwork();
      redis = await Promise.all([startRedis(), startRedis()]);
      databases = await Promise.all(NAMES.map(() => startDebianPostgres()));
      servers = await Promise.all(NAMES.map((name, i) => startServer(name, i, i < 2 ? 2 : 1)));
      users = await Promise.all(
        servers.flatMap((server, i) =>
          Array.from({ length: TALKERS }, (_, n) => register(server, `${NAMES[i]}${n}`)),
        ),
      );
      const [first, ...others] = users as [TestUser, ...TestUser[]];
      const levels = Object.fromEntries(others.map(({ userId }) => [userId, 100]));
      for (let n = 0; n < 2; n += 1) {
        const { room_id: roomId } = await first.call("POST", "/createRoom", {
          preset: "public_chat",
          power_level_content_override: { users: levels },
        });
        rooms.push(roomId);
        for (const user of others) {
          const via = `via=${servers[0]!.serverName}`;
          await user.call("POST", `/join/${encodeURIComponent(roomId)}?${via}`, {});
        }
      }
    }, 300_000);

    afterAll(async () => {
      await Promise.all(servers.flatMap(({ replicas }) => replicas.map((one) => one.stop())));
      await Promise.all(balancers.map((balancer) => balancer.close()));
      await Promise.all([...redis, ...databases].map((service) => service.stop()));
      await network?.close();
    }, 60_000);

    async function startServer(name: string, index: number, count: number): Promise<Server> {
      const [namePort, ...ports] = await freePorts(1 + count);
      const settings = {
        WEFT_DATABASE_URL: databases[index]!.url,
        ...(count > 1 && { WEFT_REDIS_URL: `redis+unix://${redis[index]!.path}` }),
      };
      balancers.push(await createBalancer(namePort!, ports));
      const serverName = `localhost:${namePort}`;
      const replicas: WeftProcess[] = [];
      for (const [i, securePort] of ports.entries()) {
        const shared = { securePort, settings, replicaOf: { name, serverName } };
        replicas.push(await startWeft(network, { name: `${name}${i}`, ...shared }));
      }
      let turn = 0;
      return {
        ...{ serverName, replicas, databaseUrl: databases[index]!.url },
        get baseUrl() {
          return replicas[turn++ % replicas.length]!.baseUrl;
        },
      };
    }

    /** Asks replica after replica until one answers with 200; what is no answer counts for nothing. */
    async function untilAnswered(user: TestUser, method: string, path: string, body?: unknown) {
      const asked = `${user.userId} ${method} ${path}`;
      const ask = async () => {
        const asking = user.ask(method, path, body).catch(() => undefined);
        const answer = await inTime(`an answer to ${asked}`, asking, ANSWER_MS);
        if (answer === undefined) checkAlive();
        if (answer === undefined || answer.status === 200) return answer;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        // A replica that is starting, or whose database is busy, says so with a 503.
        if (answer.status === 503) return undefined;
        faults.push(`${asked}: ${JSON.stringify(answer)}`);
        if (answer.status < 500) throw new Error(faults.at(-1));
        return undefined;
      };
      const patience = { within: ANSWERED_MS, every: RETRY_MS };
      return (await eventually(`200 for ${asked}`, ask, patience)).body;
    }

    /** Replicas die when the test kills them, and not otherwise. */
    function checkAlive(): void {
      for (const replica of servers.flatMap(({ replicas }) => replicas)) {
        if (!replica.hasDied || down.has(replica)) continue;
        throw new Error(`a replica died: ${replica.logged.slice(-20).join("\n")}`);
      }
    }

    const pathOf = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`;

    interface Deeds {
      /** Text → event id. */
      readonly said: Map<string, string>;
      readonly done: Map<string, string>;
      /** Tag → its order. */
      readonly tags: Map<string, number>;
    }

    /** Talks in a room, sets state, reads back what was answered at whichever replica is next. */
    async function act(user: TestUser, roomId: string, stop: AbortSignal): Promise<Deeds> {
      const deeds: Deeds = { said: new Map(), done: new Map(), tags: new Map() };
      const me = user.userId;
      for (let i = 0; !stop.aborted; i += 1) {
        const body = `${me} ${i}`;
        const message = { msgtype: "m.text", body };
        const path = pathOf(roomId);
        const sent = await untilAnswered(
          user,
          "PUT",
          `${path}/send/m.room.message/act${i}`,
          message,
        );
        deeds.said.set(body, sent.event_id);
        const found = await untilAnswered(user, "GET", `${path}/event/${sent.event_id}`);
        if (found.content.body !== body) faults.push(`${sent.event_id} is another event`);
        if (i % 5 === 0) {
          const content = { by: me, i };
          const key = `${path}/state/org.example.note/${encodeURIComponent(`of ${me} ${i % 3}`)}`;
          const set = await untilAnswered(user, "PUT", key, content);
          deeds.done.set(`${me} ${i}`, set.event_id);
        }
        if (i % 7 === 0) {
          const seen = `${path}/receipt/m.read/${encodeURIComponent(sent.event_id)}`;
          await untilAnswered(user, "POST", seen, {});
          const tag = `u.t${i % (7 * TAGS)}`;
          const tagPath = `/user/${encodeURIComponent(me)}${path}/tags/${tag}`;
          const order = 1 / (i + 1);
          await untilAnswered(user, "PUT", tagPath, { order });
          deeds.tags.set(tag, order);
        }
        await pause(50);
      }
      return deeds;
    }

    /** Replicas that are being killed and started again. */
    const down = new Set<WeftProcess>();

    async function kill(): Promise<void> {
      await someMoment(100, 800);
      const up = servers.flatMap(({ replicas }) => replicas).filter((one) => !down.has(one));
      const replica = up[Math.floor(Math.random() * up.length)]!;
      down.add(replica);
      await replica.kill();
      await someMoment(0, 500);
      await replica.start();
      down.delete(replica);
    }

    /** Two at a time may be down, those of one server too. */
    async function killAll(): Promise<void> {
      let left = KILLS;
      const killer = async () => {
        while (left > 0 && faults.length === 0) {
          left -= 1;
          await kill();
          if (left % 10 === 0) {
            console.info(`${left} kills are left; other answers ${JSON.stringify([...statuses])}`);
          }
        }
      };
      await Promise.all([killer(), killer()]);
    }

    test(
      "what is sent through one replica is seen through the other soon",
      { timeout: 180_000 },
      async () => {
        const { replicas } = servers[0]!;
        const session = ({ userId, token, deviceId }: TestUser) => ({
          ...{ user_id: userId, access_token: token, device_id: deviceId },
        });
        const took: number[] = [];
        const [here, there] = [
          userOf(replicas[0]!, session(users[0]!)),
          userOf(replicas[1]!, session(users[1]!)),
        ];
        for (const [sender, reader] of [
          [here, there],
          [userOf(replicas[1]!, session(users[0]!)), userOf(replicas[0]!, session(users[1]!))],
        ] as const) {
          let { next_batch: since } = await reader.sync({ filter: FILTER });
          for (let n = 0; n < TIMED / 2; n += 1) {
            const waiting = seen(reader, since, rooms[0]!);
            await pause(20);
            const started = performance.now();
            const sent = sender.send(rooms[0]!, `timed ${n}`);
            const { body, at } = await waiting;
            took.push(at - started);
            since = body.next_batch;
            await sent;
          }
        }
        took.sort((a, b) => a - b);
        const [half, most] = [0.5, 0.99].map((part) => took[Math.floor(took.length * part)]!);
        console.info(
          `send to seen at the other replica, ${took.length} messages: half within ` +
            `${half!.toFixed(1)} ms, 99 of 100 within ${most!.toFixed(1)} ms`,
        );
        if (IS_LONG) expect(most).toBeLessThan(SEEN_WITHIN_MS);
      },
    );

    test(
      `${KILLS} kills of replicas at random: no 500, nothing lost, nothing twice, equal rooms`,
      // What takes too long within it is told by its name.
      { timeout: ANSWERED_MS + 2 * EQUAL_MS + 60_000 + KILLS * 30_000 },
      async () => {
        const enough = new AbortController();
        const acting = Promise.all(
          users.map((user, i) => act(user, rooms[i % rooms.length]!, enough.signal)),
        );
        // Whatever ends it early also ends the kills, and is told when it's its turn.
        acting.catch((error: unknown) => faults.push(String(error)));
        await killAll().finally(() => enough.abort());
        const deeds = await acting;
        expect(faults).toEqual([]);
        expect([...statuses.keys()].filter((status) => status !== 503)).toEqual([]);

        let events = 0;
        for (const [r, roomId] of rooms.entries()) {
          const mine = deeds.filter((_, i) => i % rooms.length === r);
          const said = new Map(mine.flatMap((one) => [...one.said]));
          // Each says a last word, on top of what it knows, so that all extremities are merged everywhere.
          for (const [i, user] of users.entries()) {
            const body = { msgtype: "m.text", body: `${user.userId} is done` };
            const path = `${pathOf(roomId)}/send/m.room.message/last${i}`;
            said.set(body.body, (await untilAnswered(user, "PUT", path, body)).event_id);
          }
          const answered = [...said.values(), ...mine.flatMap(({ done }) => [...done.values()])];
          const readers = servers.flatMap((_, i) => users[i * TALKERS]!);
          const copies = await eventually(
            () => `the same room ${roomId} on all three`,
            async () => {
              const found = await Promise.all(readers.map(({ call }) => copyRoom(call, roomId)));
              const isWhole = found.every((copy) => answered.every((id) => copy.events.has(id)));
              const isEqual = found.every((copy) => copy.events.size === found[0]!.events.size);
              return isWhole && isEqual ? found : undefined;
            },
            { within: EQUAL_MS, every: 1_000 },
          );
          for (const copy of copies.slice(1)) expect(copy).toEqual(copies[0]);
          const bodies = bodiesIn(copies[0]!).filter((body) => !body.startsWith("timed"));
          expect(bodies).toEqual([...said.keys()].toSorted());
          events += copies[0]!.events.size;
        }
        for (const [i, user] of users.entries()) {
          const path = `/user/${encodeURIComponent(user.userId)}${pathOf(rooms[i % 2]!)}/tags`;
          const { tags } = await user.call("GET", path);
          const orders = Object.entries<Body>(tags).map(([tag, { order }]) => [tag, order]);
          expect(Object.fromEntries(orders)).toEqual(Object.fromEntries(deeds[i]!.tags));
        }
        for (const server of servers) {
          expect(await wrongIn(server, { rooms: true }), server.serverName).toEqual([]);
        }
        const messages = deeds.reduce((sum, { said }) => sum + said.size, 0);
        console.info(
          `${KILLS} kills: ${messages} messages were answered, ${events} events are on all three; ` +
            `other answers: ${JSON.stringify([...statuses])}`,
        );
      },
    );
  },
);

const FILTER = JSON.stringify({ presence: { types: [] }, room: { timeline: { limit: 5 } } });

/** The sync answer that tells of a new message in the room, and when it came. */
async function seen(
  reader: TestUser,
  since: string,
  roomId: string,
): Promise<{ body: Body; at: number }> {
  for (let token = since; ;) {
    const body = await reader.sync({ since: token, timeout: "10000", filter: FILTER });
    const at = performance.now();
    if (body.rooms?.join?.[roomId]?.timeline?.events.length > 0) return { body, at };
    token = body.next_batch;
  }
}
