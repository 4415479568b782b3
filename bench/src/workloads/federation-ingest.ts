import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, createConnection } from "../load/connection.ts";
import { parallel, range } from "../load/parallel.ts";
import { type Api, createApi } from "../matrix/api.ts";
import { createRoom, discrepancy, roomPath, timelineOf } from "../matrix/rooms.ts";
import { type User, registerUsers, serverNameOf } from "../matrix/users.ts";
import { type SealedEvent, seal } from "../peer/events.ts";
import { type Peer, type Seat, startPeer } from "../peer/peer.ts";
import { type Context, type Result, type Workload, loopFigures, measuredLoop } from "./workload.ts";

const VERSIONS = ["12", "11"];
const ROOMS = 4;
const IN_TRANSACTION = 50;
/** At most so many transactions of each room go before the clock starts. */
const WARM_UP = 5;
const BODY = "x".repeat(500);
const DRAIN_MS = 120_000;

/**
 * Several peers, each in a room of its own, send transactions of fifty PDUs, one at a time as the protocol
 * has it; all is signed before the clock starts. The clock stops when the last PDU can be read by a local member, since some
 * servers answer before they have looked.
 */
export const federationIngest: Workload = {
  name: "federation-ingest",
  about: "four peers, a room each, send transactions of 50 signed PDUs",
  async run(context) {
    const { target, settings, certificates } = context;
    const api = createApi(target.url);
    const rooms = settings.rooms || ROOMS;
    const peers = await parallel(range(rooms), rooms, () => startPeer(certificates));
    const [user] = await registerUsers(api, 1);
    const results: Result[] = [];
    try {
      for (const version of VERSIONS) {
        const lanes = await parallel(peers, rooms, (peer) =>
          openLane(context, api, peer, user!, version, settings.pdus / rooms),
        );
        results.push(await ingest(context, api, user!, lanes, version));
        for (const { connection } of lanes) connection.close();
      }
    } finally {
      await Promise.all(peers.map((peer) => peer.close()));
      api.close();
    }
    return results.map((result) => ({ ...result, target: target.name }));
  },
};

interface Lane {
  readonly roomId: string;
  readonly connection: Connection;
  readonly transactions: readonly Transaction[];
  /** How many were sent. */
  sent: number;
}

interface Transaction {
  readonly bytes: Buffer;
  readonly ids: readonly string[];
}

async function openLane(
  { target }: Context,
  api: Api,
  peer: Peer,
  user: User,
  version: string,
  pdus: number,
): Promise<Lane> {
  const roomId = await createRoom(api, user, [], { version });
  const resident = {
    serverName: serverNameOf(user),
    federationUrl: target.federationUrl,
    ca: target.ca,
  };
  const seat = await peer.join(resident, roomId, `peer-${version}`);
  const events = chain(peer, seat, Math.ceil(pdus / IN_TRANSACTION) * IN_TRANSACTION);
  const nonce = randomBytes(4).toString("hex");
  const transactions = range(events.length / IN_TRANSACTION).map((index) => {
    const part = events.slice(index * IN_TRANSACTION, (index + 1) * IN_TRANSACTION);
    const path = `/_matrix/federation/v1/send/${nonce}.${index}`;
    const content = {
      origin: peer.serverName,
      origin_server_ts: Date.now(),
      pdus: part.map(({ pdu }) => pdu),
      edus: [],
    };
    const bytes = peer.signedPut(target.federationUrl, resident.serverName, path, content);
    return { bytes, ids: part.map(({ id }) => id) };
  });
  const connection = createConnection(target.federationUrl, { ca: target.ca });
  return { roomId, connection, transactions, sent: 0 };
}

/** Messages of the peer's user, each upon the one before. */
function chain(peer: Peer, seat: Seat, count: number): SealedEvent[] {
  const events: SealedEvent[] = [];
  let previous = seat.joinId;
  for (const number of range(count)) {
    const event = seal(
      {
        type: "m.room.message",
        room_id: seat.roomId,
        sender: seat.userId,
        content: { msgtype: "m.text", body: `${number} ${BODY}` },
        depth: seat.depth + number + 1,
        origin_server_ts: Date.now(),
        prev_events: [previous],
        auth_events: [...seat.authEvents],
      },
      peer.serverName,
      peer.key,
    );
    events.push(event);
    previous = event.id;
  }
  return events;
}

async function ingest(
  context: Context,
  api: Api,
  user: User,
  lanes: readonly Lane[],
  version: string,
): Promise<Result> {
  const settle = () => untilVisible(api, user, lanes);
  const warm = performance.now() + context.settings.warmUpSeconds * 1000;
  for (let sent = 0; sent < WARM_UP && performance.now() < warm; sent++) {
    await Promise.all(lanes.map(sendNext));
    await settle();
  }
  const loop = await measuredLoop(context, {
    lanes: lanes.length,
    warmUpSeconds: 0,
    operate: (number) => sendNext(lanes[number]!),
    settle,
  });
  context.say(`federation-ingest: checking v${version}`);
  const found = await parallel(lanes, 4, async ({ roomId, transactions, sent }) => {
    const ids = transactions.slice(0, sent).flatMap((transaction) => transaction.ids);
    return discrepancy(ids, await timelineOf(api, user, roomId));
  });
  return {
    workload: "federation-ingest",
    target: "",
    cell: `v${version}, ${lanes.length} peers`,
    unit: "PDU",
    ...loopFigures(loop),
    wrong: found.find((text) => text !== undefined),
    note: "",
  };
}

/** @returns PDUs that were accepted; 0 when there is nothing more to send */
async function sendNext(lane: Lane): Promise<number> {
  const transaction = lane.transactions[lane.sent];
  if (!transaction) return 0;
  const { status, body } = await lane.connection.exchange(transaction.bytes);
  const text = body.toString();
  if (status !== 200) throw new Error(`transaction: ${status} ${text.slice(0, 300)}`);
  lane.sent++;
  for (const [id, result] of Object.entries(JSON.parse(text).pdus)) {
    const { error } = result as { error?: string };
    if (error !== undefined) throw new Error(`${id}: ${error}`);
  }
  return transaction.ids.length;
}

/** Waits until a local member can read the last event that was sent to each room. */
async function untilVisible(api: Api, { token }: User, lanes: readonly Lane[]): Promise<void> {
  const deadline = Date.now() + DRAIN_MS;
  await Promise.all(
    lanes.map(async ({ roomId, transactions, sent }) => {
      const last = transactions[sent - 1]?.ids.at(-1);
      if (last === undefined) return;
      const path = `${roomPath(roomId)}/event/${encodeURIComponent(last)}`;
      for (;;) {
        const there = await api.call({ path, token }).then(
          () => true,
          () => false,
        );
        if (there || Date.now() > deadline) return;
        await sleep(20);
      }
    }),
  );
}
