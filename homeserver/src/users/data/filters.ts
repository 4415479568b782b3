import { errors } from "../../protocol/errors.ts";
import { sha256 } from "../../protocol/crypto.ts";
import { parseFilter, type SyncFilter } from "../../protocol/filter.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { canonicalJson, parseStrict, type Json, type JsonObject } from "../../protocol/json.ts";
import { LRUCache } from "../../platform/caches.ts";
import * as storage from "../../storage/users/filters.ts";
import type { Sql } from "../../storage/sql.ts";
import { tooMany } from "../common/limits.ts";

/** Filters that clients store. (Client-server API, "Filtering".) */
export interface Filters {
  /**
   * Stores a filter, the same one only once; returns its id.
   * @throws MatrixError M_BAD_JSON, M_TOO_LARGE, M_RESOURCE_LIMIT_EXCEEDED
   */
  define(userId: UserId, filter: JsonObject): Promise<string>;
  /** The filter as it was stored. @throws MatrixError M_NOT_FOUND 404 */
  get(userId: UserId, filterId: string): Promise<JsonObject>;
  /**
   * A `filter` query parameter: a filter in JSON, or the id of a stored one. From memory if
   * possible.
   * @throws MatrixError M_INVALID_PARAM, M_BAD_JSON 400, M_NOT_FOUND 404
   */
  resolve(userId: UserId, parameter: string): Promise<SyncFilter>;
}

const MAX_FILTER_BYTES = 65_536;
const MAX_FILTERS = 1_000;
/** Cached filters, by the size of their texts; parsed ones take several times as much. */
const MAX_PARSED_BYTES = 16 * 1024 * 1024;
/** The assumed size of a small one. */
const FILTER_BYTES = 1024;

export function createFilters(deps: { sql: Sql }): Filters {
  const { sql } = deps;
  // A stored filter never changes, and every long-poll names it.
  const parsed = new LRUCache<string, { filter: SyncFilter; bytes: number }>({
    maxSize: MAX_PARSED_BYTES,
    sizeCalculation: ({ bytes }) => bytes,
  });

  async function readText(userId: UserId, filterId: string): Promise<string> {
    const isId = /^[0-9]{1,15}$/.test(filterId);
    const content = isId ? await storage.findFilter(sql, userId, Number(filterId)) : undefined;
    if (content === undefined) throw errors.notFound("No such filter");
    return content;
  }

  const read = async (userId: UserId, filterId: string): Promise<JsonObject> =>
    JSON.parse(await readText(userId, filterId)) as JsonObject;

  function parseInline(text: string): SyncFilter {
    if (Buffer.byteLength(text) > MAX_FILTER_BYTES)
      throw errors.tooLarge("The filter is too large");
    let value: Json;
    try {
      value = parseStrict(text);
    } catch {
      throw errors.invalidParam("The filter is not valid JSON");
    }
    return parseFilter(value);
  }

  return {
    async define(userId, filter) {
      parseFilter(filter);
      const content = canonicalJson(filter);
      if (Buffer.byteLength(content) > MAX_FILTER_BYTES) {
        throw errors.tooLarge("The filter is too large");
      }
      const hash = sha256(content);
      const known = await storage.findFilterByHash(sql, userId, hash);
      if (known !== undefined) return String(known);
      if ((await storage.countFilters(sql, userId)) >= MAX_FILTERS) {
        throw tooMany(MAX_FILTERS, "filters");
      }
      return String(await storage.insertFilter(sql, userId, hash, content));
    },

    get: read,

    async resolve(userId, parameter) {
      if (parameter.trimStart().startsWith("{")) return parseInline(parameter);
      const key = `${userId}\0${parameter}`;
      const known = parsed.get(key);
      if (known) return known.filter;
      const text = await readText(userId, parameter);
      const filter = parseFilter(JSON.parse(text) as JsonObject);
      parsed.set(key, { filter, bytes: FILTER_BYTES + text.length });
      return filter;
    },
  };
}
