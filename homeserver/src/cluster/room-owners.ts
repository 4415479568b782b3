import type { Redis } from "ioredis";

/**
 * Which replica a room's commands are best run on: a hint that spares lost races on its head. Correctness rests
 * on the log alone, so a wrong or missing answer costs a retry, no more.
 */
export interface RoomOwners {
  /** Claims the room for this replica unless another holds it; returns the holder. */
  claim(roomId: string): Promise<string>;
  /** Gives up the rooms held here. */
  stop(): Promise<void>;
}

const LEASE_MS = 30_000;

/** KEYS: the room. ARGV: who asks, for how long. Takes a free lease, renews an own one; returns the holder. */
const CLAIM = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return ARGV[1]
`;

/** KEYS: the room. ARGV: who leaves. */
const RELEASE = `
if redis.call("GET", KEYS[1]) == ARGV[1] then redis.call("DEL", KEYS[1]) end
`;

/** One replica alone owns every room. */
export function createSoleOwner(replica: string): RoomOwners {
  return { claim: async () => replica, stop: async () => {} };
}

/** Leases in Redis of half a minute, renewed by claiming. */
export function createRedisOwners(
  redis: Redis,
  options: { prefix: string; replica: string },
): RoomOwners {
  const { prefix, replica } = options;
  redis.defineCommand("weftClaim", { numberOfKeys: 1, lua: CLAIM });
  redis.defineCommand("weftRelease", { numberOfKeys: 1, lua: RELEASE });
  const commands = redis as Redis & {
    weftClaim(key: string, replica: string, ms: number): Promise<string>;
    weftRelease(key: string, replica: string): Promise<null>;
  };
  /** Rooms held here, and when the lease was last renewed. */
  const held = new Map<string, number>();
  const keyOf = (roomId: string) => `${prefix}owner:${roomId}`;

  function forgetExpired(now: number): void {
    for (const [roomId, renewed] of held) {
      if (now - renewed < LEASE_MS) break;
      held.delete(roomId);
    }
  }

  return {
    async claim(roomId) {
      const now = performance.now();
      const renewed = held.get(roomId);
      if (renewed !== undefined && now - renewed < LEASE_MS / 3) return replica;
      const holder = await commands
        .weftClaim(keyOf(roomId), replica, LEASE_MS)
        .catch(() => replica);
      held.delete(roomId);
      if (holder === replica) held.set(roomId, now);
      forgetExpired(now);
      return holder;
    },
    async stop() {
      const rooms = [...held.keys()];
      held.clear();
      await Promise.all(
        rooms.map((roomId) => commands.weftRelease(keyOf(roomId), replica).catch(() => null)),
      );
    },
  };
}
