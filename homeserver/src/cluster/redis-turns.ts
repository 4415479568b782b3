import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

/**
 * Which replica has each room's turn, and which ones wait for it: one table for all replicas of a
 * server.
 */
export interface TurnTable {
  /**
   * Takes the turn if it is free or ours already. Otherwise this replica queues for it, and the
   * holder is notified.
   */
  take(roomNid: number): Promise<TurnAnswer>;
  /** Extends a turn that this replica holds. */
  confirm(roomNid: number): Promise<TurnAnswer>;
  /** Passes the turn to the replica that has waited longest; keeps it when none waits. */
  pass(roomNid: number): Promise<void>;
  /** The same, but gives it up when none waits. */
  leave(roomNid: number): Promise<void>;
  /**
   * Calls the listener when other replicas' actions concern this one. A message may be lost:
   * waiting replicas ask again.
   */
  listen(listener: TurnListener): void;
  close(): Promise<void>;
}

export interface TurnAnswer {
  readonly isOurs: boolean;
  /** Identifies the turn: a new value each time it goes to another replica. */
  readonly turn: string;
  /** The ms after which the holder loses the turn, unless it confirms it. */
  readonly waitMs: number;
  /** Another replica waits. */
  readonly isWanted: boolean;
}

export interface TurnListener {
  /** Another replica waits for a turn that this one holds. */
  wanted(roomNid: number): void;
  /** This replica has the turn now. */
  yours(roomNid: number, turn: string): void;
}

export interface TurnTableOptions {
  readonly prefix: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * A room's turn is one hash: `holder`, `until` (µs), `turn`, and for each waiting replica a field
 * `w:<replica>` with the times when it queued and when it last asked. Only Redis' clock counts.
 * KEYS: the hash. ARGV: the asking replica, the lease in ms, the question, the prefix of the
 * channels, the room.
 */
const SCRIPT = `
local key, me, lease, ask = KEYS[1], ARGV[1], tonumber(ARGV[2]) * 1000, ARGV[3]
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local fields = redis.call("HGETALL", key)
local holder, till, turn, own, first, since = false, 0, "", false, false, false
for i = 1, #fields, 2 do
  local name, value = fields[i], fields[i + 1]
  if name == "holder" then holder = value
  elseif name == "until" then till = tonumber(value)
  elseif name == "turn" then turn = value
  else
    local came, asked = string.match(value, "^(%d+) (%d+)$")
    came, asked = tonumber(came), tonumber(asked)
    local who = string.sub(name, 3)
    if asked < now - lease * 1.5 then redis.call("HDEL", key, name)
    elseif who == me then own = came
    elseif not since or came < since then first, since = who, came end
  end
end
local function text(number) return string.format("%.0f", number) end
local function give(to)
  turn = text(now)
  redis.call("HSET", key, "holder", to, "until", text(now + lease), "turn", turn)
  redis.call("HDEL", key, "w:" .. to)
end
redis.call("PEXPIRE", key, 600000)
if ask == "pass" or ask == "leave" then
  if holder ~= me then return {0, turn, 0, 0} end
  if first then
    give(first)
    redis.call("PUBLISH", ARGV[4] .. first, "yours " .. ARGV[5] .. " " .. turn)
  elseif ask == "leave" then redis.call("HDEL", key, "holder", "until") end
  return {0, turn, 0, 0}
end
if holder == me then redis.call("HSET", key, "until", text(now + lease))
elseif ask == "confirm" then return {0, turn, 0, 0}
elseif holder and till > now then
  redis.call("HSET", key, "w:" .. me, text(own or now) .. " " .. text(now))
  redis.call("PEXPIRE", key, 600000)
  redis.call("PUBLISH", ARGV[4] .. holder, "wanted " .. ARGV[5])
  return {0, turn, math.ceil((till - now) / 1000), 0}
else give(me) end
redis.call("PEXPIRE", key, 600000)
return {1, turn, 0, first and 1 or 0}
`;

type Ask = "take" | "confirm" | "pass" | "leave";
type Reply = [isOurs: number, turn: string, waitMs: number, isWanted: number];

/** When Redis takes longer than this to answer, it counts as unavailable. */
const GIVE_UP_AFTER_MS = 500;

/**
 * The table in Redis. `redis` sends the questions; a second connection with its settings receives
 * notifications.
 */
export async function createRedisTurns(
  redis: Redis,
  options: TurnTableOptions,
): Promise<TurnTable> {
  const { prefix, leaseMs, clock, logger } = options;
  const self = randomUUID();
  const channels = `${prefix}turns:`;
  redis.defineCommand("weftTurn", { numberOfKeys: 1, lua: SCRIPT });
  const commands = redis as Redis & {
    weftTurn(key: string, ...rest: (string | number)[]): Promise<Reply>;
  };
  const subscriber = redis.duplicate();
  subscriber.on("error", (err: Error) => logger.warn({ err }, "Redis: the rooms' turns"));
  await subscriber.subscribe(`${channels}${self}`);

  async function run(ask: Ask, roomNid: number): Promise<TurnAnswer> {
    if (redis.status !== "ready") throw new Error("Redis is not connected");
    const key = `${prefix}turn:${roomNid}`;
    const asked = commands.weftTurn(key, self, leaseMs, ask, channels, roomNid);
    const over = new AbortController();
    const late = clock.sleep(GIVE_UP_AFTER_MS, over.signal).then(() => undefined);
    try {
      const reply = await Promise.race([asked, late]);
      if (reply === undefined) throw new Error(`Redis has not answered for ${GIVE_UP_AFTER_MS} ms`);
      const [isOurs, turn, waitMs, isWanted] = reply;
      return { isOurs: isOurs === 1, turn, waitMs, isWanted: isWanted === 1 };
    } finally {
      over.abort("over");
      asked.catch(() => {});
    }
  }

  return {
    take: (roomNid) => run("take", roomNid),
    confirm: (roomNid) => run("confirm", roomNid),
    async pass(roomNid) {
      await run("pass", roomNid);
    },
    async leave(roomNid) {
      await run("leave", roomNid);
    },
    listen(listener) {
      subscriber.on("message", (_channel: string, message: string) => {
        const [what, room, turn] = message.split(" ");
        if (what === "wanted") listener.wanted(Number(room));
        else if (what === "yours") listener.yours(Number(room), turn ?? "");
      });
    },
    async close() {
      subscriber.disconnect();
    },
  };
}
