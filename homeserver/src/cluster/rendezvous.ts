import type { Redis } from "ioredis";
import { errors } from "../protocol/errors.ts";

/** What two devices have left for one another. */
export interface Meeting {
  /** What was written last. */
  readonly data: string;
  /** It names what was written: each write makes another. */
  readonly token: string;
  /** When it was written, ms since 1970. */
  readonly writtenTs: number;
  /** When the meeting ends, ms since 1970. */
  readonly expiresTs: number;
}

type Written = Omit<Meeting, "expiresTs">;

/** Meetings by their ids. They end by themselves. */
export interface Meetings {
  /** False when there are too many. */
  create(id: string, meeting: Meeting): Promise<boolean>;
  get(id: string): Promise<Meeting | undefined>;
  /**
   * Writes if the token is still that of what stands there. Returns what stands there then;
   * undefined: there is no such meeting.
   */
  write(id: string, token: string, next: Written): Promise<Meeting | undefined>;
  /** False if there is no such meeting. */
  end(id: string): Promise<boolean>;
}

/** Meetings at once: with the largest data 24 MiB. */
const MAX_MEETINGS = 4_000;

/** Meetings of one process. `now`: ms since 1970. */
export function memoryMeetings(now: () => number, max = MAX_MEETINGS): Meetings {
  /** All last equally long: the oldest end first. */
  const meetings = new Map<string, Meeting>();

  function current(id: string): Meeting | undefined {
    const meeting = meetings.get(id);
    return meeting !== undefined && meeting.expiresTs > now() ? meeting : undefined;
  }

  function dropEnded(): void {
    for (const [id, { expiresTs }] of meetings) {
      if (expiresTs > now()) return;
      meetings.delete(id);
    }
  }

  return {
    async create(id, meeting) {
      dropEnded();
      if (meetings.size >= max) return false;
      meetings.set(id, meeting);
      return true;
    },
    get: async (id) => current(id),
    async write(id, token, next) {
      const before = current(id);
      if (before === undefined || before.token !== token) return before;
      const meeting = { ...next, expiresTs: before.expiresTs };
      meetings.set(id, meeting);
      return meeting;
    },
    async end(id) {
      const isThere = current(id) !== undefined;
      meetings.delete(id);
      return isThere;
    },
  };
}

/** KEYS: all meetings by their ends, the meeting. ARGV: now, max, id, data, token, written, expires. */
const CREATE = `
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", ARGV[1])
if redis.call("ZCARD", KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call("ZADD", KEYS[1], ARGV[7], ARGV[3])
redis.call("HSET", KEYS[2], "data", ARGV[4], "token", ARGV[5], "writtenTs", ARGV[6], "expiresTs", ARGV[7])
redis.call("PEXPIREAT", KEYS[2], ARGV[7])
return 1
`;
/** KEYS: the meeting. ARGV: token, data, new token, written. */
const WRITE = `
if redis.call("HGET", KEYS[1], "token") == ARGV[1] then
  redis.call("HSET", KEYS[1], "data", ARGV[2], "token", ARGV[3], "writtenTs", ARGV[4])
end
return redis.call("HMGET", KEYS[1], "data", "token", "writtenTs", "expiresTs")
`;
const FIELDS = ["data", "token", "writtenTs", "expiresTs"] as const;

/** Meetings that all replicas share. Each throws MatrixError 503 while Redis is away. */
export function redisMeetings(
  redis: Redis,
  { prefix, now, max = MAX_MEETINGS }: { prefix: string; now: () => number; max?: number },
): Meetings {
  redis.defineCommand("weftMeet", { numberOfKeys: 2, lua: CREATE });
  redis.defineCommand("weftWriteMeeting", { numberOfKeys: 1, lua: WRITE });
  const commands = redis as Redis & {
    weftMeet(...args: (string | number)[]): Promise<number>;
    weftWriteMeeting(...args: (string | number)[]): Promise<(string | null)[]>;
  };
  const all = `${prefix}meetings`;
  const keyOf = (id: string) => `${prefix}meeting:${id}`;
  /** Without Redis the replicas have no place in common, and nobody waits for it. */
  const ensureReady = () => {
    if (redis.status !== "ready") throw errors.unknown("Redis is away: try again", 503);
  };

  return {
    async create(id, { data, token, writtenTs, expiresTs }) {
      ensureReady();
      const args = [now(), max, id, data, token, writtenTs, expiresTs];
      return (await commands.weftMeet(all, keyOf(id), ...args)) === 1;
    },
    async get(id) {
      ensureReady();
      return meetingOf(await redis.hmget(keyOf(id), ...FIELDS));
    },
    async write(id, token, next) {
      ensureReady();
      const args = [token, next.data, next.token, next.writtenTs];
      return meetingOf(await commands.weftWriteMeeting(keyOf(id), ...args));
    },
    async end(id) {
      ensureReady();
      const [, [, deleted] = []] = (await redis.multi().zrem(all, id).del(keyOf(id)).exec()) ?? [];
      return deleted === 1;
    },
  };
}

function meetingOf([data, token, writtenTs, expiresTs]: readonly (string | null)[]):
  | Meeting
  | undefined {
  if (typeof data !== "string" || typeof token !== "string") return undefined;
  return { data, token, writtenTs: Number(writtenTs), expiresTs: Number(expiresTs) };
}
