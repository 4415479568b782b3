/** Servers that ask one another over TLS. */
import { afterEach, beforeEach } from "vitest";
import { type Route } from "../../src/http/route.ts";
import { type Peer, createNetwork, startPeer } from "./peers.ts";

let network: ReturnType<typeof createNetwork>;
const running: Peer[] = [];

beforeEach(() => {
  network = createNetwork();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.close()));
  network.close();
});

export async function start(
  routes: readonly Route[] = [],
  options?: Parameters<typeof startPeer>[2],
) {
  const peer = await startPeer(network, routes, options);
  running.push(peer);
  return peer;
}
