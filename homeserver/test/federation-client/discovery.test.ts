import { describe, expect, test } from "vitest";
import { MockAgent } from "undici";
import { systemClock } from "../../src/platform/clock.ts";
import { createSeededRandom } from "../../src/platform/random.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import {
  guardedLookup,
  isPublicAddress,
} from "../../src/federation-client/connecting/addresses.ts";
import {
  type SrvRecord,
  createDiscovery,
  inOrder,
} from "../../src/federation-client/connecting/discovery.ts";
import { createWellKnown, timeToLive } from "../../src/federation-client/connecting/well-known.ts";

/** A world in which these names are delegated and these services exist. */
function find(
  server: string,
  world: { delegated?: Record<string, string>; srv?: Record<string, SrvRecord[]> } = {},
) {
  const discovery = createDiscovery(
    { delegation: async (host) => world.delegated?.[host] },
    { resolve: async (name) => world.srv?.[name] ?? [] },
    createSeededRandom(1),
  );
  return discovery.find(server as ServerName);
}

const srv = (name: string, port: number, priority = 0): SrvRecord => ({
  name,
  port,
  priority,
  weight: 0,
});

describe("a server is found", () => {
  test.each([
    // Steps 1 and 2.
    ["1.2.3.4", { host: "1.2.3.4", port: 8448, tlsName: "1.2.3.4", hostHeader: "1.2.3.4" }],
    ["1.2.3.4:5", { host: "1.2.3.4", port: 5, tlsName: "1.2.3.4", hostHeader: "1.2.3.4:5" }],
    [
      "[2001:db8::1]:5",
      { host: "2001:db8::1", port: 5, tlsName: "2001:db8::1", hostHeader: "[2001:db8::1]:5" },
    ],
    ["a.test:5", { host: "a.test", port: 5, tlsName: "a.test", hostHeader: "a.test:5" }],
    // Step 6.
    ["a.test", { host: "a.test", port: 8448, tlsName: "a.test", hostHeader: "a.test" }],
  ])("%s by itself", async (server, target) => {
    expect(await find(server)).toEqual([target]);
  });

  test.each([
    // Steps 3.1, 3.2 and 3.5.
    ["1.2.3.4", { host: "1.2.3.4", port: 8448, tlsName: "1.2.3.4", hostHeader: "1.2.3.4" }],
    ["b.test:443", { host: "b.test", port: 443, tlsName: "b.test", hostHeader: "b.test:443" }],
    ["b.test", { host: "b.test", port: 8448, tlsName: "b.test", hostHeader: "b.test" }],
  ])("delegated to %s", async (delegate, target) => {
    expect(await find("a.test", { delegated: { "a.test": delegate } })).toEqual([target]);
  });

  test("by SRV records of its own name, the registered service before the deprecated one", async () => {
    const old = { "_matrix._tcp.a.test": [srv("old.test", 1)] };
    const both = { ...old, "_matrix-fed._tcp.a.test": [srv("new.test", 2)] };
    const shared = { tlsName: "a.test", hostHeader: "a.test" };
    expect(await find("a.test", { srv: old })).toEqual([{ host: "old.test", port: 1, ...shared }]);
    expect(await find("a.test", { srv: both })).toEqual([{ host: "new.test", port: 2, ...shared }]);
  });

  test("by SRV records of the name it delegates to, whose certificate is asked for", async () => {
    const world = {
      delegated: { "a.test": "b.test" },
      srv: {
        "_matrix-fed._tcp.b.test": [srv("c.test", 3)],
        "_matrix-fed._tcp.a.test": [srv("no.test", 4)],
      },
    };
    expect(await find("a.test", world)).toEqual([
      { host: "c.test", port: 3, tlsName: "b.test", hostHeader: "b.test" },
    ]);
  });

  test("at the records of lower priority first, and by weight among equals", () => {
    const records = [srv("c", 1, 20), srv("a", 1, 10), { ...srv("b", 1, 10), weight: 100 }];
    const firsts = Array.from({ length: 50 }, (_, seed) =>
      inOrder(records, createSeededRandom(seed)),
    );
    expect(firsts.every((order) => order[2]?.name === "c")).toBe(true);
    expect(firsts.filter((order) => order[0]?.name === "b").length).toBeGreaterThan(40);
  });
});

describe("a well-known file is kept", () => {
  const hours = (count: number) => count * 3600_000;
  test.each([
    [{}, hours(24)],
    [{ "cache-control": "public, max-age=7200" }, hours(2)],
    [{ "cache-control": "max-age=99999999" }, hours(48)],
    [{ "cache-control": "max-age=1" }, 300_000],
    [{ "cache-control": "no-store" }, 300_000],
    [{ expires: new Date(hours(3)).toUTCString() }, hours(3)],
    [{ expires: "0" }, 300_000],
  ])("by %o for %i ms", (headers: Record<string, string>, ms) => {
    const isPast = headers["expires"] === "0";
    expect(timeToLive(headers, isPast ? Date.now() : 0)).toBe(ms);
  });
});

test("a well-known file says where a server is, whatever else stands in it", async () => {
  const agent = new MockAgent();
  agent.disableNetConnect();
  const file = '{"m.server":"b.test:1","x":1.5,"x":"\\ud800"}';
  agent.get("https://a.test").intercept({ path: "/.well-known/matrix/server" }).reply(200, file);
  expect(await createWellKnown(agent, systemClock).delegation("a.test")).toBe("b.test:1");
});

describe("private addresses", () => {
  test.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "0.0.0.0",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "not an address",
  ])("%s is refused", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])("%s is allowed", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test("a name that resolves to one is refused, unless it is allowed", async () => {
    const resolved = (allow: boolean) =>
      new Promise((resolve) => {
        guardedLookup(allow)("localhost", { all: false }, (error, address) => {
          resolve(error ? error.name : address);
        });
      });
    expect(await resolved(false)).toBe("AddressRefused");
    expect(["127.0.0.1", "::1"]).toContain(await resolved(true));
  });
});
