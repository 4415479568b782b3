/** The application services that are registered at present. */
import type { Logger } from "../platform/logger.ts";
import { type RoomAlias, type ServerName, serverOf, type UserId } from "../protocol/identifiers.ts";
import { readRegistrations, stampOf } from "./folder.ts";
import type { Registration } from "./registration.ts";

/** The difference between two sets of registrations. */
interface ServicesChange {
  readonly added: readonly Registration[];
  /** As they are now. */
  readonly changed: readonly Registration[];
  readonly removed: readonly Registration[];
}

export interface Services {
  readonly all: readonly Registration[];
  byToken(asToken: string): Registration | undefined;
  byId(id: string): Registration | undefined;
  /** Whether the service may act as the user: its sender, or a local user of its namespaces. */
  controls(service: Registration, userId: UserId): boolean;
  /** Whether only another service than `by` (undefined: any service) may create the user. */
  reservesUser(userId: UserId, by?: string): boolean;
  /** The same for an alias. */
  reservesAlias(alias: RoomAlias, by?: string): boolean;
  /**
   * Reads the folder again, and says in the log what changed. If anything in it is wrong, it says
   * what, and everything stays as it was.
   */
  reload(): void;
  /** Called after a change, and never with an empty one. */
  onChange(listener: (change: ServicesChange) => void): () => void;
  stop(): void;
}

/** How often the folder is looked at. */
const WATCH_MS = 2_000;

/**
 * Reads the folder, and follows its changes. `folder` undefined: there are no services.
 * @throws RegistrationError
 */
export function openServices(deps: {
  readonly folder: string | undefined;
  readonly serverName: ServerName;
  readonly logger: Logger;
  /** Milliseconds (2,000). */
  readonly watchMs?: number;
}): Services {
  const { folder, serverName, logger } = deps;
  const read = () => (folder === undefined ? [] : readRegistrations(folder, serverName));
  const listeners = new Set<(change: ServicesChange) => void>();
  let stamp = folder === undefined ? "" : stampOf(folder);
  let all: readonly Registration[] = read();
  let byToken = new Map(all.map((each) => [each.asToken, each]));
  /** What was wrong with the folder when it was last read: said once. */
  let complaint: string | undefined;
  const timer = folder === undefined ? undefined : setInterval(look, deps.watchMs ?? WATCH_MS);
  timer?.unref();

  /** Undefined when the folder has a fault, which the log is told. */
  function readAgain(isAsked: boolean): readonly Registration[] | undefined {
    try {
      const found = read();
      complaint = undefined;
      return found;
    } catch (error) {
      const { message } = error as Error;
      if (isAsked || message !== complaint) {
        logger.error({ problem: message }, "application services stay as they were");
      }
      complaint = message;
      return undefined;
    }
  }

  /** True when something changed. */
  function take(found: readonly Registration[]): boolean {
    const change = difference(all, found);
    const { added, changed, removed } = change;
    if (added.length + changed.length + removed.length === 0) return false;
    const kept = new Map(all.map((each) => [each.id, each]));
    for (const each of [...changed, ...added]) kept.set(each.id, each);
    all = found.map(({ id }) => kept.get(id)!);
    byToken = new Map(all.map((each) => [each.asToken, each]));
    const ids = (list: readonly Registration[]) => list.map(({ id }) => id);
    const report = { added: ids(added), changed: ids(changed), removed: ids(removed) };
    logger.info(report, "application services changed");
    for (const listener of listeners) listener(change);
    return true;
  }

  function look(): void {
    const seen = stampOf(folder!);
    if (seen === stamp) return;
    stamp = seen;
    const found = readAgain(false);
    if (found) take(found);
  }

  /** What matches exclusively belongs to the services that have it so. */
  function reserves(has: (service: Registration) => boolean, by: string | undefined): boolean {
    const owners = all.filter(has);
    return owners.length > 0 && !owners.some(({ id }) => id === by);
  }

  return {
    get all() {
      return all;
    },
    byToken: (asToken) => byToken.get(asToken),
    byId: (id) => all.find((service) => service.id === id),
    controls: ({ sender, users }, userId) =>
      userId === sender || (serverOf(userId) === serverName && users.has(userId)),
    reservesUser: (userId, by) =>
      reserves(({ sender, users }) => sender === userId || users.hasExclusively(userId), by),
    reservesAlias: (alias, by) => reserves(({ aliases }) => aliases.hasExclusively(alias), by),
    reload() {
      const found = readAgain(true);
      if (found && !take(found)) logger.info({}, "application services are unchanged");
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      clearInterval(timer);
      listeners.clear();
    },
  };
}

function difference(
  before: readonly Registration[],
  after: readonly Registration[],
): ServicesChange {
  const [old, now] = [before, after].map((list) => new Map(list.map((each) => [each.id, each])));
  return {
    added: after.filter(({ id }) => !old!.has(id)),
    changed: after.filter(({ id, fingerprint }) => {
      const former = old!.get(id);
      return former !== undefined && former.fingerprint !== fingerprint;
    }),
    removed: before.filter(({ id }) => !now!.has(id)),
  };
}
