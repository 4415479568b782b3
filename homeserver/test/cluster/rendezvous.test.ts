/** Where two devices meet: in one process, and between replicas. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Meetings, memoryMeetings, redisMeetings } from "../../src/cluster/rendezvous.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { eventually } from "../support/wait.ts";

const LASTS = 60_000;
const meeting = (data: string, at = Date.now()) => ({
  ...{ data, token: `token of ${data}`, writtenTs: at, expiresTs: at + LASTS },
});

let redis: TestRedis | undefined;
beforeAll(async () => {
  if (hasRedis) redis = await startRedis();
});
afterAll(() => redis?.stop());

let prefixes = 0;
const kinds: [name: string, open: () => Meetings, isThere: boolean][] = [
  ["in memory", () => memoryMeetings(Date.now, 3), true],
  [
    "in Redis",
    () => redisMeetings(redis!.connect(), { prefix: `m${++prefixes}:`, now: Date.now, max: 3 }),
    hasRedis,
  ],
];

for (const [name, open, isThere] of kinds) {
  describe.skipIf(!isThere)(name, () => {
    let meetings: Meetings;
    beforeEach(async () => {
      meetings = open();
      await eventually("Redis is there", () =>
        meetings.get("ready").then(
          () => true,
          () => false,
        ),
      );
    });

    test("what stands there is replaced by who knows it, and by nobody else", async () => {
      await meetings.create("a", meeting("one"));
      const next = { data: "two", token: "second", writtenTs: 5 };
      expect(await meetings.write("a", "wrong", next)).toMatchObject({ data: "one" });
      const written = await meetings.write("a", "token of one", next);
      expect(written).toEqual({ ...next, expiresTs: (await meetings.get("a"))?.expiresTs });
      expect(await meetings.get("a")).toEqual(written);
      expect(await meetings.write("nowhere", "token of one", next)).toBeUndefined();
      expect(await meetings.get("nowhere")).toBeUndefined();
    });

    test("of many who write at once one does", async () => {
      await meetings.create("a", meeting("one"));
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          meetings.write("a", "token of one", { data: `${n}`, token: `t${n}`, writtenTs: n }),
        ),
      );
      const tokens = new Set(outcomes.map((outcome) => outcome?.token));
      expect(tokens.size).toBe(1);
    });

    test("there are only so many; those that ended make room", async () => {
      const past = Date.now() - LASTS - 1;
      for (const id of ["a", "b"]) expect(await meetings.create(id, meeting(id))).toBe(true);
      expect(await meetings.create("c", meeting("c"))).toBe(true);
      expect(await meetings.create("d", meeting("d"))).toBe(false);
      expect([await meetings.end("a"), await meetings.end("a")]).toEqual([true, false]);
      expect(await meetings.create("over", meeting("over", past))).toBe(true);
      expect(await meetings.get("over")).toBeUndefined();
      expect(await meetings.end("over")).toBe(false);
    });
  });
}

test.skipIf(!hasRedis)("while Redis is away a request is refused, and does not hang", async () => {
  const client = redis!.connect();
  client.disconnect();
  const meetings = redisMeetings(client, { prefix: "gone:", now: Date.now });
  await expect(meetings.get("a")).rejects.toMatchObject({ status: 503 });
});
