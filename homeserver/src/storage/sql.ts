import postgres from "postgres";
import { beginSafely } from "./begin.ts";

/**
 * A pool of connections. Integers of 64 bits come back as JavaScript numbers: all of ours are below
 * 2^53.
 */
export type Sql = postgres.Sql<Record<string, never>>;
/** A transaction on one connection. Functions that write more than one statement demand this. */
export type Tx = postgres.TransactionSql<Record<string, never>>;

/** Where a database is: a URL, or the folder of a unix socket (the embedded PostgreSQL). */
export interface DatabaseLocation {
  url?: string;
  socketFolder?: string;
  database?: string;
  user?: string;
}

export interface SqlOptions {
  /** Most connections at once (10). */
  max?: number;
  /** Session settings, such as `{plan_cache_mode: "force_generic_plan"}`. */
  settings?: Record<string, string>;
  /** Name shown in pg_stat_activity ("weft"). */
  applicationName?: string;
  onNotice?: (message: string) => void;
}

/**
 * What a running server's connections are called in pg_stat_activity; the one that appends is "weft
 * log".
 */
export const SERVER_CONNECTION = "weft server";

const OID = {
  int8: 20,
  booleanArray: 1000,
  byteaArray: 1001,
  int4Array: 1007,
  textArray: 1009,
  int8Array: 1016,
};

/** Opens a client. Connections are made on demand and come back by themselves after a lost one. */
export function connect(location: DatabaseLocation, options: SqlOptions = {}): Sql {
  const common = {
    max: options.max ?? 10,
    fetch_types: false,
    max_lifetime: null,
    types: TYPES,
    backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, 2),
    onnotice: (notice: { message?: string }) => options.onNotice?.(notice.message ?? ""),
    connection: { application_name: options.applicationName ?? "weft", ...options.settings },
  };
  const client =
    location.socketFolder === undefined
      ? postgres(location.url ?? "", common as never)
      : postgres({
          ...common,
          host: location.socketFolder,
          database: location.database ?? "weft",
          user: location.user ?? "weft",
        } as never);
  client.begin = beginSafely(client as Sql);
  // With fetch_types off, the library never answers a reservation that needs a new connection.
  client.reserve = () => Promise.reject(new Error("reserve() is not available: use max: 1"));
  return client as Sql;
}

/** True when the database answers a query. */
export async function answers(sql: Sql): Promise<boolean> {
  try {
    await sql`SELECT 1`;
    return true;
  } catch {
    return false;
  }
}

/** PostgreSQL's literal for an array of numbers or null, for `${…}::bigint[]`. */
export function numberArray(values: readonly (number | null)[]): string {
  return `{${values.map((value) => value ?? "NULL").join(",")}}`;
}

/** PostgreSQL's literal for an array of texts, for `${…}::text[]`. */
export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : quoteElement(value))).join(",")}}`;
}

/** PostgreSQL's literal for an array of byte strings, for `${…}::bytea[]`. */
export function byteaArray(values: readonly (Uint8Array | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : `"\\\\x${hex(value)}"`)).join(",")}}`;
}

/**
 * True when an error says that the connection was lost or could not be made, not that the query was
 * wrong.
 */
export function isConnectionError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && CONNECTION_CODES.has(code);
}

/** The SQLSTATE of an error from PostgreSQL, if it is one. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof postgres.PostgresError ? error.code : undefined;
}

const CONNECTION_CODES = new Set([
  ...["CONNECTION_CLOSED", "CONNECTION_DESTROYED", "CONNECT_TIMEOUT"],
  ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT", "ETIMEDOUT", "EHOSTUNREACH", "ENOTFOUND"],
  // Shut down by an administrator, crashed, starting up, recovering, too many connections, idle too
  // long.
  ...["57P01", "57P02", "57P03", "57P05", "25P03", "53300", "08000", "08003", "08006"],
]);

/**
 * True when an error says that the database serves nobody, or not this, at this moment: it cannot
 * be reached, it has no room or no memory left, it may only be read, something is locked for too
 * long. It is nobody's request that is wrong.
 */
export function isStoreRefusing(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return CONNECTION_CODES.has(state) || REFUSING.test(state);
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  if (typeof code !== "string") return false;
  // Files that are missing have some of these codes, too.
  const isOfSocket = syscall === "connect" || syscall === "read" || syscall === "write";
  return code.startsWith("CONNECT") || (isOfSocket && isConnectionError(error));
}

/** Connections, resources, operators, the system; read-only; an unavailable lock; serialisation. */
const REFUSING = /^(08|53|57|58)|^(25006|55P03|40001|40P01)$/;

function quoteElement(value: string): string {
  // Arrays within arrays are twice as long where each element has quotation marks.
  if (PLAIN.test(value) && !(value.length === 4 && value.toLowerCase() === "null")) return value;
  return SPECIAL.test(value) ? `"${value.replace(ESCAPED, "\\$&")}"` : `"${value}"`;
}
const PLAIN = /^[\w@:.=/+-]+$/;
const SPECIAL = /["\\]/;
const ESCAPED = /["\\]/g;

function hex(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
}

const asText = (value: unknown): string => String(value);
const orText =
  <T>(serialize: (values: T[]) => string) =>
  (value: unknown): string =>
    Array.isArray(value) ? serialize(value as T[]) : asText(value);

function parseNumbers(text: string): (number | null)[] {
  if (text === "{}") return [];
  return text
    .slice(1, -1)
    .split(",")
    .map((item) => (item === "NULL" ? null : Number(item)));
}

/** Parses a one-dimensional array literal of PostgreSQL. */
function parseTexts(text: string): (string | null)[] {
  const items: (string | null)[] = [];
  let at = 1;
  while (at < text.length - 1) {
    if (text[at] === '"') {
      let item = "";
      for (at += 1; text[at] !== '"'; at += 1) {
        if (text[at] === "\\") at += 1;
        item += text[at];
      }
      items.push(item);
      at += 2;
    } else {
      let end = text.indexOf(",", at);
      if (end === -1) end = text.length - 1;
      const item = text.slice(at, end);
      items.push(item === "NULL" ? null : item);
      at = end + 1;
    }
  }
  return items;
}

const TYPES = {
  int8: { to: OID.int8, from: [OID.int8], serialize: asText, parse: Number },
  int8Array: {
    to: OID.int8Array,
    from: [OID.int8Array],
    serialize: orText(numberArray),
    parse: parseNumbers,
  },
  int4Array: {
    to: OID.int4Array,
    from: [OID.int4Array],
    serialize: orText(numberArray),
    parse: parseNumbers,
  },
  booleanArray: {
    to: OID.booleanArray,
    from: [OID.booleanArray],
    serialize: orText((values: boolean[]) => `{${values.join(",")}}`),
    parse: (text: string) =>
      text === "{}"
        ? []
        : text
            .slice(1, -1)
            .split(",")
            .map((x) => x === "t"),
  },
  textArray: {
    to: OID.textArray,
    from: [OID.textArray],
    serialize: orText(textArray),
    parse: parseTexts,
  },
  byteaArray: {
    to: OID.byteaArray,
    from: [OID.byteaArray],
    serialize: orText(byteaArray),
    parse: (text: string) =>
      parseTexts(text).map((item) => (item === null ? null : Buffer.from(item.slice(2), "hex"))),
  },
};
