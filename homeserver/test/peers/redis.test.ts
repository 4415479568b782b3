import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";
import { hasDebianPostgres, startDebianPostgres } from "./support/debian-postgres.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { copyRoom } from "./support/room-copy.ts";
import { eventually } from "../support/wait.ts";

/** A server of two replicas, and another server that is a single process. */
describe.skipIf(!hasRedis || !hasDebianPostgres)(
  "two replicas of one server on PostgreSQL 15 and Redis",
  { timeout: 180_000 },
  () => {
    let network: Network;
    let redis: TestRedis;
    let postgres: Awaited<ReturnType<typeof startDebianPostgres>>;
    let replicas: WeftProcess[];
    let there: WeftProcess;
    let alice: TestUser;
    /** The same person, at the other replica. */
    let aliceToo: TestUser;
    let anna: TestUser;
    let bob: TestUser;
    let roomId: string;

    beforeAll(async () => {
      network = await createNetwork();
      [redis, postgres] = await Promise.all([startRedis(), startDebianPostgres()]);
      const settings = {
        WEFT_DATABASE_URL: postgres.url,
        WEFT_REDIS_URL: `redis+unix://${redis.path}`,
      };
      const first = await startWeft(network, { name: "one", settings });
      const replicaOf = { name: "one", serverName: first.serverName };
      const [second, other] = await Promise.all([
        startWeft(network, { name: "two", replicaOf, settings }),
        startWeft(network, { name: "there" }),
      ]);
      replicas = [first, second];
      there = other;
      [alice, anna, bob] = await Promise.all([
        register(first, "alice"),
        register(second, "anna"),
        register(there, "bob"),
      ]);
      aliceToo = userOf(second, {
        user_id: alice.userId,
        access_token: alice.token,
        device_id: alice.deviceId,
      });
      roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
      await anna.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
      const via = `?via=${first.serverName}`;
      await bob.call("POST", `/join/${encodeURIComponent(roomId)}${via}`, {});
    }, 180_000);

    afterAll(async () => {
      await Promise.all([...(replicas ?? []), there].map((weft) => weft?.stop()));
      await Promise.all([redis?.stop(), postgres?.stop()]);
      await network?.close();
    }, 60_000);

    const told = (eventId: string) => (body: Body) =>
      body.rooms?.join?.[roomId]?.timeline?.events.some((one: Body) => one.event_id === eventId);

    test("a message sent through the one is synced through the other at once", async () => {
      const { next_batch: since } = await anna.sync();
      const waiting = anna.syncUntil(since, () => true);
      const started = Date.now();
      const eventId = await alice.send(roomId, "through the first");
      expect(
        told(eventId)(await waiting) || (await anna.syncUntil(since, told(eventId))),
      ).toBeTruthy();
      // Its own time is over after thirty seconds.
      expect(Date.now() - started).toBeLessThan(25_000);
    });

    test("both replicas write to one room at a time, and every message is there once", async () => {
      const said = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 ? alice : anna).send(roomId, `both ${i}`)),
      );
      for (const user of [alice, aliceToo]) {
        const { events } = await copyRoom(user.call, roomId);
        expect(said.filter((eventId) => !events.has(eventId))).toEqual([]);
      }
    });

    test("typing and receipts at the one are told by the other", async () => {
      const { next_batch: since } = await anna.sync();
      const typing = `/rooms/${encodeURIComponent(roomId)}/typing/${encodeURIComponent(alice.userId)}`;
      await alice.call("PUT", typing, { typing: true, timeout: 20_000 });
      const eventId = await anna.send(roomId, "I see you");
      const receipt = `/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`;
      await eventually("the event at the first", async () => {
        const answer = await alice.ask("POST", receipt, {});
        return answer.status === 200;
      });
      const seen = new Set<string>();
      await anna.syncUntil(since, (body) => {
        for (const { type, content } of body.rooms?.join?.[roomId]?.ephemeral?.events ?? []) {
          if (type === "m.typing" && content.user_ids.includes(alice.userId)) seen.add(type);
          if (type === "m.receipt" && content[eventId]?.["m.read"]?.[alice.userId]) seen.add(type);
        }
        return seen.size === 2;
      });
    });

    test("another server talks with both as with one", async () => {
      const { next_batch: since } = await bob.sync();
      const said = [
        await alice.send(roomId, "by the first"),
        await anna.send(roomId, "by the second"),
      ];
      const answer = await bob.send(roomId, "to both");
      for (const eventId of said) await bob.syncUntil(since, told(eventId));
      for (const user of [alice, aliceToo, anna]) {
        await eventually("bob's answer", async () => {
          const path = `/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(answer)}`;
          return (await user.ask("GET", path)).status === 200;
        });
      }
      const copies = () => Promise.all([aliceToo, bob].map(({ call }) => copyRoom(call, roomId)));
      await eventually("the same room on both servers", async () => {
        const [own, other] = await copies();
        return own!.events.size === other!.events.size;
      });
      const [own, other] = await copies();
      expect(other).toEqual(own);
    });

    test("when one replica is killed, the other goes on with everything", async () => {
      const { next_batch: since } = await bob.sync();
      await replicas[0]!.kill();
      const eventId = await aliceToo.send(roomId, "one is enough");
      await bob.syncUntil(since, told(eventId));
    });
  },
);
