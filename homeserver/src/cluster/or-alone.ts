import type { Redis } from "ioredis";
import type { Logger } from "../platform/logger.ts";

/** Runs `there`, in Redis, or `here`, in this replica alone, while Redis is away or fails. */
export type OrAlone = <T>(there: () => Promise<T>, here: () => Promise<T> | T) => Promise<T>;

/** `what` is counted there, for the log. */
export function createOrAlone(redis: Redis, logger: Logger, what: string): OrAlone {
  return async (there, here) => {
    if (redis.status !== "ready") return await here();
    try {
      return await there();
    } catch (error) {
      logger.warn({ err: error }, `${what} could not be counted in Redis`);
      return await here();
    }
  };
}
