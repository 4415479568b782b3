import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { recordSightings, type Sighting } from "../../storage/users/devices.ts";
import type { Sql } from "../../storage/sql.ts";
import type { SeenDevice, Visit } from "../common/types.ts";

/** Records when and from where devices were seen, in batches: no request waits for it. */
export interface LastSeen {
  /** Records one request; usually nothing is to be done, since the last record is recent. */
  note(device: SeenDevice, visit: Visit): void;
  /** Writes what is waiting. */
  flush(): Promise<void>;
  /** Stops the timer and writes what is waiting. */
  stop(): Promise<void>;
}

/** A device is noted again after this many ms, or when its address changed. */
const FRESH_MS = 60_000;
const FLUSH_MS = 20_000;
const MAX_WAITING = 5_000;

export function createLastSeen(deps: { sql: Sql; clock: Clock; logger: Logger }): LastSeen {
  let waiting = new Map<string, Sighting>();
  let writing: Promise<void> = Promise.resolve();

  async function write(batch: Sighting[]): Promise<void> {
    try {
      await recordSightings(deps.sql, batch);
    } catch (error) {
      deps.logger.warn({ err: error, devices: batch.length }, "last-seen times were not recorded");
    }
  }

  function flush(): Promise<void> {
    if (waiting.size > 0) {
      const batch = [...waiting.values()];
      waiting = new Map();
      writing = writing.then(() => write(batch));
    }
    return writing;
  }

  const timer = setInterval(() => void flush(), FLUSH_MS);
  timer.unref();

  return {
    note(device, visit) {
      const ts = deps.clock.now();
      if (ts - device.seenTs < FRESH_MS && device.seenIp === visit.ip) return;
      device.seenTs = ts;
      device.seenIp = visit.ip;
      const { userId, deviceId } = device;
      const userAgent = visit.userAgent?.replaceAll("\0", "").slice(0, 500) ?? null;
      waiting.set(`${userId}\0${deviceId}`, { userId, deviceId, ts, ip: visit.ip, userAgent });
      if (waiting.size >= MAX_WAITING) void flush();
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
