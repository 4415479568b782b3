/** Three servers, senders of theirs, and a network that may fail. */
import { afterEach } from "vitest";
import type { Sql } from "../../src/storage/sql.ts";
import { createFollower, type Follower } from "../../src/log/follow.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { RoomId, ServerName } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import {
  SENT,
  createSender,
  type PublicKeys,
  type EduRelay,
  type Outbound,
  type Sender,
} from "../../src/sender/index.ts";
import { NO_KEYS } from "./support.ts";
import { type TestServer } from "../rooms/support/world.ts";
import { startServers } from "../rooms/support/servers.ts";

export const [world, a, b, c] = await startServers("a", "b", "c");
export const running: Running[] = [];

afterEach(async () => {
  for (const one of running) await one.stop();
  running.length = 0;
});

interface Sent {
  readonly to: ServerName;
  readonly txnId: string;
  readonly pdus: JsonObject[];
  readonly edus: JsonObject[];
}

interface Running {
  readonly sender: Sender;
  readonly follower: Follower;
  stop(): Promise<void>;
}

/** A network that notes what it carries, to servers that may be away. */
export function network(
  refuses: (transaction: Omit<Sent, "to" | "txnId">) => boolean = () => false,
) {
  const sent: Sent[] = [];
  const away = new Set<string>();
  const listeners = new Set<(server: ServerName) => void>();
  const outbound: Outbound = {
    server: {
      async sendTransaction(to, txnId, { pdus, edus = [] }) {
        if (away.has(to)) throw new Error("not there");
        if (refuses({ pdus, edus })) throw Object.assign(new Error("no"), { remoteStatus: 400 });
        sent.push({ to, txnId, pdus, edus });
      },
    },
    backoff: {
      mayTry: (server) => !away.has(server),
      failed: () => undefined,
      failingSince: (server) => (away.has(server) ? 1 : undefined),
      onAwake(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  };
  return {
    outbound,
    sent,
    away,
    back(server: string) {
      away.delete(server);
      for (const listener of listeners) listener(server as ServerName);
    },
    /** Texts of the messages that a server got. */
    texts: (to: TestServer) =>
      sent
        .filter((one) => one.to === to.name)
        .flatMap(({ pdus }) => pdus.map((pdu) => (pdu.content as JsonObject).body))
        .filter((body) => body !== undefined),
    /** Contents of the EDUs of a type that a server got. */
    edus: (to: string, type: string) =>
      sent
        .filter((one) => one.to === to)
        .flatMap(({ edus }) => edus)
        .filter(({ edu_type }) => edu_type === type)
        .map(({ content }) => content as JsonObject),
    members: (to: TestServer) =>
      sent
        .filter((one) => one.to === to.name)
        .flatMap(({ pdus }) => pdus)
        .filter((pdu) => pdu.type === "m.room.member")
        .map(
          (pdu) => `${pdu.state_key as string} ${(pdu.content as JsonObject).membership as string}`,
        ),
  };
}

interface More {
  readonly relay?: EduRelay;
  readonly longAbsence?: number;
  readonly keys?: PublicKeys;
  /** Instead of the server's own. */
  readonly sql?: Sql;
  /** Of the sender. */
  readonly clock?: Clock;
}

export function start(
  on: TestServer,
  { outbound }: Pick<ReturnType<typeof network>, "outbound">,
  more: More = {},
): Running {
  const { log, rooms, db, name } = on;
  const [clock, logger] = [systemClock, silentLogger()];
  const { sql = db.sql } = more;
  const sender = createSender({
    sql,
    log,
    view: rooms.view,
    served: rooms.federation,
    keys: NO_KEYS,
    remote: outbound,
    clock,
    ...more,
    serverName: name,
    random: systemRandom,
    logger,
  });
  const follower = createFollower(
    { log, sql, clock, logger },
    {
      name: "sender",
      kinds: SENT,
      from: "end",
      begin: (signal) => sender.resume(signal),
      handle: (records) => sender.take(records),
    },
  );
  const one: Running = {
    sender,
    follower,
    async stop() {
      await follower.stop();
      await sender.stop();
    },
  };
  running.push(one);
  return one;
}

export async function publicRoom(...others: TestServer[]): Promise<RoomId> {
  const roomId = await a.rooms.create.room(a.user("alice"), { preset: "public_chat" });
  for (const other of others) await join(other, roomId);
  return roomId;
}

export const join = (server: TestServer, roomId: RoomId) =>
  server.rooms.members.join({ by: server.user("bob"), room: roomId, via: [a.name] });

export const say = (roomId: RoomId, body: string, by = a) =>
  by.rooms.send.message({
    by: by === a ? a.user("alice") : by.user("bob"),
    roomId,
    type: "m.room.message",
    content: { msgtype: "m.text", body },
  });
