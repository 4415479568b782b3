/** Who is limited, by what, and that no way around it is left. */
import { lastingSession } from "../support/lasting-session.ts";
import { operations } from "@weft/spec/operations";
import { expect, test } from "vitest";
import { createRateLimiter, memoryBuckets } from "../../src/http/access/rate-limit.ts";
import { route } from "../../src/http/route.ts";
import { errors } from "../../src/protocol/errors.ts";
import { server, startServer } from "./one-server.ts";
import { ALICE, asAlice } from "./support.ts";

/** How many of `count` requests from each of these addresses are let through. */
async function admitted(rateClass: "login" | "directory", addresses: readonly string[]) {
  const limiter = createRateLimiter(memoryBuckets(() => 0));
  let count = 0;
  for (const ip of addresses) {
    const refused = await limiter.check(rateClass, { ip }).then(
      () => false,
      () => true,
    );
    if (!refused) count += 1;
  }
  return count;
}

test("a network of version 6 is one who asks, two are two, and so are two addresses of version 4", async () => {
  const hosts = Array.from({ length: 200 }, (_, host) => host);
  expect(
    await admitted(
      "login",
      hosts.map((host) => `2001:db8:1:2::${host.toString(16)}`),
    ),
  ).toBe(30);
  expect(
    await admitted(
      "login",
      hosts.map((host) => `2001:db8:1:${host.toString(16)}::1`),
    ),
  ).toBe(200);
  expect(
    await admitted(
      "login",
      hosts.map((host) => `192.0.2.${host}`),
    ),
  ).toBe(200);
});

test("strangers' servers are counted by network, too", async () => {
  const limiter = createRateLimiter(memoryBuckets(() => 0));
  const asked = Array.from({ length: 300 }, (_, host) =>
    limiter.checkStranger(`2001:db8:1:2::${host.toString(16)}`),
  );
  const outcomes = await Promise.allSettled(asked);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(200);
});

test("strangers who sign in at an address keep nobody there from proving who they are", async () => {
  const limiter = createRateLimiter(memoryBuckets(() => 0));
  const ip = "192.0.2.1";
  for (let count = 0; count < 100; count++) await limiter.check("login", { ip }).catch(() => 0);
  const user = "@alice:here.test";
  expect(operations.changePassword.rateClass).toBe("password");
  expect(operations.deactivateAccount.rateClass).toBe("password");
  await expect(limiter.check("password", { ip, user })).resolves.toBeUndefined();
  // Without a session it is the address that counts.
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, () => limiter.check("password", { ip })),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(30);
});

test("questions for keys and claims are counted together, by user, with room for one who opens a large room", async () => {
  expect(operations.queryKeys.rateClass).toBe("keys");
  expect(operations.claimKeys.rateClass).toBe("keys");
  let now = 0;
  const limiter = createRateLimiter(memoryBuckets(() => now));
  const ip = "192.0.2.1";
  const admittedTo = async (user: string, count: number) => {
    const asked = Array.from({ length: count }, () => limiter.check("keys", { ip, user }));
    const outcomes = await Promise.allSettled(asked);
    return outcomes.filter(({ status }) => status === "fulfilled").length;
  };
  expect(await admittedTo("@mallory:here.test", 2_000)).toBe(500);
  await expect(limiter.check("keys", { ip, user: "@mallory:here.test" })).rejects.toMatchObject({
    errcode: "M_LIMIT_EXCEEDED",
    extra: { retry_after_ms: 50 },
  });
  // A room of 10,000 members, asked for in parts of 250, and claims for as many.
  expect(await admittedTo("@alice:here.test", 80)).toBe(80);
  now += 1_000;
  expect(await admittedTo("@mallory:here.test", 2_000)).toBe(20);
});

test("who asks for other servers' lists without being signed in is limited, as the specification has it or not", async () => {
  await startServer(
    [route("getPublicRooms", () => ({ chunk: [], total_room_count_estimate: 0 }))],
    { limited: true },
  );
  const statuses: number[] = [];
  for (let count = 0; count < 60; count++) {
    const url = `/_matrix/client/v3/publicRooms?server=made-up-${count}.test`;
    statuses.push((await server.app.inject({ url })).statusCode);
  }
  expect(statuses.filter((status) => status === 200).length).toBeLessThan(35);
  expect(statuses.at(-1)).toBe(429);
});

test("of sign-ins only those that fail count, up to a bound of all: an office behind one address does not wait", async () => {
  let now = 0;
  const limiter = createRateLimiter(memoryBuckets(() => now));
  const ip = "192.0.2.1";
  const attempts = async (count: number, succeed: boolean) => {
    let admittedCount = 0;
    for (let done = 0; done < count; done++) {
      const refused = await limiter.check("login", { ip }).catch(() => "refused");
      if (refused === "refused") continue;
      admittedCount += 1;
      if (succeed) await limiter.succeeded("login", { ip });
    }
    return admittedCount;
  };
  expect(await attempts(200, true)).toBe(200);
  expect(await attempts(200, false)).toBe(30);
  // Nobody signs in without an end either: a success costs the server as much as a failure.
  now += 3_600_000;
  expect(await attempts(1_000, true)).toBe(300);
});

test("an answered sign-in is told to the limits, a refused one is not", async () => {
  let isRight = true;
  const signIn = route("login", () => {
    if (!isRight) throw errors.forbidden("Wrong");
    return { user_id: "@a:here.test", access_token: "t", device_id: "D" };
  });
  await startServer([signIn], { limited: true });
  const statuses = new Map<number, number>();
  const tries = async (count: number) => {
    for (let done = 0; done < count; done++) {
      const payload = { type: "m.login.password" };
      const url = "/_matrix/client/v3/login";
      const { statusCode } = await server.app.inject({ method: "POST", url, payload });
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
    }
  };
  await tries(50);
  expect(statuses).toEqual(new Map([[200, 50]]));
  isRight = false;
  await tries(50);
  expect(statuses.get(403)).toBeLessThan(35);
  expect(statuses.get(429)).toBeGreaterThan(15);
});

test("administrators are not limited", async () => {
  let isAdmin = false;
  await startServer([route("createRoom", () => ({ room_id: "!r:here.test" }))], {
    limited: true,
    authenticator: { byAccessToken: async () => ({ ...ALICE, isAdmin }), watch: lastingSession },
  });
  const last = async () => {
    let status = 0;
    for (let count = 0; count < 50; count++) {
      const url = "/_matrix/client/v3/createRoom";
      const request = { method: "POST", url, payload: {}, headers: asAlice } as const;
      status = (await server.app.inject(request)).statusCode;
    }
    return status;
  };
  expect(await last()).toBe(429);
  isAdmin = true;
  expect(await last()).toBe(200);
});
