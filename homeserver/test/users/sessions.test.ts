import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errcodeOf, id, openUsers, type TestUsers } from "./support.ts";
import { eventually } from "../support/wait.ts";

let t: TestUsers;
beforeAll(async () => {
  t = await openUsers({ replicated: true });
  await t.users.registration.create("alice", "wonderland");
  await t.users.registration.create("bob", "builder");
});
afterAll(() => t.close());

const alice = id("alice");
const byToken = async (token: string) => t.users.sessions.byAccessToken(token);

describe("access tokens", () => {
  test("a token stands for its user and device, and is stored as a hash only", async () => {
    const session = await t.users.sessions.issue(alice, { deviceId: "PHONE" });
    expect(await byToken(session.accessToken)).toMatchObject({ userId: alice, deviceId: "PHONE" });
    const [row] = await t.sql`SELECT encode(token_hash, 'escape') AS text FROM access_tokens`;
    expect(row?.["text"]).not.toContain(session.accessToken);
    expect(session.expiresInMs).toBeUndefined();
  });

  test("an unknown token is M_UNKNOWN_TOKEN without a soft logout", async () => {
    await expect(byToken("nonsense")).rejects.toMatchObject({
      status: 401,
      errcode: "M_UNKNOWN_TOKEN",
      extra: undefined,
    });
  });

  test("a known token costs no query", async () => {
    const { accessToken } = await t.users.sessions.issue(alice, {});
    await byToken(accessToken);
    const before = await queries();
    for (let i = 0; i < 100; i += 1) await byToken(accessToken);
    expect((await queries()) - before).toBeLessThan(20);
  });

  test("signing in again on a device ends its former token and keeps its name", async () => {
    const name = { deviceId: "LAPTOP", initialDeviceDisplayName: "Laptop" };
    const first = await t.users.sessions.issue(alice, name);
    await byToken(first.accessToken);
    const second = await t.users.sessions.issue(alice, {
      deviceId: "LAPTOP",
      initialDeviceDisplayName: "Other",
    });
    expect(await errcodeOf(byToken(first.accessToken))).toBe("M_UNKNOWN_TOKEN");
    expect(await byToken(second.accessToken)).toMatchObject({ deviceId: "LAPTOP" });
    expect(await t.users.devices.get(alice, "LAPTOP")).toMatchObject({ displayName: "Laptop" });
  });

  test("signing out on one replica is heard by the others", async () => {
    const other = await t.replica();
    const { accessToken, deviceId } = await t.users.sessions.issue(alice, {});
    await other.sessions.byAccessToken(accessToken);
    await t.users.devices.remove(alice, [deviceId]);
    expect(await errcodeOf(byToken(accessToken))).toBe("M_UNKNOWN_TOKEN");
    await eventually("the other replica refuses the token", async () => {
      const asked = errcodeOf((async () => other.sessions.byAccessToken(accessToken))());
      return (await asked) !== "nothing";
    });
  });

  test("devices are told of as they come and go", async () => {
    t.told.length = 0;
    await t.users.sessions.issue(alice, { deviceId: "TABLET" });
    await t.users.devices.rename(alice, "TABLET", "Kitchen");
    await t.users.devices.remove(alice, ["TABLET", "UNKNOWN"]);
    expect(t.told).toEqual([
      `changed ${alice} TABLET`,
      `changed ${alice} TABLET`,
      `removed ${alice} TABLET`,
    ]);
  });

  test("the time, address and program of the last request are kept with the device", async () => {
    const { accessToken } = await t.users.sessions.issue(alice, { deviceId: "SEEN" });
    await t.users.sessions.byAccessToken(accessToken, { ip: "192.0.2.7", userAgent: "Test/1" });
    const device = await t.users.devices.get(alice, "SEEN");
    expect(device).toMatchObject({ lastSeenIp: "192.0.2.7", lastSeenTs: t.clock.now() });
  });
});

describe("refreshing", () => {
  const refreshable = () => t.users.sessions.issue(id("bob"), { refreshToken: true });

  test("an expired token is a soft logout, and its refresh token gives a new one", async () => {
    const first = await refreshable();
    t.clock.advance(first.expiresInMs! + 1);
    await expect(byToken(first.accessToken)).rejects.toMatchObject({
      errcode: "M_UNKNOWN_TOKEN",
      extra: { soft_logout: true },
    });
    const second = await t.users.sessions.refresh(first.refreshToken!);
    expect(await byToken(second.accessToken)).toMatchObject({ deviceId: first.deviceId });
  });

  test("an exchange that ends no token tells nobody, and one that does, everybody", async () => {
    const first = await refreshable();
    const { position } = t.log;
    const second = await t.users.sessions.refresh(first.refreshToken!);
    expect(t.log.position).toBe(position);
    await byToken(second.accessToken);
    expect(t.log.position).toBe(position + 1);
  });

  test("a refresh token stays good until what it was exchanged for is used", async () => {
    const first = await refreshable();
    const lost = await t.users.sessions.refresh(first.refreshToken!);
    const again = await t.users.sessions.refresh(first.refreshToken!);
    expect(await errcodeOf(byToken(lost.accessToken))).toBe("M_UNKNOWN_TOKEN");
    expect(await byToken(first.accessToken)).toMatchObject({ deviceId: first.deviceId });
    expect(await byToken(again.accessToken)).toMatchObject({ deviceId: first.deviceId });
    expect(await errcodeOf(t.users.sessions.refresh(first.refreshToken!))).toBe("M_UNKNOWN_TOKEN");
    expect(await errcodeOf(byToken(first.accessToken))).toBe("M_UNKNOWN_TOKEN");
  });

  test("using the new refresh token ends the old one, and showing that again ends the family", async () => {
    const first = await refreshable();
    const second = await t.users.sessions.refresh(first.refreshToken!);
    const third = await t.users.sessions.refresh(second.refreshToken!);
    expect(await errcodeOf(t.users.sessions.refresh(first.refreshToken!))).toBe("M_UNKNOWN_TOKEN");
    expect(await errcodeOf(byToken(third.accessToken))).toBe("M_UNKNOWN_TOKEN");
  });

  test("signing out ends the refresh token too", async () => {
    const session = await refreshable();
    await t.users.devices.remove(id("bob"), [session.deviceId]);
    expect(await errcodeOf(t.users.sessions.refresh(session.refreshToken!))).toBe(
      "M_UNKNOWN_TOKEN",
    );
  });
});

/** Look-ups in access_tokens so far, as PostgreSQL counts them. */
async function queries(): Promise<number> {
  await t.sql`SELECT pg_stat_force_next_flush()`;
  const [row] = await t.sql`
    SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) AS n FROM pg_stat_user_tables
    WHERE relname = 'access_tokens'`;
  return Number(row?.["n"] ?? 0);
}
