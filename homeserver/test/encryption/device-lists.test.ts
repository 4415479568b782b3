import { expect, test } from "vitest";
import type { JsonObject } from "../../src/protocol/json.ts";
import { until } from "../support/wait.ts";
import { crossSigning, deviceOf } from "./keys-of-others.ts";
import {
  ALICE,
  asked,
  BOB,
  bobHas,
  clock,
  isBack,
  known,
  lists,
  notThere,
  on,
  passes,
  read,
  replica,
  roomOf,
  start,
  stored,
  there,
  THERE,
  told,
  tooLarge,
  untilLater,
  update,
} from "./one-server.ts";

const phone = deviceOf(BOB, "PHONE").object;
const tablet = deviceOf(BOB, "TABLET").object;

test("a list that was read follows the updates, and local users are told of each", async () => {
  await roomOf(ALICE, BOB);
  bobHas(5, { PHONE: phone });
  expect(await read()).toEqual(["PHONE"]);
  expect([told, await known()]).toMatchObject([[], { isFresh: true }]);
  await update(6, [5], "TABLET", { keys: tablet, device_display_name: "Slate" });
  expect([await stored(), told]).toEqual([["PHONE", "TABLET"], [BOB]]);
  await update(7, [6], "PHONE", { deleted: true });
  expect([await stored(), told]).toEqual([["TABLET"], [BOB, BOB]]);
  // Repeated, from before the snapshot, and a device without keys: nothing that a user could see.
  await update(7, [6], "PHONE", { deleted: true });
  await update(4, [3], "OLD", { keys: deviceOf(BOB, "OLD").object });
  await update(8, [7], "NOKEYS", { device_display_name: "Terminal" });
  expect([await stored(), told, await known()]).toMatchObject([
    ["TABLET"],
    [BOB, BOB],
    { isFresh: true },
  ]);
  expect(asked).toEqual([`devices ${BOB}`]);
});

test("an update that follows on something unknown has the list read anew", async () => {
  await roomOf(ALICE, BOB);
  bobHas(5, { PHONE: phone });
  await read();
  bobHas(9, { TABLET: tablet });
  await update(9, [8], "TABLET", { keys: tablet });
  expect([await known(), told]).toMatchObject([{ isFresh: false }, [BOB]]);
  // More that is missed is no news, and a list is not read anew within moments.
  await update(12, [11], "X");
  expect([told, asked.length]).toEqual([[BOB], 1]);
  bobHas(12, { TABLET: tablet });
  await untilLater(1_000, async () => (await known()).isFresh);
  expect([await stored(), told, asked.length]).toEqual([["TABLET"], [BOB, BOB], 2]);
});

test("an update that comes while the list is read counts, unless the answer has it", async () => {
  await roomOf(ALICE, BOB);
  for (const [answered, isFresh] of [
    [5, false],
    [6, true],
  ] as const) {
    const answer = Promise.withResolvers<void>();
    there.userDevices = async () => {
      await answer.promise;
      return { user_id: BOB, stream_id: answered, devices: [] };
    };
    const reading = read();
    await until(() => asked.length > 0);
    await update(6, [5], "PHONE", { keys: phone });
    answer.resolve();
    await reading;
    expect(await known()).toMatchObject({ isFresh });
    await on.sql`DELETE FROM remote_device_lists`;
    asked.length = 0;
  }
});

test("whoever asks while a list is read waits for the same answer", async () => {
  await roomOf(ALICE, BOB);
  bobHas(5, { PHONE: phone });
  const before = await known();
  const all = await Promise.all([read(before), read(before), read(before)]);
  expect(all).toEqual([["PHONE"], ["PHONE"], ["PHONE"]]);
  expect(asked).toEqual([`devices ${BOB}`]);
});

test("a list that was not read is tried again, with pauses, also after a restart", async () => {
  await roomOf(ALICE, BOB);
  await expect(read()).rejects.toThrow("away");
  expect(await known()).toMatchObject({ isFresh: false, wasRead: false, isResting: false });
  // Whoever asks does not wait for what has failed four times.
  await untilLater(500, async () => (await known()).isResting);
  expect(asked.length).toBe(4);
  await lists.stop();
  start();
  bobHas(5, { PHONE: phone });
  isBack();
  await until(async () => (await known()).isFresh);
  // Whoever got no answer has to ask again.
  expect([await stored(), told]).toEqual([["PHONE"], [BOB]]);
});

test("an endless row of gaps costs a few questions a minute, one at a time", async () => {
  await roomOf(ALICE, BOB);
  let atOnce = 0;
  there.userDevices = async () => {
    expect((atOnce += 1)).toBe(1);
    await passes();
    atOnce -= 1;
    return { user_id: BOB, stream_id: 1, devices: [] };
  };
  await read();
  for (let n = 1; n <= 120; n += 1) {
    await update(n * 10, [n * 10 - 5], "PHONE", { keys: phone });
    await until(() => clock.sleepers > 0);
    clock.advance(500);
  }
  expect(asked.length).toBeLessThan(9);
  expect(told.length).toBeLessThan(20);
});

test("too many changes within a minute are read together, later", async () => {
  await roomOf(ALICE, BOB);
  bobHas(1, {});
  await read();
  for (let n = 1; n <= 70; n += 1) {
    await update(n + 1, [n], "PHONE", { keys: phone, device_display_name: `name ${n}` });
  }
  expect(await known()).toMatchObject({ isFresh: false });
  expect(told.length).toBeLessThan(65);
});

test("updates of users who share no room, or are of another server, are not heard", async () => {
  await update(6, [5], "PHONE", { keys: phone });
  await roomOf(ALICE, BOB);
  await lists.updates.device("third.example" as never, {
    ...{ user_id: BOB, device_id: "PHONE", stream_id: 1, prev_id: [], keys: phone },
  });
  for (const content of [{}, { user_id: 7 }, { user_id: BOB }, { user_id: BOB, device_id: 1 }]) {
    await lists.updates.device(THERE, content);
  }
  expect([told, await known()]).toMatchObject([[], { changes: undefined }]);
});

test("a list that nobody asked for is not read, but its users' friends are told once", async () => {
  await roomOf(ALICE, BOB);
  for (let n = 1; n < 5; n += 1) await update(n, [], "PHONE", { keys: phone });
  expect([told, asked]).toEqual([[BOB], []]);
  bobHas(4, { PHONE: phone });
  expect([await read(), await known()]).toMatchObject([["PHONE"], { isFresh: true }]);
});

test("cross-signing keys come with the list and with updates", async () => {
  await roomOf(ALICE, BOB);
  const first = crossSigning(BOB);
  const laptop = deviceOf(BOB, "LAPTOP", first.selfSigning).object;
  bobHas(5, { LAPTOP: laptop });
  await read();
  // The signature is by a key that nobody has told of yet.
  await update(6, [5], "LAPTOP", { keys: laptop });
  expect([await known(), told]).toMatchObject([{ isFresh: false }, [BOB]]);
  const keys = {
    master_key: first.master.object,
    self_signing_key: first.selfSigning.object,
  };
  bobHas(6, { LAPTOP: laptop }, keys);
  await read();
  const list = () => lists.lists.load([BOB]).then((all) => all.get(BOB)!);
  expect(JSON.parse((await list()).devices[0]!.keys)).toEqual(laptop);
  const next = crossSigning(BOB);
  const tell = (master_key: JsonObject, self_signing_key: JsonObject) =>
    lists.updates.signingKeys(THERE, { user_id: BOB, master_key, self_signing_key });
  await tell(next.master.object, next.selfSigning.object);
  expect(JSON.parse((await list()).selfSigningKey!)).toEqual(next.selfSigning.object);
  expect([await known(), told.length]).toMatchObject([{ isFresh: true }, 3]);
  await tell(next.master.object, next.selfSigning.object);
  expect(told.length).toBe(3);
  // Not signed by the master key: what is true has to be asked for.
  await tell(first.master.object, next.selfSigning.object);
  expect([await known(), told.length]).toMatchObject([{ isFresh: false }, 4]);
});

test("lists of several users are one question, and are kept up to date from then on", async () => {
  const carol = `@carol:${THERE}` as typeof BOB;
  await roomOf(ALICE, BOB, carol);
  there.queryKeys = async () => ({
    device_keys: {
      [BOB]: { PHONE: phone, EVIL: deviceOf(carol, "EVIL").object },
      "@dan:third.example": { X: deviceOf("@dan:third.example", "X").object },
    },
  });
  const all = await lists.lists.look([BOB, carol]);
  const wanted = [...all].map(([userId, { changes }]) => ({
    ...{ userId, deviceIds: [], isKept: true, changes },
  }));
  const { lists: found } = await lists.reader.read(THERE, wanted);
  expect([...found.keys()]).toEqual([BOB, carol]);
  expect([await stored(), asked]).toEqual([["PHONE"], [`query ${BOB} ${carol}`]]);
  there.queryKeys = notThere;
  // The answer had no id. An update that it has in it tells which one it is.
  await update(6, [5], "PHONE", { keys: phone });
  expect(await known()).toMatchObject({ isFresh: true });
  await update(7, [6], "TABLET", { keys: tablet });
  expect([await known(), await stored(), told]).toMatchObject([
    { isFresh: true },
    ["PHONE", "TABLET"],
    [BOB],
  ]);
  // Of any other update it is not known what was missed before it.
  await on.sql`UPDATE remote_device_lists SET stream_ids = '{}'`;
  await update(9, [8], "TABLET", { deleted: true });
  expect(await known()).toMatchObject({ isFresh: false });
});

test("a user of whom too much is told does not spoil the answer about others", async () => {
  const users = ["a", "b", "c", "d"].map((name) => `@${name}:${THERE}` as typeof BOB);
  await roomOf(ALICE, BOB, ...users);
  there.queryKeys = async (wanted) => {
    const told = Object.keys(wanted).filter((userId) => userId !== BOB);
    const device_keys = told.map((id) => [id, { D: deviceOf(id, "D").object }] as const);
    if (BOB in wanted) throw tooLarge();
    return { device_keys: Object.fromEntries(device_keys) };
  };
  there.userDevices = async (user_id) => {
    if (user_id === BOB) throw tooLarge();
    const devices = [{ device_id: "D", keys: deviceOf(user_id, "D").object }];
    return { user_id, stream_id: 1, devices };
  };
  const wanted = [BOB, ...users].map((userId) => ({
    ...{ userId, deviceIds: [], isKept: true, changes: undefined },
  }));
  const { lists: found, error } = await lists.reader.read(THERE, wanted);
  expect([[...found.keys()], error]).toMatchObject([users, { message: "too much" }]);
  const all = await lists.lists.look([BOB, ...users]);
  expect([...all.values()].map(({ isFresh }) => isFresh)).toEqual([false, true, true, true, true]);
});

test("lists are loaded up to a size together, the smallest first", async () => {
  const users = ["a", "b", "c"].map((name) => `@${name}:${THERE}` as typeof BOB);
  await roomOf(ALICE, ...users);
  there.queryKeys = async () => {
    const devices = users.map((userId, n) => {
      const ids = Array.from({ length: (3 - n) * 10 }, (_, i) => `D${i}`);
      return [userId, Object.fromEntries(ids.map((id) => [id, deviceOf(userId, id).object]))];
    });
    return { device_keys: Object.fromEntries(devices) as JsonObject };
  };
  const wanted = users.map((userId) => ({
    ...{ userId, deviceIds: [], isKept: true, changes: undefined },
  }));
  await lists.reader.read(THERE, wanted);
  expect([...(await lists.lists.load(users)).keys()].toSorted()).toEqual(users);
  expect([...(await lists.lists.load(users, 20_000)).keys()].toSorted()).toEqual(users.slice(1));
  expect((await lists.lists.load(users, 100)).size).toBe(0);
});

test("of two replicas one reads a stale list, and the other when that one is gone", async () => {
  await roomOf(ALICE, BOB);
  bobHas(5, { PHONE: phone });
  await read();
  await lists.stop();
  asked.length = 0;
  const both = [replica(), replica()];
  bobHas(9, { TABLET: tablet });
  for (const { lists: own } of both) {
    const content = { user_id: BOB, device_id: "TABLET", stream_id: 9, prev_id: [8] };
    await own.updates.device(THERE, content);
  }
  await untilLater(1_000, async () => (await known()).isFresh);
  expect([asked, told]).toEqual([[`devices ${BOB}`], [BOB, BOB]]);
  // Whichever of them has the lease gives it up.
  await both.pop()!.close();
  bobHas(12, {});
  await both[0]!.lists.updates.device(THERE, {
    ...{ user_id: BOB, device_id: "TABLET", stream_id: 12, prev_id: [11], deleted: true },
  });
  await untilLater(1_000, async () => (await known()).isFresh);
  expect([await stored(), asked.length]).toEqual([[], 2]);
  await both.pop()!.close();
});
