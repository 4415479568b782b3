/** What people who name servers without end may cost. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { route } from "../../src/http/route.ts";
import type { ServerName, UserId } from "../../src/protocol/identifiers.ts";
import { uriOf } from "../../src/federation-client/requests/signed-request.ts";
import { createNetwork, type Peer, startPeer } from "./peers.ts";

const routes = [route("queryProfile", ({ origin }) => ({ displayname: origin }))];
const network = createNetwork();
let here: Peer;
let honest: Peer;
beforeAll(async () => {
  here = await startPeer(network, routes);
  honest = await startPeer(network, routes);
});
afterAll(async () => {
  await Promise.all([here.close(), honest.close()]);
  network.close();
});

/** Listeners that take connections and say nothing. */
async function mutes(count: number): Promise<{ servers: Server[]; names: ServerName[] }> {
  const servers = Array.from({ length: count }, () => createServer(() => undefined));
  for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
  const names = servers.map(
    (server) => `localhost:${(server.address() as AddressInfo).port}` as ServerName,
  );
  return { servers, names };
}

const USER = "@a:b" as UserId;
const uri = uriOf(["_matrix", "federation", "v1", "query", "profile"], { user_id: "@a:b" });

/** A request in the name of a server, whose key has to be asked for. */
async function claimed(origin: ServerName): Promise<number> {
  const sig = "A".repeat(86);
  const authorization = `X-Matrix origin="${origin}",key="ed25519:k",sig="${sig}"`;
  return (await here.http.app.inject({ url: uri, headers: { authorization } })).statusCode;
}

async function rows(peer: Peer): Promise<Record<string, number>> {
  const [found] = await peer.database.sql<Record<string, number>[]>`
    SELECT (SELECT count(*)::int FROM failing_servers) AS failing,
      (SELECT count(*)::int FROM server_keys) AS keys,
      (SELECT count(*)::int FROM server_key_objects) AS objects`;
  return { ...found };
}

describe("silent servers", () => {
  test("do not keep an honest new server waiting, whose key is asked for after theirs", async () => {
    const { servers, names } = await mutes(100);
    let over = 0;
    const asked = names.map(async (name) => {
      expect(await claimed(name)).toBe(401);
      over += 1;
    });
    const answer = await honest.remote.server.profile(here.serverName, USER);
    expect(answer).toEqual({ displayname: honest.serverName });
    expect(over).toBeLessThan(50);
    await Promise.all(asked);
    for (const server of servers) server.close();
    expect(await rows(here)).toEqual({ failing: 0, keys: 0, objects: 0 });
  });
});

describe("a made-up server name", () => {
  const gone = (count: number) => `localhost:${count + 1}` as ServerName;

  test("leaves no row, by whatever operation it comes", async () => {
    for (let count = 0; count < 5; count++) {
      await here.remote.server.profile(gone(count), USER).catch(() => undefined);
      await here.remote.server.directory(gone(count), "#a:b").catch(() => undefined);
      await here.remote.media.download(gone(count), "m").catch(() => undefined);
      await here.http.app.inject({ url: `/_matrix/key/v2/query/${gone(count)}` });
      await claimed(gone(count));
    }
    await here.remote.backoff.flush();
    expect(await rows(here)).toEqual({ failing: 0, keys: 0, objects: 0 });
    // It is left alone all the same.
    expect(here.remote.backoff.mayTry(gone(0))).toBe(false);
  });

  test("is written down once something is to be sent to it", async () => {
    const transaction = { origin: here.serverName, origin_server_ts: 1, pdus: [] };
    await here.remote.server.sendTransaction(gone(7), "t", transaction).catch(() => undefined);
    await here.remote.backoff.flush();
    expect((await rows(here))["failing"]).toBe(1);
  });
});

describe("the key of a server that nothing else is known of", () => {
  test("serves its requests and other notaries, and takes a row once events need it", async () => {
    const further = await startPeer(network, routes);
    const told = await further.remote.server.profile(here.serverName, USER);
    expect(told).toEqual({ displayname: further.serverName });
    const url = `/_matrix/key/v2/query/${further.serverName}`;
    const asked = await here.http.app.inject({ url });
    expect(asked.json().server_keys).toHaveLength(1);
    expect(await rows(here)).toMatchObject({ keys: 0, objects: 0 });
    await further.close();
    const keyId = Object.keys(asked.json().server_keys[0].verify_keys)[0]!;
    const wanted = { server: further.serverName, keyId, validAt: Date.now() };
    const [key] = await here.remote.keyRing.keys([wanted]);
    expect(key).toBeDefined();
    expect(await rows(here)).toMatchObject({ keys: 1, objects: 1 });
  });

  test("is asked for only as far as the limits of whoever names it go, and known ones are free", async () => {
    const further = await startPeer(network, routes);
    const refuse = () => Promise.reject(new Error("too often"));
    const keyId = "ed25519:x";
    const wanted = { server: further.serverName, keyId, validAt: 0 };
    await expect(here.remote.keyRing.requestKey(wanted, refuse)).rejects.toThrow("too often");
    expect(await further.remote.server.profile(here.serverName, USER)).toBeDefined();
    const known = { ...wanted, keyId: further.signingKey.keyId };
    expect(await here.remote.keyRing.requestKey(known, refuse)).toBeDefined();
    await further.close();
  });
});
