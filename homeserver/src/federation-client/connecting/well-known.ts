import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import { type Dispatcher, request } from "undici";
import type { Clock } from "../../platform/clock.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { isServerName } from "../../protocol/identifiers.ts";
import { isJsonObject, parseLoose } from "../../protocol/json.ts";
import { readBody } from "../reading/read-body.ts";

/** Looks up `https://<host>/.well-known/matrix/server`. */
export interface WellKnown {
  /** The server name delegated to; undefined when there is no (valid) delegation. Never throws. */
  delegation(host: string): Promise<string | undefined>;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DEFAULT_MS = 24 * HOUR;
const MAX_MS = 48 * HOUR;
const MIN_MS = 5 * MINUTE;
const ERROR_MAX_MS = HOUR;
const MAX_BYTES = 51_200;
const MAX_REDIRECTS = 10;
const TIMEOUT_MS = 5_000;

interface Entry {
  readonly server: string | undefined;
  readonly until: number;
  /** How often in a row it failed. */
  readonly failures: number;
}

/** Caches answers and failures as "Resolving server names" of the server-server API recommends. */
export function createWellKnown(agent: Dispatcher, clock: Clock): WellKnown {
  const cache = new LRUCache<string, Entry>(atMost(10_000));
  const flights = createSingleFlight<string, string | undefined>();

  async function load(host: string): Promise<string | undefined> {
    const before = cache.get(host);
    try {
      const { server, ttl } = await fetchDelegation(agent, host, clock.now());
      cache.set(host, { server, until: clock.now() + ttl, failures: 0 });
      return server;
    } catch {
      const failures = (before?.failures ?? 0) + 1;
      const ttl = Math.min(ERROR_MAX_MS, MINUTE * 2 ** (failures - 1));
      cache.set(host, { server: undefined, until: clock.now() + ttl, failures });
      return undefined;
    }
  }

  return {
    async delegation(host) {
      const known = cache.get(host);
      if (known && known.until > clock.now()) return known.server;
      return await flights.run(host, () => load(host));
    },
  };
}

async function fetchDelegation(agent: Dispatcher, host: string, now: number) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let url = new URL(`https://${host}/.well-known/matrix/server`);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await request(url, { dispatcher: agent, signal });
    const location = answer.headers["location"];
    if (answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === "string") {
      await answer.body.dump();
      url = new URL(location, url);
      if (url.protocol !== "https:") throw new Error("redirected away from https");
      continue;
    }
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Error(`status ${answer.statusCode}`);
    }
    const value = parseLoose(await readBody(answer.body, MAX_BYTES));
    const server = isJsonObject(value) ? value["m.server"] : undefined;
    if (!isServerName(server)) throw new Error("no m.server");
    return { server: server as string, ttl: timeToLive(answer.headers, now) };
  }
  throw new Error("too many redirects");
}

/** From Cache-Control or Expires, within 5 minutes and 48 hours; 24 hours when neither says. */
export function timeToLive(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  now: number,
): number {
  const control = String(headers["cache-control"] ?? "").toLowerCase();
  if (/\bno-(store|cache)\b/.test(control)) return MIN_MS;
  const maxAge = /\bmax-age\s*=\s*"?(\d+)/.exec(control);
  const expires = Date.parse(String(headers["expires"] ?? ""));
  const maxAgeMs = maxAge
    ? Number(maxAge[1]) * 1000
    : Number.isNaN(expires)
      ? undefined
      : expires - now;
  return maxAgeMs === undefined ? DEFAULT_MS : Math.min(MAX_MS, Math.max(MIN_MS, maxAgeMs));
}
