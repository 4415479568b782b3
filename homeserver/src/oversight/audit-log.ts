import { operations } from "@weft/spec/operations";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import {
  type AuditFilter,
  type AuditRow,
  deleteAuditBefore,
  deleteAuditBeyond,
  endAuditEntry,
  findAuditEntries,
  insertAuditEntry,
} from "../storage/oversight/audit-log.ts";
import type { Sql } from "../storage/sql.ts";

export interface AuditLogOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For how long entries are kept, ms; undefined: as long as there is room. It may change. */
  readonly lifetimeMs: () => number | undefined;
  /** Entries at most (a million, which take some 400 MB). */
  readonly max?: number;
}

interface Action {
  readonly by: { readonly userId: string; readonly deviceId: string };
  readonly operation: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly ip: string;
}

/**
 * What administrators did. An entry is committed before its operation begins and completed before
 * the operation is answered. So whatever happens to the process or the machine, nothing was done of
 * which there is no entry, and nothing was answered whose entry does not say how, unless the
 * database was away in between. An entry without an end is of an operation that is under way, or
 * amid which the server stopped: it may have been done, in part, or not at all.
 */
export interface AuditLog {
  /** @throws when the entry cannot be written */
  begin(
    action: Action,
  ): Promise<(end: { status: number; errcode?: string | undefined }) => Promise<void>>;
  /** Entries that fit, the newest first. */
  list(filter: AuditFilter, limit: number): Promise<AuditRow[]>;
  /** Deletes what is too old or too much. */
  tidy(): Promise<void>;
  stop(): Promise<void>;
}

const MAX_ENTRIES = 1_000_000;
const EVERY_MS = 60 * 60_000;
/** Entries that are deleted by one statement. */
const PIECE = 10_000;
/** Characters of a text, and members of a list or an object. */
const [MAX_TEXT, MAX_MEMBERS] = [300, 20];
/** Characters of all parameters together. */
const MAX_PARAMETERS = 4_000;

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { sql, clock, logger, lifetimeMs, max = MAX_ENTRIES } = options;
  const stopping = new AbortController();

  async function begin({ by, operation, parameters, ip }: Action) {
    const noted = brief(parameters, 0) as Record<string, unknown>;
    const text = JSON.stringify(noted);
    const entryId = await insertAuditEntry(sql, {
      ...{ ts: clock.now(), userId: by.userId, deviceId: by.deviceId, operation, ip },
      parameters: text.length <= MAX_PARAMETERS ? text : JSON.stringify({ cut: true }),
      targets: textsIn(noted),
    });
    const said = { entryId, operation, user: by.userId, ip };
    return async (end: { status: number; errcode?: string | undefined }): Promise<void> => {
      const { status, errcode } = end;
      logger.info({ ...said, status }, "an administrator did something");
      try {
        await endAuditEntry(sql, entryId, { status, errcode, now: clock.now() });
      } catch (err) {
        logger.error({ err, ...said }, "the end of what an administrator did could not be noted");
      }
    };
  }

  async function tidy(): Promise<void> {
    const lifetime = lifetimeMs();
    const before = lifetime === undefined ? 0 : clock.now() - lifetime;
    while (before > 0 && (await deleteAuditBefore(sql, before, PIECE)) === PIECE) {
      if (stopping.signal.aborted) return;
    }
    while ((await deleteAuditBeyond(sql, max, PIECE)) === PIECE) {
      if (stopping.signal.aborted) return;
    }
  }

  async function keepTidy(): Promise<void> {
    while (!stopping.signal.aborted) {
      await tidy().catch((err: unknown) => {
        logger.warn({ err }, "old entries of what administrators did are deleted later");
      });
      await clock.sleep(EVERY_MS, stopping.signal);
    }
  }

  const tidying = keepTidy();
  return {
    begin,
    list(filter, limit) {
      const lifetime = lifetimeMs();
      const oldest = lifetime === undefined ? 0 : clock.now() - lifetime;
      const fromTs = Math.max(filter.fromTs ?? 0, oldest);
      return findAuditEntries(sql, { ...filter, fromTs }, limit);
    },
    tidy,
    async stop() {
      stopping.abort();
      await tidying;
    },
  };
}

/** A value without its ends where it is long, and without what the database cannot store. */
function brief(value: unknown, depth: number): unknown {
  if (typeof value === "string") return briefText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > 2) return "…";
  if (Array.isArray(value)) return value.slice(0, MAX_MEMBERS).map((one) => brief(one, depth + 1));
  const members = Object.entries(value).slice(0, MAX_MEMBERS);
  return Object.fromEntries(members.map(([name, one]) => [briefText(name), brief(one, depth + 1)]));
}

function briefText(text: string): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return cut.replaceAll("\0", "\uFFFD").toWellFormed();
}

function textsIn(value: unknown): string[] {
  const found = new Set<string>();
  const look = (one: unknown): void => {
    if (typeof one === "string" && one !== "") found.add(one);
    else if (typeof one === "object" && one !== null) Object.values(one).forEach(look);
  };
  look(value);
  return [...found];
}

/** Method and path of an operation; of one that a later version no longer has, nothing. */
export function placeOfOperation(operation: string): { method: string; path: string } {
  const table: Readonly<Record<string, { readonly method: string; readonly path: string }>> =
    operations;
  const { method = "", path = "" } = table[operation] ?? {};
  return { method, path };
}
