/** Which messages have ended: readers do not get them, also before they are deleted. */
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { currentContents } from "../../storage/rooms/purge-rows.ts";
import type { Sql } from "../../storage/sql.ts";
import type { StoredEvent } from "../api/index.ts";
import { lifetimeIn, RETENTION_TYPES, type RetentionRules } from "./retention-rules.ts";
import type { JsonObject } from "../../protocol/json.ts";

export interface LifetimesDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  /** They may change while the server runs. */
  readonly rules: RetentionRules;
}

export interface Lifetimes {
  /**
   * How long messages of a room are kept, in ms, by what the room said at the last reading;
   * undefined: for ever.
   */
  of(roomNid: number): number | undefined;
  /** Whether it is a message, and over. */
  isOver(stored: StoredEvent): boolean;
  /** Reads again what rooms say. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** How old what rooms say may be. */
const EVERY_MS = 60_000;

/** Few rooms say anything: what they say is read once a minute, and looked up in memory for each event. */
export function createLifetimes({ sql, clock, logger, rules }: LifetimesDeps): Lifetimes {
  /** Undefined until it is known: so long nothing is over. */
  let said: ReadonlyMap<number, JsonObject> | undefined;
  const stopping = new AbortController();

  async function refresh(): Promise<void> {
    if (!rules.isOn) return void (said = undefined);
    const rows = await currentContents(sql, RETENTION_TYPES);
    // Of both names the stable one counts: it comes first.
    said = new Map(rows.toReversed().map(({ roomNid, content }) => [roomNid, content]));
  }

  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await refresh();
      } catch (err) {
        if (stopping.signal.aborted) return;
        logger.warn({ err }, "how long rooms keep messages can't be read; trying again");
      }
      await clock.sleep(EVERY_MS, stopping.signal);
    }
  })();

  const of = (roomNid: number) => said && lifetimeIn(rules, said.get(roomNid));
  return {
    of,
    isOver({ roomNid, event }) {
      if (!rules.isOn || event.stateKey !== undefined) return false;
      const lifetime = of(roomNid);
      return lifetime !== undefined && event.originServerTs < clock.now() - lifetime;
    },
    refresh,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
