import type { Channel } from "../../platform/channel.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { errors } from "../../protocol/errors.ts";
import { glob, type Glob } from "../../protocol/glob.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import {
  type BlockedServer,
  deleteBlockedServer,
  insertBlockedServer,
  loadBlockedServers,
} from "../../storage/federation/blocked-servers.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";

/** Servers with which this one does not federate, by the wish of administrators. */
export interface BlockedServers {
  has(server: ServerName): boolean;
  list(): Promise<BlockedServer[]>;
  /** @throws MatrixError M_INVALID_PARAM 400 for this server itself, or if too many are blocked */
  block(pattern: string, by: UserId, reason: string | undefined): Promise<void>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  unblock(pattern: string): Promise<void>;
  stop(): void;
}

export interface BlockedServersOptions {
  readonly sql: Sql;
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
  readonly serverName: ServerName;
  /** Tells the other replicas that there is a change. Absent: there is one replica. */
  readonly changes: Channel<string> | undefined;
}

const MAX_BLOCKED = 1000;

export async function createBlockedServers(
  options: BlockedServersOptions,
): Promise<BlockedServers> {
  const { sql, clock, log, serverName, changes } = options;
  let names = new Set<string>();
  let patterns: readonly Glob[] = [];
  let reading: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    const found = (await loadBlockedServers(sql)).map(({ pattern }) => pattern);
    names = new Set(found.filter((pattern) => !isWild(pattern)));
    patterns = found.filter(isWild).map((pattern) => glob(pattern));
  }

  /** Reads them after whoever is reading now: that may have begun before the change. */
  function readAgain(): Promise<void> {
    const mine = reading.catch(() => undefined).then(read);
    reading = mine;
    return mine;
  }

  const readInTime = () => {
    readAgain().catch((err: unknown) => log.error({ err }, "blocked servers could not be read"));
  };
  const unsubscribe = changes?.subscribe(readInTime);
  // Messages that arrived meanwhile were lost.
  const unwatch = changes?.onReconnect(readInTime);
  await readAgain();

  return {
    has(server) {
      if (names.size === 0 && patterns.length === 0) return false;
      return namesOf(server).some(
        (name) => names.has(name) || patterns.some((pattern) => pattern.matches(name)),
      );
    },
    list: () => loadBlockedServers(sql),
    async block(given, by, reason) {
      const pattern = given.toLowerCase();
      if (namesOf(serverName).some((name) => glob(pattern).matches(name))) {
        throw errors.invalidParam("That would be this server itself");
      }
      const row = { pattern, reason: reason ?? null, by, ts: clock.now() };
      const fits = await transaction(sql, (tx) => insertBlockedServer(tx, row, MAX_BLOCKED));
      if (!fits) throw errors.invalidParam(`No more than ${MAX_BLOCKED} servers can be blocked`);
      changes?.publish(pattern);
      await readAgain();
    },
    async unblock(given) {
      const pattern = given.toLowerCase();
      if (!(await deleteBlockedServer(sql, pattern))) throw errors.notFound("It is not blocked");
      changes?.publish(pattern);
      await readAgain();
    },
    stop() {
      unsubscribe?.();
      unwatch?.();
    },
  };
}

const isWild = (pattern: string): boolean => /[*?]/.test(pattern);

/** A server's name, with and without its port: a host is blocked whatever the port. */
function namesOf(server: string): string[] {
  const name = server.toLowerCase();
  const host = name.replace(/(?<=[\].a-z0-9-]):\d{1,5}$/, "");
  return host === name ? [name] : [name, host];
}
