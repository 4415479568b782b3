import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { binary } from "../../src/http/reply/reply.ts";
import { route } from "../../src/http/route.ts";
import type { UserId } from "../../src/protocol/identifiers.ts";
import { createNetwork, type Peer, startPeer } from "./peers.ts";

const network = createNetwork();
let here: Peer;
let there: Peer;
let accepted: unknown;

const gzipped = (bytes: Buffer) =>
  binary(bytes, {
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
  });

beforeAll(async () => {
  here = await startPeer(network);
  there = await startPeer(network, [
    route("queryProfile", ({ request, query }) => {
      accepted = request.headers["accept-encoding"];
      const whole = gzipSync(JSON.stringify({ displayname: "x".repeat(30 * 1024 * 1024) }));
      if (query.user_id === "@bomb:b") return gzipped(whole);
      if (query.user_id === "@broken:b") return gzipped(whole.subarray(0, 2000));
      if (query.user_id === "@nonsense:b") return gzipped(Buffer.alloc(2000, "x"));
      return { displayname: "é".repeat(5000) };
    }),
  ]);
});
afterAll(async () => {
  await Promise.all([here.close(), there.close()]);
  network.close();
});

const ask = (user: string) => here.remote.server.profile(there.serverName, user as UserId);

test("answers of other servers may come compressed", async () => {
  expect(await ask("@good:b")).toEqual({ displayname: "é".repeat(5000) });
  expect(accepted).toBe("gzip");
});

test("and are counted as they are without that", async () => {
  await expect(ask("@bomb:b")).rejects.toMatchObject({ status: 502 });
});

test.each(["@broken:b", "@nonsense:b"])(
  "a compressed answer that is none is none (%s)",
  async (user) => {
    await here.remote.backoff.flush();
    here.remote.backoff.succeeded(there.serverName);
    await expect(ask(user)).rejects.toMatchObject({ status: 502 });
  },
);
