import { expect, test } from "vitest";
import { ALICE, BOB, LAPTOP, PHONE, pass, presence, told } from "./alone.ts";

test("who syncs is online, and offline some time after the last sync", async () => {
  await presence.seen(PHONE, "online", 30_000);
  expect(presence.of(ALICE)?.presence).toBe("online");
  await pass(20_000);
  await presence.seen(PHONE, "online", 30_000);
  await pass(20_000);
  expect(presence.of(ALICE)?.presence).toBe("online");
  expect(told).toHaveLength(1);
  await pass(20_000);
  expect(presence.of(ALICE)?.presence).toBe("offline");
});

test("an idle client does not hide that another one is in use", async () => {
  await presence.seen(PHONE, "online", 30_000);
  for (let i = 0; i < 5; i += 1) await presence.seen(LAPTOP, "unavailable", 60_000);
  expect(told).toHaveLength(1);
  expect(presence.of(ALICE)?.presence).toBe("online");
  await pass(40_000);
  expect(presence.of(ALICE)?.presence).toBe("unavailable");
  await pass(40_000);
  expect(presence.of(ALICE)?.presence).toBe("offline");
});

test("a sync with set_presence=offline changes nothing", async () => {
  await presence.seen(PHONE, "offline", 30_000);
  expect(presence.of(ALICE)).toBeUndefined();
});

test("a device speaks for itself by what it said last", async () => {
  await presence.set(PHONE, "online", undefined);
  await presence.seen(PHONE, "unavailable", 60_000);
  expect(presence.of(ALICE)?.presence).toBe("unavailable");
  await presence.seen(LAPTOP, "online", 60_000);
  expect(presence.of(ALICE)?.presence).toBe("online");
  await presence.set(PHONE, "offline", "Gone");
  expect(presence.of(ALICE)).toMatchObject({ presence: "online", statusMsg: "Gone" });
  await presence.seen(LAPTOP, "offline", 60_000);
  expect(presence.of(ALICE)).toMatchObject({ presence: "offline", currentlyActive: false });
});

test("who comes into a room is announced anew, unless they are away", async () => {
  await presence.seen(PHONE, "online", 30_000);
  await pass(1_000);
  presence.joined(ALICE);
  presence.joined(BOB);
  await pass(1_000);
  expect(told.map(({ key }) => key)).toEqual([`m.presence ${ALICE}`, `m.presence ${ALICE}`]);
  await pass(60_000);
  told.length = 0;
  presence.joined(ALICE);
  await pass(1_000);
  expect(told).toEqual([]);
});

test("an enormous timeout does not keep anybody online", async () => {
  await presence.seen(PHONE, "online", 1e15);
  await pass(5 * 60_000);
  expect(presence.of(ALICE)?.presence).toBe("offline");
});

test("what is said of oneself keeps its words, and ends if one never syncs", async () => {
  await presence.set(PHONE, "unavailable", "At lunch");
  await presence.seen(PHONE, "unavailable", 30_000);
  expect(presence.of(ALICE)).toMatchObject({ presence: "unavailable", statusMsg: "At lunch" });
  await pass(6 * 60_000);
  expect(presence.of(ALICE)).toMatchObject({ presence: "offline", statusMsg: "At lunch" });
});
