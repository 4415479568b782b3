import { Resolver } from "node:dns/promises";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { ipLiteral, splitServerName } from "./addresses.ts";
import type { WellKnown } from "./well-known.ts";

/** Where to connect for a server, and how to ask there. */
export interface Target {
  /** Name or IP literal (without brackets) to dial. */
  readonly host: string;
  readonly port: number;
  /** The name that the certificate must be for, and the SNI. An IP literal has no SNI. */
  readonly tlsName: string;
  readonly hostHeader: string;
}

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface SrvResolver {
  /** The records; empty when there are none or the name service fails. */
  resolve(name: string): Promise<readonly SrvRecord[]>;
}

export interface Discovery {
  /** The targets in order of preference; never empty. */
  find(server: ServerName): Promise<readonly Target[]>;
}

const DEFAULT_PORT = 8448;
const SRV_MS = 5 * 60_000;

/** The steps of "Resolving server names" in the server-server API, by their numbers. */
export function createDiscovery(wellKnown: WellKnown, srv: SrvResolver, random: Random): Discovery {
  async function byName(host: string): Promise<readonly Target[]> {
    const shared = { tlsName: host, hostHeader: host };
    // Steps 3.3 and 4, then the deprecated 3.4 and 5.
    for (const service of ["_matrix-fed._tcp", "_matrix._tcp"]) {
      const records = await srv.resolve(`${service}.${host}`);
      if (records.length === 0) continue;
      return inOrder(records, random).map(({ name, port }) => ({ host: name, port, ...shared }));
    }
    // Steps 3.5 and 6.
    return [{ host, port: DEFAULT_PORT, ...shared }];
  }

  /**
   * Steps 1 and 2 (3.1 and 3.2 for a delegated name): literals and explicit ports need no look-up.
   */
  function direct(name: string): Target | undefined {
    const { host, port } = splitServerName(name);
    const literal = ipLiteral(host);
    if (literal === undefined && port === undefined) return undefined;
    const dialled = literal ?? host;
    return { host: dialled, port: port ?? DEFAULT_PORT, tlsName: dialled, hostHeader: name };
  }

  return {
    async find(server) {
      const target = direct(server);
      if (target) return [target];
      const delegated = await wellKnown.delegation(server);
      if (delegated === undefined) return await byName(server);
      const delegate = direct(delegated);
      return delegate ? [delegate] : await byName(delegated);
    },
  };
}

/** By priority, and at random by weight within one (RFC 2782). */
export function inOrder(records: readonly SrvRecord[], random: Random): SrvRecord[] {
  const left = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  const ordered: SrvRecord[] = [];
  while (left.length > 0) {
    const same = left.filter(({ priority }) => priority === left[0]!.priority);
    let place = random.integer(same.reduce((sum, { weight }) => sum + weight, 0) + 1);
    const chosen = same.find(({ weight }) => (place -= weight) <= 0) ?? same[0]!;
    left.splice(left.indexOf(chosen), 1);
    ordered.push(chosen);
  }
  return ordered;
}

/** SRV records from the name service, kept for five minutes. */
export function createSrvResolver(clock: Clock): SrvResolver {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  const cache = new LRUCache<string, { records: readonly SrvRecord[]; until: number }>({
    max: 10_000,
  });
  return {
    async resolve(name) {
      // RFC 6761: names of this machine are not sent to name servers.
      if (/(^|\.)localhost$/.test(name)) return [];
      const known = cache.get(name);
      if (known && known.until > clock.now()) return known.records;
      const found = await resolver.resolveSrv(name).catch(() => []);
      // RFC 2782: a single record with the name "." says that the service is not offered.
      const records = found.filter((record) => record.name !== "" && record.name !== ".");
      cache.set(name, { records, until: clock.now() + SRV_MS });
      return records;
    },
  };
}
