import { LRUCache } from "lru-cache";
import { Pool } from "undici";
import type { Clock } from "../../platform/clock.ts";
import { createPacer } from "../../platform/pacing/pacer.ts";
import { ipLiteral } from "./addresses.ts";
import type { Connector } from "./agent.ts";
import type { Target } from "./discovery.ts";

/** Kept-alive connections per target. */
export interface Connections {
  /**
   * `ofStranger`: the server is just a name from outside, and its connections must not displace
   * those of others.
   */
  to(target: Target, ofStranger?: boolean): Pool;
  /**
   * Resolves when something that nobody waits for may be sent there. Opening connections costs the
   * main thread two milliseconds apiece: those to a thousand servers come one by one.
   */
  turn(target: Target): Promise<void>;
  close(): Promise<void>;
}

const MAX_TARGETS = 2_500;
const MAX_STRANGERS = 200;
const PER_TARGET = 8;
/** Between two new connections that nobody waits for. */
const GAP_MS = 2;

export function createConnections(connector: Connector, clock: Clock): Connections {
  const keep = (max: number) =>
    new LRUCache<string, Pool>({
      max,
      dispose: (pool) => void pool.close().catch(() => undefined),
    });
  const known = keep(MAX_TARGETS);
  const strangers = keep(MAX_STRANGERS);
  const pacer = createPacer(GAP_MS, clock);
  const keyOf = ({ host, port, tlsName }: Target) => `${host}\0${port}\0${tlsName}`;

  function open({ host, port, tlsName }: Target): Pool {
    const origin = tlsName.includes(":") ? `[${tlsName}]` : tlsName;
    const servername = ipLiteral(tlsName) === undefined ? tlsName : undefined;
    return new Pool(`https://${origin}:${port}`, {
      connections: PER_TARGET,
      keepAliveTimeout: 30_000,
      // An SRV record points to another host, whose certificate must be for the original name.
      connect: (options, callback) =>
        connector({ ...options, host, hostname: host, port: String(port), servername }, callback),
    });
  }

  return {
    to(target, ofStranger = false) {
      const key = keyOf(target);
      const pools = ofStranger && !known.has(key) ? strangers : known;
      const pool = pools.get(key) ?? open(target);
      pools.set(key, pool);
      return pool;
    },
    async turn(target) {
      if ((known.get(keyOf(target))?.stats.connected ?? 0) === 0) await pacer.turn();
    },
    async close() {
      const all = [...known.values(), ...strangers.values()];
      await Promise.all(all.map((pool) => pool.destroy()));
      known.clear();
      strangers.clear();
    },
  };
}
