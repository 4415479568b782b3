import type { FollowerOptions } from "../../log/follow.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { Sql } from "../../storage/sql.ts";
import { outboxSize, trimOutbox } from "../../storage/users/to-device-bounds.ts";
import { MAX_MESSAGE_BYTES } from "./messages.ts";

/**
 * Messages for servers that do not take them wait for good. All of them together have at most so
 * many bytes, for whoever sends to servers that do not exist.
 */
const LIMIT = 2 * 1024 * 1024 * 1024;
/** Of a full outbox this part stays. */
const KEPT = 7 / 8;
/** It is looked at after so many messages at least. */
const LOOK_EVERY = 1_000;

/** A follower that keeps what waits for other servers within bounds. Sending costs nothing for it. */
export function outboxBounds(deps: {
  readonly sql: Sql;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** 2 GiB unless given. */
  readonly bytes?: number;
}): FollowerOptions<"to_device_outbound"> {
  const { sql, logger, bytes: limit = LIMIT } = deps;
  const dropped = deps.metrics.counter(
    "to_device_outbound_dropped_total",
    "Messages for devices of other servers that were deleted since too much waited in all",
  );
  /** Messages that may come until it is looked at. */
  let left = 0;

  return {
    name: "outbox-bounds",
    kinds: ["to_device_outbound"],
    from: "end",
    async handle(records) {
      left -= records.length;
      if (left > 0) return;
      const bytes = await outboxSize(sql);
      if (bytes > limit) {
        const messages = await trimOutbox(sql, Math.floor(limit * KEPT));
        dropped.inc(messages);
        logger.warn(
          { bytes, limit, messages },
          "too much waited for other servers: messages of who sent most were deleted",
        );
      }
      const free = bytes > limit ? limit * (1 - KEPT) : limit - bytes;
      left = Math.max(LOOK_EVERY, Math.floor(free / MAX_MESSAGE_BYTES));
    },
  };
}
