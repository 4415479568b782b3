/** A worker thread that attacks: its work must not delay whoever measures. */
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { createConnection } from "../load/connection.ts";
import { range } from "../load/parallel.ts";
import { createApi } from "../matrix/api.ts";
import { timelineOf } from "../matrix/rooms.ts";
import type { User } from "../matrix/users.ts";
import type { Certificates } from "../targets/certificates.ts";
import { ATTACKS } from "./attacks.ts";
import { startPeer, type Resident } from "./peer.ts";

export interface Order {
  readonly attack: string;
  readonly certificates: Certificates;
  /** Of the server's client API, and of its federation. */
  readonly url: string;
  readonly federationUrl: string;
  readonly serverName: string;
  readonly ca: string | undefined;
  /** Is in the room that is attacked. */
  readonly user: User;
  readonly roomId: string;
  readonly elsewhere: { readonly roomId: string; readonly createId: string };
  /** After which it stops. */
  readonly seconds: number;
}

/** Requests that it has open at once. */
const AT_ONCE = 4;

const order = workerData as Order;
const port = parentPort!;
const { user, roomId, elsewhere, ca } = order;
const where: Resident = {
  serverName: order.serverName,
  federationUrl: new URL(order.federationUrl),
  ca,
};
const api = createApi(new URL(order.url));
const connections = range(AT_ONCE).map(() => createConnection(where.federationUrl, { ca }));
const peer = await startPeer(order.certificates);
try {
  const seat = await peer.join(where, roomId, "mallory");
  let isOver = false;
  const attack = ATTACKS.find(({ name }) => name === order.attack)!.prepare({
    ...{ peer, seat, where, elsewhere, connections },
    readHistory: async () => void (await timelineOf(api, user, roomId)),
    isOver: () => isOver,
  });
  port.postMessage("ready");
  await once(port, "message");
  const bound = setTimeout(() => (isOver = true), order.seconds * 1000);
  const did = await attack();
  clearTimeout(bound);
  port.postMessage(did);
} finally {
  for (const connection of connections) connection.close();
  api.close();
  await peer.close();
  port.close();
}
