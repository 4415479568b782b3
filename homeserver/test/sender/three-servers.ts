/** Three servers, senders of theirs, and a network that may fail. */
import { afterEach } from "vitest";
import { createFollower, type Follower } from "../../src/log/follow.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { RoomId, ServerName } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import {
  SENT,
  createSender,
  type EduRelay,
  type Outbound,
  type Sender,
} from "../../src/sender/index.ts";
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
export function network() {
  const sent: Sent[] = [];
  const away = new Set<string>();
  const listeners = new Set<(server: ServerName) => void>();
  const outbound: Outbound = {
    server: {
      async sendTransaction(to, txnId, { pdus, edus = [] }) {
        if (away.has(to)) throw new Error("not there");
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
}

export function start(
  on: TestServer,
  { outbound }: ReturnType<typeof network>,
  more: More = {},
): Running {
  const { log, rooms, db, name } = on;
  const [clock, logger] = [systemClock, silentLogger()];
  const sender = createSender({
    sql: db.sql,
    log,
    view: rooms.view,
    remote: outbound,
    ...more,
    serverName: name,
    clock,
    random: systemRandom,
    logger,
  });
  const follower = createFollower(
    { log, sql: db.sql, clock, logger },
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
