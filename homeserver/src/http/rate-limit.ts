import type { OperationId } from "@weft/spec/operations";
import { networkOf } from "../platform/client-address.ts";
import { errors } from "../protocol/errors.ts";

/** A token bucket: `burst` requests at once, refilled at `perSecond`. */
interface Limit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Where buckets live: in memory, or in Redis for all replicas together. */
export interface Buckets {
  /** Takes one from the bucket. @returns 0, or the ms to wait when it is empty (nothing is taken) */
  take(key: string, limit: Limit): Promise<number> | number;
}

interface Class {
  readonly limit: Limit;
  readonly by: "user" | "address";
}

const classes = {
  message: { by: "user", limit: { perSecond: 5, burst: 60 } },
  login: { by: "address", limit: { perSecond: 0.5, burst: 30 } },
  refresh: { by: "address", limit: { perSecond: 1, burst: 60 } },
  // Who is signed in is not held up by strangers at the same address.
  password: { by: "user", limit: { perSecond: 0.5, burst: 30 } },
  register: { by: "address", limit: { perSecond: 0.2, burst: 20 } },
  registrationToken: { by: "address", limit: { perSecond: 0.1, burst: 5 } },
  createRoom: { by: "user", limit: { perSecond: 0.2, burst: 20 } },
  join: { by: "user", limit: { perSecond: 0.5, burst: 30 } },
  invite: { by: "user", limit: { perSecond: 0.5, burst: 30 } },
  sharedSecret: { by: "address", limit: { perSecond: 5, burst: 100 } },
  report: { by: "user", limit: { perSecond: 0.2, burst: 10 } },
  directory: { by: "user", limit: { perSecond: 2, burst: 30 } },
  media: { by: "user", limit: { perSecond: 30, burst: 300 } },
  anonymousMedia: { by: "address", limit: { perSecond: 10, burst: 150 } },
  // What may send us to another server.
  elsewhere: { by: "user", limit: { perSecond: 5, burst: 100 } },
  other: { by: "user", limit: { perSecond: 10, burst: 100 } },
} as const satisfies Record<string, Class>;

type RateClass = keyof typeof classes;

const classOf: Partial<Record<OperationId, RateClass>> = {
  sendMessage: "message",
  setRoomStateWithKey: "message",
  redactEvent: "message",
  login: "login",
  refresh: "refresh",
  changePassword: "password",
  deactivateAccount: "password",
  register: "register",
  checkUsernameAvailability: "register",
  registrationTokenValidity: "registrationToken",
  getRegistrationNonce: "sharedSecret",
  registerBySharedSecret: "sharedSecret",
  createRoom: "createRoom",
  joinRoom: "join",
  joinRoomById: "join",
  knockRoom: "join",
  upgradeRoom: "createRoom",
  inviteUser: "invite",
  reportEvent: "report",
  reportRoom: "report",
  reportUser: "report",
  getPublicRooms: "directory",
  queryPublicRooms: "directory",
  getContent: "anonymousMedia",
  getContentOverrideName: "anonymousMedia",
  getContentThumbnail: "anonymousMedia",
  perspectivesKeyQuery: "elsewhere",
  bulkPerspectivesKeyQuery: "elsewhere",
  getRoomIdByAlias: "elsewhere",
  getUserProfile: "elsewhere",
  getProfileField: "elsewhere",
  getContentAuthed: "media",
  getContentOverrideNameAuthed: "media",
  getContentThumbnailAuthed: "media",
};

/** True for operations that are limited whether or not the specification says so. */
export function hasOwnLimit(operationId: OperationId): boolean {
  return operationId in classOf;
}

/** Servers unknown till then that requests of one address name. */
const STRANGERS: Limit = { perSecond: 5, burst: 200 };

export interface RateLimiter {
  /** Whoever asks makes us ask a server of which nothing is known. @throws MatrixError M_LIMIT_EXCEEDED 429 */
  checkStranger(ip: string): Promise<void>;
  /** @throws MatrixError M_LIMIT_EXCEEDED 429 with retry_after_ms */
  check(operationId: OperationId, who: { user?: string | undefined; ip: string }): Promise<void>;
}

/** `buckets` undefined: off (WEFT_RATE_LIMITS=off). */
export function createRateLimiter(buckets: Buckets | undefined): RateLimiter {
  async function take(key: string, limit: Limit): Promise<void> {
    const wait = (await buckets?.take(key, limit)) ?? 0;
    if (wait > 0) throw errors.limitExceeded(wait);
  }
  return {
    async check(operationId, { user, ip }) {
      const name = classOf[operationId] ?? "other";
      const { by, limit } = classes[name];
      const who = by === "user" && user !== undefined ? user : networkOf(ip);
      await take(`${name}\0${who}`, limit);
    },
    checkStranger: (ip) => take(`stranger\0${networkOf(ip)}`, STRANGERS),
  };
}

/** Buckets of one process. At most `capacity` are kept; the longest unused are full again anyway. */
export function memoryBuckets(now: () => number, capacity = 50_000): Buckets {
  const levels = new Map<string, { level: number; at: number }>();
  return {
    take(key, { perSecond, burst }) {
      const at = now();
      const before = levels.get(key) ?? { level: burst, at };
      const level = Math.min(burst, before.level + ((at - before.at) / 1000) * perSecond);
      levels.delete(key);
      levels.set(key, { level: level >= 1 ? level - 1 : level, at });
      if (levels.size > capacity) levels.delete(levels.keys().next().value!);
      return level >= 1 ? 0 : Math.ceil(((1 - level) / perSecond) * 1000);
    },
  };
}
